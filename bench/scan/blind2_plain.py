"""Harmless files that the libraries themselves write."""

import base64
import bz2
import collections
import datetime
import gzip
import io
import json
import os
import pickle
import tempfile
import warnings
import zipfile

import joblib
import numpy as np

from blind2_kit import as_json, in_folder, safetensors, tarred, zipped

WORDS = "ship late damage refund order parcel thanks great broken delay".split()
TRAPS = ["os.system", "eval", "__reduce__", "subprocess.Popen", "rm -rf /", "exec(", "import os"]


def fill(corpus):
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(corpus.random.randrange(1 << 30))
    for make in (sklearn_files, boosters, arrays, frames, objects, torch_files, safe, graphs):
        for form, technique, files in make(rng):
            corpus.good(form, technique, files)


def dumped(item, how):
    """An object as pickle or joblib writes it."""
    if how.startswith("p"):
        return f"model.{('pkl', 'pickle', 'p', 'sav')[int(how[1]) % 4]}", pickle.dumps(
            item, int(how[1])
        )
    with tempfile.TemporaryDirectory() as folder:
        level = {"j": 0, "jz": 3, "jg": ("gzip", 3), "jx": ("xz", 2), "jl": ("lz4", 1)}[how]
        path = os.path.join(folder, "m")
        joblib.dump(item, path, compress=level)
        return ("model.joblib", in_folder(folder, ["m"])["m"])


HOWS = ("p4", "j", "p2", "jz", "p5", "jg", "p3", "jx", "p0", "jl")


def estimators():
    from sklearn import calibration, cluster, compose, covariance, cross_decomposition
    from sklearn import decomposition, discriminant_analysis, dummy, ensemble
    from sklearn import feature_extraction, feature_selection, gaussian_process, impute
    from sklearn import isotonic, kernel_approximation, kernel_ridge, linear_model, manifold
    from sklearn import mixture, model_selection, multiclass, multioutput, naive_bayes
    from sklearn import neighbors, neural_network, pipeline, preprocessing, random_projection
    from sklearn import semi_supervised, svm, tree

    lm, en, pp = linear_model, ensemble, preprocessing
    forest = en.RandomForestClassifier(5, max_depth=3)
    yield from (lm.LinearRegression(), lm.LogisticRegression(), lm.Ridge(), lm.Lasso())
    yield from (lm.ElasticNetCV(cv=3), lm.SGDClassifier(), lm.HuberRegressor(), lm.BayesianRidge())
    yield from (
        lm.RANSACRegressor(),
        lm.PoissonRegressor(),
        lm.Perceptron(),
        lm.TheilSenRegressor(),
    )
    yield from (lm.LogisticRegressionCV(cv=3), lm.QuantileRegressor(solver="highs"), lm.Lars())
    yield from (svm.SVC(probability=True), svm.LinearSVC(), svm.SVR(), svm.OneClassSVM())
    yield from (tree.DecisionTreeClassifier(), tree.ExtraTreeRegressor(), forest)
    yield from (en.GradientBoostingClassifier(n_estimators=4), en.HistGradientBoostingRegressor())
    yield from (en.IsolationForest(n_estimators=5), en.AdaBoostClassifier(n_estimators=4))
    yield from (en.BaggingRegressor(n_estimators=3), en.ExtraTreesClassifier(4))
    yield en.StackingClassifier([("f", forest), ("l", lm.LogisticRegression())], cv=3)
    yield en.VotingClassifier([("f", forest), ("t", tree.DecisionTreeClassifier())])
    yield from (
        neighbors.KNeighborsClassifier(),
        neighbors.KNeighborsRegressor(algorithm="ball_tree"),
    )
    yield from (neighbors.LocalOutlierFactor(novelty=True), neighbors.NearestCentroid())
    yield from (neighbors.KernelDensity(), neighbors.RadiusNeighborsRegressor(9.0))
    yield from (naive_bayes.GaussianNB(), naive_bayes.BernoulliNB(), naive_bayes.ComplementNB())
    yield from (cluster.KMeans(3, n_init=2), cluster.DBSCAN(), cluster.AgglomerativeClustering())
    yield from (cluster.MiniBatchKMeans(3, n_init=2), cluster.Birch(), cluster.MeanShift())
    yield from (cluster.SpectralClustering(3), cluster.HDBSCAN(), cluster.OPTICS())
    yield from (decomposition.PCA(2), decomposition.NMF(2), decomposition.TruncatedSVD(2))
    yield from (
        decomposition.FastICA(2),
        decomposition.KernelPCA(2),
        decomposition.FactorAnalysis(2),
    )
    yield from (decomposition.LatentDirichletAllocation(2), decomposition.IncrementalPCA(2))
    yield from (mixture.GaussianMixture(2), mixture.BayesianGaussianMixture(n_components=2))
    yield from (
        manifold.Isomap(),
        manifold.TSNE(perplexity=5, max_iter=250),
        manifold.MDS(n_init=1),
    )
    yield from (discriminant_analysis.LinearDiscriminantAnalysis(), dummy.DummyClassifier())
    yield from (neural_network.MLPClassifier((4,)), neural_network.BernoulliRBM(2))
    kernel = gaussian_process.kernels.RBF() + gaussian_process.kernels.WhiteKernel()
    yield from (gaussian_process.GaussianProcessRegressor(kernel), kernel_ridge.KernelRidge())
    yield from (pp.StandardScaler(), pp.MinMaxScaler(), pp.OneHotEncoder(), pp.KBinsDiscretizer())
    yield from (pp.PolynomialFeatures(), pp.PowerTransformer(), pp.SplineTransformer())
    yield from (pp.FunctionTransformer(np.log1p), pp.QuantileTransformer(n_quantiles=9))
    yield from (impute.SimpleImputer(), impute.KNNImputer(), pp.RobustScaler(), pp.Normalizer())
    yield from (feature_selection.SelectKBest(k=2), feature_selection.RFE(lm.Ridge()))
    yield from (covariance.EmpiricalCovariance(), covariance.EllipticEnvelope())
    yield from (cross_decomposition.PLSRegression(2), random_projection.GaussianRandomProjection(2))
    yield from (kernel_approximation.Nystroem(n_components=5), semi_supervised.LabelSpreading())
    yield from (multiclass.OneVsRestClassifier(lm.LogisticRegression()), isotonic)
    yield from (calibration.CalibratedClassifierCV(svm.LinearSVC(), cv=3), multioutput)
    grid = {"max_depth": [2, 3]}
    yield model_selection.GridSearchCV(
        tree.DecisionTreeClassifier(), grid, cv=3, scoring="f1_macro"
    )
    yield pipeline.make_pipeline(pp.StandardScaler(), decomposition.PCA(2), svm.SVC())
    parts = [("scale", pp.StandardScaler(), [0, 1]), ("bins", pp.KBinsDiscretizer(3), [2])]
    yield pipeline.make_pipeline(compose.ColumnTransformer(parts), lm.LogisticRegression())
    yield compose.TransformedTargetRegressor(lm.Ridge(), func=np.log1p, inverse_func=np.expm1)
    yield pipeline.FeatureUnion([("a", pp.StandardScaler()), ("b", decomposition.PCA(2))])
    yield feature_extraction


