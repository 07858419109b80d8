"""Harmless files that the libraries themselves write."""

import bz2
import collections
import datetime
import gzip
import io
import os
import pickle
import tempfile
import warnings

import joblib
import numpy as np

from blind2_kit import as_json, in_folder, tarred, zipped

WORDS = "ship late damage refund order parcel thanks great broken delay".split()
TRAPS = ["os.system", "eval", "__reduce__", "subprocess.Popen", "rm -rf /", "exec(", "import os"]


def fill(corpus):
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(corpus.random.randrange(1 << 30))
    np.random.seed(rng.integers(1 << 30))
    for make in (sklearn_files, boosters, arrays, frames, objects):
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
