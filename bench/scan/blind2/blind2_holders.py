"""Files and archives that a payload in a pickle travels in, and archives that write outside."""

import base64
import bz2
import gzip
import io
import json
import lzma
import struct
import zipfile
import zlib

from blind2_kit import AWAY, ECHO, as_json, call, glob, gzipped, npy, ordered
from blind2_kit import pkl, raw, safetensors, sglob, system, tarred, tensor
from blind2_kit import torch_legacy, torch_zip, value, zipped


def zfile(data):
    """The container of joblib before 0.10."""
    size = hex(len(data))
    return b"ZF" + size.encode() + b" " * (19 - len(size)) + zlib.compress(data)


def state(body):
    """A state dict with one tensor and, beside it, the payload's value."""
    return ordered({"fc.weight": tensor(0, (4, 8)), "fc.bias": body})


def in_torch(body):
    return torch_zip(state(body), [("0", bytes(128))])


HOLDERS = [
    ("pickle", "model.pkl", lambda body: pkl(body, 4)),
    ("torch zip", "pytorch_model.bin", in_torch),
    ("joblib", "clf.joblib", lambda body: pkl(value({"model": body, "classes": [0, 1]}), 3)),
    ("torch legacy", "weights.pt", lambda body: torch_legacy(state(body), [("0", bytes(128))])),
    ("pickle", "checkpoint.ckpt", lambda body: pkl(value([1, 2, {"hook": body}]), 4)),
    ("torch zip", "last.pth", lambda body: torch_zip(body, proto=4, top="last")),
    ("joblib zlib", "clf.joblib.z", lambda body: zlib.compress(pkl(body, 4))),
    ("numpy", "data.npy", lambda body: npy("|O", (1,), pkl(body, 4))),
    ("pickle", "vectorizer.pickle", lambda body: pkl(b"N0" + body + b"0" + value({"a": 1}), 4)),
    ("gzip", "model.pkl.gz", lambda body: gzip.compress(pkl(body, 4), mtime=0)),
]


def fill(corpus):
    for form, technique, files in containers(corpus.random):
        corpus.bad(form, technique, files)