def sklearn_files(rng):
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    features = np.abs(rng.normal(size=(60, 4))) + 0.1
    target = rng.integers(0, 3, 60)
    for index, estimator in enumerate(estimators()):
        if hasattr(estimator, "fit"):
            estimator.fit(features, target)
            name = type(estimator).__name__
            yield "sklearn", name, dumped(estimator, HOWS[index % len(HOWS)])
    lines = [" ".join(rng.choice(WORDS + TRAPS, 6)) for _ in range(40)]
    for index, words in enumerate((CountVectorizer(), TfidfVectorizer(), HashingVectorizer())):
        words.fit(lines)
        name = type(words).__name__
        yield "sklearn", f"{name} with words like attacks", dumped(words, HOWS[index])
    words = TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 2))
    chain = make_pipeline(words, LogisticRegression()).fit(lines, rng.integers(0, 2, 40))
    yield "sklearn", "text pipeline with words like attacks", dumped(chain, "j")
    bundle = {"model": chain, "threshold": 0.4, "trained": datetime.datetime(2024, 5, 1)}
    yield "sklearn", "pipeline and its data in a dict", dumped(bundle, "p4")


def boosters(rng):
    import lightgbm
    import xgboost

    features, target = rng.normal(size=(80, 4)), rng.integers(0, 2, 80)
    small = {"n_estimators": 3, "max_depth": 2}
    net = xgboost.XGBClassifier(**small).fit(features, target)
    rank = xgboost.XGBRegressor(booster="dart", **small).fit(features, target)
    line = xgboost.XGBRegressor(booster="gblinear", n_estimators=3).fit(features, target)
    for name, model in (("gbtree", net), ("dart", rank), ("gblinear", line)):
        for kind in ("json", "ubj"):
            data = bytes(model.get_booster().save_raw(kind))
            yield "xgboost", f"{name} as {kind}", (f"model.{kind}", data)
        yield "xgboost", f"{name} in a pickle", dumped(model, "p4")
    yield "xgboost", "booster in joblib", dumped(net.get_booster(), "j")
    text = "\n".join(net.get_booster().get_dump(dump_format="json"))
    yield "xgboost", "dump of trees", ("trees.json", f"[{text.replace(chr(10) * 2, ',')}]")
    kinds = {"LGBMClassifier": target, "LGBMRegressor": features[:, 0]}
    for name, values in kinds.items():
        model = getattr(lightgbm, name)(n_estimators=3, verbose=-1).fit(features, values)
        yield "lightgbm", f"{name} as text", ("model.txt", model.booster_.model_to_string())
        yield "lightgbm", f"{name} in joblib", dumped(model, "jz")
        yield "lightgbm", f"{name} in a pickle", dumped(model, "p5")
        yield "lightgbm", f"{name} as JSON", ("m.json", as_json(model.booster_.dump_model()))


