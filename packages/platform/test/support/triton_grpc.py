"""Asks served models through tritonclient's gRPC client: python triton_grpc.py HOST KEY WHICH"""
import sys

import grpc
import numpy as np
import tritonclient.grpc as client
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

host, key, which = sys.argv[1:]
server = client.InferenceServerClient(host)
headers = {"authorization": "Bearer " + key}
stub = service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(host))
metadata = (("authorization", "Bearer " + key),)
asked = 0


def given(name, datatype, values):
    tensor = client.InferInput(name, values.shape, datatype)
    tensor.set_data_from_numpy(values)
    return tensor


def texts(values):
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values.flatten()]


def same(got, wanted):
    if wanted.dtype == np.object_:
        return texts(got) == texts(wanted)
    return got.shape == wanted.shape and np.array_equal(got, wanted)


def ask(inputs, wanted, **more):
    """Raw bytes by the client, then typed contents by the stub."""
    global asked
    outputs = [client.InferRequestedOutput(name) for name in wanted]
    tensors = [given(*each) for each in inputs]
    found = server.infer(which, tensors, outputs=outputs, headers=headers, request_id="q7", **more)
    assert found.get_response().id == "q7"
    for name, values in wanted.items():
        assert same(found.as_numpy(name), values), (name, found.as_numpy(name), values)
    asked += 1


fields = {
    "BOOL": "bool_contents", "INT64": "int64_contents", "UINT64": "uint64_contents",
    "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
    "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
    "FP32": "fp32_contents", "FP64": "fp64_contents", "BYTES": "bytes_contents",
}


def message(inputs):
    request = service_pb2.ModelInferRequest(model_name=which)
    for name, datatype, values in inputs:
        tensor = request.inputs.add(name=name, datatype=datatype, shape=values.shape)
        flat = [v.encode() if datatype == "BYTES" else v for v in values.flatten().tolist()]
        getattr(tensor.contents, fields[datatype]).extend(flat)
    return request


def ask_typed(inputs, wanted):
    global asked
    answer = stub.ModelInfer(message(inputs), metadata=metadata)
    assert len(answer.raw_output_contents) == 0
    for output in answer.outputs:
        got = list(getattr(output.contents, fields[output.datatype]))
        values = wanted[output.name]
        assert list(output.shape) == list(values.shape)
        if output.datatype == "BYTES":
            assert [each.decode() for each in got] == texts(values)
        else:
            assert np.array_equal(np.array(got, values.dtype), values.flatten()), (output, values)
    assert sorted(o.name for o in answer.outputs) == sorted(wanted)
    asked += 1


def refused(code, sentence, call):
    try:
        call()
    except InferenceServerException as error:
        got = (error.status(), error.message())
    except grpc.RpcError as error:
        got = ("StatusCode." + error.code().name, error.details())
    else:
        got = None
    assert got == ("StatusCode." + code, sentence), got


assert server.is_server_live() and server.is_server_ready()
assert server.get_server_metadata().name == "merlon"
assert server.is_model_ready(which, headers=headers)
[entry] = server.get_model_repository_index(headers=headers).models
assert (entry.name, entry.state) == (which, "READY")
told = server.get_model_metadata(which, entry.version, headers=headers)
assert told.platform == "onnxruntime_onnx" and list(told.versions) == [entry.version]
refused("UNAUTHENTICATED", "this needs a valid key", lambda: server.get_model_metadata(which))
refused(
    "UNAUTHENTICATED",
    "this needs a valid key",
    lambda: server.get_model_repository_index(headers={"authorization": "Bearer wrong"}),
)
refused(
    "NOT_FOUND",
    'no model is served as "other"',
    lambda: server.get_model_metadata("other", headers=headers),
)
refused(
    "NOT_FOUND",
    f'"{which}" is not served in version "9"',
    lambda: server.get_model_metadata(which, "9", headers=headers),
)
if which == "types":
    limits = {}
    for bits in (8, 16, 32, 64):
        for kind in ("int", "uint"):
            info = np.iinfo(kind + str(bits))
            limits[kind.upper() + str(bits)] = np.array([[info.min, info.max]], info.dtype)
    limits["BOOL"] = np.array([[True, False]])
    limits["FP16"] = np.array([[0.1, -65504]], np.float16)
    limits["FP32"] = np.array([[0.1, 3.4e38]], np.float32)
    limits["FP64"] = np.array([[0.1, 1e300]], np.float64)
    limits["BYTES"] = np.array([["é", ""]], np.object_)
    ask([(name.lower(), name, values) for name, values in limits.items()], limits)
    ask(
        [(name.lower(), name, values) for name, values in limits.items()],
        limits,
        compression_algorithm="gzip",
    )
elif which == "mixed":
    a = np.array([[0.5, 1], [2, 3]], np.float32)
    count = np.array([[0, 1], [2, 4]], np.int64)
    note = np.array(["x", "ÿ"], np.object_)
    inputs = [("note", "BYTES", note), ("a", "FP32", a), ("count", "INT64", count)]
    wanted = {"isMore": a > count, "sum": a + count.astype(np.float32), "told": note}
    ask(inputs, wanted)
    ask(inputs, {"told": note}, model_version=entry.version)
    ask_typed(inputs, wanted)

    def send(change):
        request = message(inputs)
        change(request)
        return lambda: stub.ModelInfer(request, metadata=metadata)

    def both(request):
        request.raw_input_contents.extend([b"", b"", b""])

    def one(request):
        request.raw_input_contents.append(b"")

    def nan(request):
        request.inputs[1].contents.fp32_contents[0] = float("nan")

    def stray(request):
        request.inputs[1].contents.int_contents.append(1)

    def few(request):
        del request.inputs[1].contents.fp32_contents[0]

    def twice(request):
        request.inputs.add().CopyFrom(request.inputs[0])

    def shared(request):
        request.inputs[0].parameters["shared_memory_region"].string_param = "r"

    def binary(request):
        request.inputs[0].contents.bytes_contents[0] = b"\xff"

    def unknown(request):
        request.outputs.add(name="z")

    for change, sentence in {
        both: '"note" expected raw bytes or contents, got both',
        one: '"raw_input_contents" expected the bytes of every input, got 1 for 3 inputs',
        nan: '"a" element 0 is not a finite number',
        stray: '"a" expected "fp32_contents", got "int_contents"',
        few: 'the data of "a" expected 4 numbers, got 3',
        twice: '"inputs" expected "note" once, got it twice',
        shared: 'the parameter "shared_memory_region" of "note" is not offered',
        binary: '"note" element 0 is not UTF-8',
        unknown: '"outputs" expected "sum", "told", "isMore", got "z"',
    }.items():
        refused("INVALID_ARGUMENT", sentence, send(change))
else:
    x = np.array([[0, 0], [1, 0], [0.5, 9]], np.float32)
    shares = np.array([[0.88, 0.13, 0], [0.25, 0.75, 0], [0.88, 0.13, 0]], np.float32)
    label = np.array(["low", "high", "low"], np.object_)
    wanted = {"output_label": label, "output_probability": shares}
    ask([("x", "FP32", x)], wanted)
    ask_typed([("x", "FP32", x)], wanted)
print(f"{which}: {asked} answers are right")