def containers(rng):
    payload = pkl(system(), 4)
    popen = pkl(call(glob("subprocess", "check_output"), ["echo", "inert"]), 3)
    run_path = pkl(call(sglob("runpy", "run_path"), AWAY + ".py"), 4)
    exec_b = pkl(call(glob("builtins", "exec"), "import os\nos.system('echo inert')"), 2)
    for name, squeeze in (("bz2", bz2.compress), ("xz", lzma.compress), ("gz", gzipped)):
        yield "joblib", f"compressed with {name}", (f"model.joblib.{name}", squeeze(popen))
    old = lzma.compress(exec_b, lzma.FORMAT_ALONE)
    yield "joblib", "lzma alone", ("model.joblib", old)
    yield "joblib", "old ZF container", ("model.joblib", zfile(run_path))
    try:
        import lz4.frame

        yield "joblib", "lz4", ("model.joblib.lz4", lz4.frame.compress(popen))
    except ImportError:
        pass
    wrapper = (
        glob("joblib.numpy_pickle", "NumpyArrayWrapper")
        + b")\x81"
        + value(
            {
                "subclass": glob("numpy", "ndarray"),
                "shape": (2,),
                "order": "C",
                "dtype": call(glob("numpy", "dtype"), "f8", False, True),
                "allow_mmap": True,
                "numpy_array_alignment_bytes": 16,
            }
        )
    )
    after = pkl(b"", 4)[:2] + wrapper + b"b"
    pad = 16 - (len(after) + 1) % 16
    after += bytes([pad]) + b"\xff" * pad + struct.pack("<2d", 0.5, 0.25) + b"0" + system() + b"."
    yield "joblib", "payload after an inline array", ("model.joblib", after)
    wrapper_object = wrapper.replace(b"\x8c\x02f8", b"\x8c\x01O")
    yield (
        "joblib",
        "object array inside",
        ("model.joblib", pkl(b"", 4)[:2] + wrapper_object + b"b" + payload + b"."),
    )
    yield "numpy", "npy 2.0 of objects", ("train.npy", npy("|O", (2, 1), popen, version=2))
    yield (
        "numpy",
        "npz, second member",
        (
            "batch.npz",
            zipped({"x.npy": npy("<f4", (2,), bytes(8)), "meta.npy": npy("|O", (), exec_b)}),
        ),
    )
    yield (
        "numpy",
        "npz, deflated member of objects",
        ("batch.npz", zipped({"allow.npy": npy("|O", (1,), popen)}, method=zipfile.ZIP_DEFLATED)),
    )
    yield "numpy", "pickle named npy", ("array.npy", run_path)
    yield (
        "numpy",
        "record type with objects",
        ("rows.npy", npy([("id", "<i4"), ("what", "|O")], (1,), payload)),
    )
    names = ("notes.txt", "README.md", "config.json", "model.safetensors", "model.onnx")
    names += ("model.gguf", "logo.png", "LICENSE", "data.csv", "model.h5", "model", "vocab.dat")
    for name in names:
        yield "pickle", f"named {name}", (name, rng.choice([payload, popen, run_path, exec_b]))
    yield "zip", "pickle in a zip", ("model.zip", zipped({"a/b/model.pkl": popen}))
    zips = zipped({"inner.zip": zipped({"deep.tar": tarred({"x.pkl": exec_b})})})
    yield "zip", "zip in zip with a tar", ("bundle.zip", zips)
    for suffix, mode in (
        ("tar.gz", "w:gz"),
        ("tar.bz2", "w:bz2"),
        ("tar.xz", "w:xz"),
        ("tar", "w"),
    ):
        yield (
            "tar",
            f"checkpoint in a {suffix}",
            (f"model.{suffix}", tarred({"model/pytorch_model.bin": in_torch(system())}, mode)),
        )
    yield "gzip", "gzip in gzip", ("model.bin", gzipped(gzipped(popen)))
    yield "zip", "lzma member", ("m.zip", zipped({"m.pkl": popen}, method=zipfile.ZIP_LZMA))
    yield "zip", "bzip2 member", ("m.zip", zipped({"m.pkl": popen}, method=zipfile.ZIP_BZIP2))
    try:
        import py7zr

        out = io.BytesIO()
        with py7zr.SevenZipFile(out, "w") as archive:
            archive.writestr(payload, "data.pkl")
        yield "7z", "pickle in a 7z", ("pytorch_model.7z", out.getvalue())
        yield "7z", "7z named bin", ("pytorch_model.bin", out.getvalue())
    except ImportError:
        pass
    yield (
        "nemo",
        "weights with a payload",
        (
            "asr.nemo",
            tarred(
                {"./model_config.yaml": "name: asr\n", "./model_weights.ckpt": in_torch(system())}
            ),
        ),
    )
    handler = "import os\n\n\ndef handle(data, context):\n    os.system('echo inert')\n"
    manifest = as_json({"model": {"modelName": "m", "handler": "h.py", "serializedFile": "m.pt"}})
    yield (
        "mar",
        "handler that runs a command",
        ("model.mar", zipped({"MAR-INF/MANIFEST.json": manifest, "h.py": handler, "m.pt": b"x"})),
    )
    yield (
        "mar",
        "serialized file with a payload",
        ("model.mar", zipped({"MAR-INF/MANIFEST.json": manifest, "m.pt": in_torch(system())})),
    )
    policy = {"policy_class": {":type:": "<class 'abc.ABCMeta'>"}, "gamma": 0.99}
    policy["policy_class"][":serialized:"] = base64.b64encode(payload).decode()
    yield (
        "stable-baselines3",
        "serialized member of data",
        (
            "ppo.zip",
            zipped(
                {"data": as_json(policy), "policy.pth": b"", "_stable_baselines3_version": "2.3"}
            ),
        ),
    )
    yield (
        "rasa",
        "pickle in a model",
        ("nlu.tar.gz", tarred({"metadata.json": "{}", "components/classifier.pkl": popen}, "w:gz")),
    )
    yield (
        "webdataset",
        "sample with a pickle",
        (
            "shard-000000.tar",
            tarred({"000.jpg": b"\xff\xd8\xff\xe0" + bytes(30), "000.pyd": exec_b}),
        ),
    )
    yield "faiss", "index.pkl of a store", {"index.faiss": b"IxFI" + bytes(64), "index.pkl": popen}
    yield (
        "hf",
        "training_args.bin",
        {
            "training_args.bin": in_torch(call(glob("os", "popen"), ECHO)),
            "config.json": '{"model_type": "bert"}',
        },
    )
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth", "scaler.pt"):
        yield (
            "hf",
            f"checkpoint part {name}",
            (name, torch_zip(value({"s": system()}), top=name[:3])),
        )
    yield (
        "shelve",
        "dbm.dumb",
        {
            "cache.dat": payload + bytes(-len(payload) % 512),
            "cache.dir": f"'key', (0, {len(payload)})\n",
        },
    )
    yield (
        "safetensors",
        "pickle after the tensors",
        (
            "model.safetensors.pkl",
            payload[:-1]
            + b"0"
            + value({"a": 1})
            + b"."
            + safetensors([("a", "F32", [1], bytes(4))]),
        ),
    )
    yield from skops()
    yield from with_hdf5(payload)
    yield from functions()