def saved(write):
    out = io.BytesIO()
    write(out)
    return out.getvalue()


def arrays(rng):
    from scipy import sparse

    small = rng.normal(size=(6, 5))
    kinds = ("<f2", "<f4", ">f8", "<i8", "|u1", "|b1", "<c8", "<U12", "|S4", "<M8[D]")
    for kind in kinds:
        array = np.abs(small * 9).astype("<i4").astype(kind)
        yield "numpy", f"array of {kind}", ("a.npy", saved(lambda out, a=array: np.save(out, a)))
    rows = np.zeros(3, [("id", "<i4"), ("score", "<f8", (2,)), ("tag", "<U8")])
    yield "numpy", "records", ("rows.npy", saved(lambda out: np.save(out, rows)))
    fortran = np.asfortranarray(small)
    yield "numpy", "Fortran order", ("f.npy", saved(lambda out: np.save(out, fortran)))
    pack = {"weights": small, "labels": np.array(TRAPS), "step": np.int64(3)}
    yield "numpy", "npz", ("w.npz", saved(lambda out: np.savez(out, **pack)))
    yield "numpy", "npz, compressed", ("w.npz", saved(lambda out: np.savez_compressed(out, **pack)))
    names = np.array(["a", None, 3.5], object)
    yield "numpy", "array of objects", ("o.npy", saved(lambda out: np.save(out, names)))
    for name in ("csr", "csc", "coo", "bsr", "dia"):
        matrix = sparse.random(8, 9, 0.2, name, random_state=3)
        data = saved(lambda out, m=matrix: sparse.save_npz(out, m))
        yield "scipy", f"sparse {name} npz", (f"{name}.npz", data)
        yield "scipy", f"sparse {name} in a pickle", dumped(matrix, "p4")
    yield "numpy", "arrays in a pickle", dumped({"w": small, "b": fortran}, "p5")
    yield "numpy", "arrays in joblib", dumped([small, rows, names], "j")
    state = {"numpy": np.random.RandomState(3).get_state(), "rng": np.random.default_rng(4)}
    yield "numpy", "random states", dumped(state, "p4")


def frames(rng):
    import pandas as pd

    days = pd.date_range("2024-01-01", periods=6, freq="D")
    frame = pd.DataFrame({"x": rng.normal(size=6), "day": days, "who": list("abcabc")})
    frame["kind"] = pd.Categorical(["a", "b"] * 3)
    frame["count"] = pd.array([1, None, 3, 4, 5, 6], "Int64")
    kinds = {
        "frame": frame,
        "frame with a multi index": frame.set_index(["who", "day"]),
        "frame with words like attacks": pd.DataFrame({"text": TRAPS}),
        "series": frame["x"],
        "series with a period index": pd.Series(
            [1.0, 2.0], pd.period_range("2024", periods=2, freq="M")
        ),
        "time zone": pd.Series(days.tz_localize("Europe/Berlin")),
        "intervals": pd.Series(pd.interval_range(0, 4)),
        "sparse": pd.Series(pd.arrays.SparseArray([0, 0, 1])),
        "timedelta": pd.Series(pd.to_timedelta([1, 2], unit="h")),
    }
    for index, (name, item) in enumerate(kinds.items()):
        yield "pandas", name, dumped(item, ("p4", "p5", "jz")[index % 3])
        if index < 3:
            yield (
                "pandas",
                f"{name}, gzip",
                ("f.pkl.gz", gzip.compress(pickle.dumps(item), mtime=0)),
            )


def objects(rng):
    import decimal
    import fractions
    import pathlib
    import random
    import re
    import uuid

    import msgpack

    items = {
        "dict of lists": {"vocab": {word: at for at, word in enumerate(WORDS + TRAPS)}},
        "words that look like attacks": TRAPS * 3,
        "counters": collections.Counter(WORDS),
        "default dict": collections.defaultdict(list, {"a": [1]}),
        "ordered dict": collections.OrderedDict(zip(WORDS, range(10), strict=True)),
        "dates": [datetime.date(2024, 1, 2), datetime.timedelta(3), datetime.datetime(2024, 1, 2)],
        "numbers": [decimal.Decimal("1.5"), fractions.Fraction(2, 3), 1 << 99, 2j],
        "paths and ids": [pathlib.PurePosixPath("data/train"), uuid.UUID(int=9)],
        "patterns": [re.compile(r"[a-z]+")],
        "sets": [{1, 2}, frozenset("ab"), bytearray(b"cd"), slice(1, 2), range(3)],
        "random state": random.Random(4),
        "docstring of a module": {"doc": os.system.__doc__, "help": "call os.system('ls')"},
        "source text": {"source": "import os\nos.system('ls')\n", "lang": "python"},
    }
    for index, (name, item) in enumerate(items.items()):
        yield "pickle", name, dumped(item, f"p{index % 6}")
    packed = {
        "params": {
            "Dense_0": {"kernel": msgpack.ExtType(1, msgpack.packb([[2, 2], "float32", bytes(16)]))}
        }
    }
    yield "flax", "parameters", ("flax_model.msgpack", msgpack.packb(packed))
    words = pickle.dumps(items["dict of lists"], 4)
    yield "gzip", "vocabulary in a pickle", ("vocab.pkl.gz", gzip.compress(words, mtime=0))
    yield "bzip2", "vocabulary in a pickle", ("vocab.pkl.bz2", bz2.compress(words))
    array = saved(lambda out: np.save(out, rng.normal(size=4)))
    yield "zip", "arrays", ("d.zip", zipped({"a/x.npy": array, "a/vocab.pkl": words}))
    yield "tar", "arrays", ("d.tar.gz", tarred({"a/x.npy": array, "vocab.pkl": words}, "w:gz"))
    try:
        import statsmodels.api as sm

        fit = sm.OLS(rng.normal(size=20), sm.add_constant(rng.normal(size=(20, 2)))).fit()
        yield "statsmodels", "regression in a pickle", dumped(fit, "p4")
    except ImportError:
        pass


def torch_files(rng):
    try:
        import torch
    except ImportError:
        return
    torch.manual_seed(int(rng.integers(1 << 30)))
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    best = torch.optim.AdamW(net.parameters(), 1e-3)
    net(torch.ones(1, 4)).sum().backward()
    best.step()
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(best, 10)
    whole = {"model": net.state_dict(), "optimizer": best.state_dict(), "epoch": 3}
    whole |= {"scheduler": rate.state_dict(), "rng": torch.get_rng_state()}
    lstm = torch.nn.LSTM(4, 3, batch_first=True)
    half = {name: item.half() for name, item in net.state_dict().items()}
    brain = {"w": torch.ones(3, dtype=torch.bfloat16), "i": torch.arange(4), "m": torch.ones(2) > 0}
    rare = {"s": torch.eye(3).to_sparse(), "p": torch.nn.Parameter(torch.ones(2))}
    rare["q"] = torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)
    items = {
        "state dict": (net.state_dict(), "pytorch_model.bin"),
        "training checkpoint": (whole, "checkpoint.pt"),
        "optimizer": (best.state_dict(), "optimizer.pt"),
        "half precision": (half, "model_fp16.pth"),
        "brain floats and booleans": (brain, "m.pt"),
        "whole model": (net, "model.pt"),
        "recurrent model": (lstm, "lstm.pth"),
        "transformer layer": (torch.nn.TransformerEncoderLayer(4, 2, 8), "layer.pt"),
        "convolutions": (
            torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2)),
            "c.pt",
        ),
        "sparse, quantized, parameter": (rare, "rare.pt"),
        "one tensor": (torch.arange(5.0), "embedding.pt"),
        "sizes, types, devices": (
            {"d": torch.device("cpu"), "t": torch.float16, "s": torch.Size([2])},
            "x.pt",
        ),
    }
    for name, (item, file) in items.items():
        yield "torch", name, (file, saved(lambda out, i=item: torch.save(i, out)))
    for name in ("state dict", "training checkpoint", "whole model"):
        item = items[name][0]
        old = saved(lambda out, i=item: torch.save(i, out, _use_new_zipfile_serialization=False))
        yield "torch legacy", name, ("weights.pth", old)
    yield "torch", "checkpoint in a tar", ("m.tar.gz", tarred({"m.pt": old}, "w:gz"))
    script = torch.jit.script(net)
    yield "torchscript", "scripted", ("m.pt", saved(lambda out: torch.jit.save(script, out)))
    traced = torch.jit.trace(net, torch.ones(1, 4))
    yield "torchscript", "traced", ("traced.pt", saved(lambda out: torch.jit.save(traced, out)))