def skops():
    def schema(node):
        node.update({"protocol": 1, "_skops_version": "0.9.0"})
        return zipped({"schema.json": json.dumps(node)})

    system_node = {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode"}
    system_node |= {"__id__": 2, "content": {"module_path": "os", "function": "system"}}
    partial = {"__class__": "partial", "__module__": "functools", "__loader__": "PartialNode"}
    partial |= {"__id__": 1, "content": {"func": system_node, "args": [], "kwds": {}}}
    yield "skops", "function of os", ("model.skops", schema(partial))
    reduce = {"__class__": "Popen", "__module__": "subprocess", "__loader__": "ReduceNode"}
    reduce |= {"__id__": 1, "__reduce__": {"args": ["echo"]}, "content": {}}
    yield "skops", "reduce of subprocess", ("model.skops", schema(reduce))
    method = {"__class__": "system", "__module__": "builtins", "__loader__": "MethodNode"}
    method |= {"__id__": 3, "content": {"func": "system", "obj": system_node}}
    yield "skops", "method node", ("clf.skops", schema(method))
    node = {"__class__": "Pipeline", "__module__": "sklearn.pipeline", "__loader__": "ObjectNode"}
    node |= {"__id__": 7, "content": {"__class__": "dict", "content": {"steps": partial}}}
    yield "skops", "function deep in a pipeline", ("pipe.skops", schema(node))


def with_hdf5(payload):
    import h5py
    import numpy as np

    def made(write):
        out = io.BytesIO()
        with h5py.File(out, "w") as file:
            write(file)
        return out.getvalue()

    def attribute(file):
        file.attrs["CLASS"] = np.bytes_("GROUP")
        file.attrs["PYTABLES_FORMAT_VERSION"] = np.bytes_("2.1")
        file.create_group("df").attrs["info"] = np.bytes_(exec_text())

    def objects(file):
        rows = file.create_dataset("rows", (1,), dtype=h5py.vlen_dtype(np.uint8))
        rows[0] = np.frombuffer(payload, np.uint8)
        rows.attrs["CLASS"] = np.bytes_("VLARRAY")
        rows.attrs["PSEUDOATOM"] = np.bytes_("object")
        file.attrs["PYTABLES_FORMAT_VERSION"] = np.bytes_("2.1")

    yield "pytables", "pickled attribute", ("frame.h5", made(attribute))
    yield "pytables", "object atom", ("frame.hdf5", made(objects))


def exec_text():
    return b"(cos\nsystem\nS'echo inert'\no."


def functions():
    """Functions of __main__, pickled by value, that run a command when first called."""
    import cloudpickle
    import dill

    space = {}
    exec("import os\ndef score(rows):\n    os.system('echo inert')\n    return rows", space)
    exec("score2 = lambda rows: __import__('subprocess').getoutput('echo inert')", space)
    for name in ("score", "score2"):
        space[name].__module__ = "__main__"
        yield "cloudpickle", f"function {name}", (f"{name}.pkl", cloudpickle.dumps(space[name]))
        dilled = dill.dumps(space[name], recurse=True, byref=False)
        yield "dill", f"function {name}", (f"{name}.dill", dilled)
    yield (
        "cloudpickle",
        "class with __reduce__ result",
        (
            "udf.cloudpickle",
            pkl(
                call(
                    sglob("cloudpickle.cloudpickle", "loads"),
                    raw(cloudpickle.dumps(space["score"])),
                )
                + b"0"
                + system(),
                5,
            ),
        ),
    )