def safe(rng):
    from safetensors.numpy import save

    weights = {"a.weight": rng.normal(size=(4, 4)).astype("f4"), "a.bias": np.zeros(4, "f2")}
    yield "safetensors", "weights", ("model.safetensors", save(weights))
    yield "safetensors", "with metadata", ("m.safetensors", save(weights, {"format": "pt"}))
    lora = {"ss_network_module": "networks.lora", "ss_tag_frequency": json.dumps({"a": {"cat": 3}})}
    yield "safetensors", "adapter with tags", ("lora.safetensors", save(weights, lora))
    yield "safetensors", "no tensors", ("empty.safetensors", safetensors([], {"format": "pt"}))
    random = safetensors([("w", "BF16", [512], rng.bytes(1024))], {"format": "pt"})
    yield "safetensors", "brain floats", ("model.safetensors", random)
    trap = b"cos\nsystem\n(S'ls'\ntR.#!/bin/sh PK\x03\x04 MZ \x7fELF eval(".ljust(128, b"\0")
    data = safetensors([("w", "U8", [128], trap), ("v", "F32", [2], bytes(8))])
    yield "safetensors", "weights that look like attacks", ("model.safetensors", data)


def graphs(rng):
    import h5py
    import onnx
    from onnx import helper, numpy_helper

    info = [helper.make_tensor_value_info(name, 1, [None, 4]) for name in "xy"]
    weight = numpy_helper.from_array(rng.normal(size=(4, 4)).astype("f4"), "w")

    def made(nodes, initial=(weight,), opsets=(("", 18),), **more):
        graph = helper.make_graph(nodes, "main_graph", info[:1], info[1:], list(initial))
        ids = [helper.make_opsetid(*each) for each in opsets]
        model = helper.make_model(graph, opset_imports=ids, producer_name="pytorch")
        helper.set_model_props(model, more)
        return model

    dense = helper.make_node("MatMul", ["x", "w"], ["y"])
    yield "onnx", "dense layer", ("model.onnx", made([dense]).SerializeToString())
    props = made([dense], author="team", description="Uses eval() and os.system in no way.")
    yield "onnx", "with metadata", ("model.onnx", props.SerializeToString())
    gelu = helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft")
    fused = made([gelu], opsets=(("", 18), ("com.microsoft", 1)))
    yield "onnx", "fused operators", ("model_opt.onnx", fused.SerializeToString())
    scale = helper.make_node("Scaler", ["x"], ["y"], domain="ai.onnx.ml", offset=[0.1], scale=[2.0])
    yield "onnx", "classical operators", ("scaler.onnx", made([scale]).SerializeToString())
    split = made([dense])
    outside = split.graph.initializer[0]
    body = outside.raw_data
    outside.ClearField("raw_data")
    outside.data_location = onnx.TensorProto.EXTERNAL
    for key, item in (("location", "model.onnx_data"), ("offset", "0"), ("length", "64")):
        outside.external_data.add(key=key, value=item)
    yield (
        "onnx",
        "weights beside",
        {"model.onnx": split.SerializeToString(), "model.onnx_data": body},
    )
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        file.create_dataset(
            "train/x", data=rng.normal(size=(20, 3)), compression="gzip", chunks=True
        )
        file.attrs["note"] = "os.system is a word here"
        file["alias"] = h5py.SoftLink("/train/x")
    yield "hdf5", "data set", ("train.h5", out.getvalue())
    stable = {
        "data": as_json({"gamma": 0.99, "n_steps": 5}),
        "policy.pth": b"",
        "system_info.txt": "OS: Linux\n",
    }
    yield "zip", "deflated settings", ("s.zip", zipped(stable, method=zipfile.ZIP_DEFLATED))
    code = base64.b64encode(rng.bytes(90)).decode()
    yield "json", "vectors in base64", ("vectors.json", as_json({"dim": 22, "data": code}))
