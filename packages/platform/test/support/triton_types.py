"""Asks served models through tritonclient's REST client: python triton_types.py HOST KEY WHICH

WHICH is `types` for the model that gives back two values of every type, `mixed` for several inputs
and outputs, or `trees` for a pipeline with names of classes.
"""
import sys

import numpy as np
import tritonclient.http as client
from tritonclient.utils import InferenceServerException

host, key, which = sys.argv[1:]
server = client.InferenceServerClient(host)
asked = 0


def headers():
    # The client writes into what it is given.
    return {"Authorization": "Bearer " + key}


def given(name, datatype, values, binary):
    tensor = client.InferInput(name, values.shape, datatype)
    # The client itself sends half precision as bytes alone.
    tensor.set_data_from_numpy(values, binary_data=binary or datatype == "FP16")
    return tensor


def texts(values):
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values.flatten()]


def same(got, wanted):
    if wanted.dtype == np.object_:
        return texts(got) == texts(wanted)
    return got.shape == wanted.shape and np.array_equal(got, wanted)


def ask(inputs, wanted, datatypes, **more):
    """Every combination of JSON and bytes, in and out; `wanted` by name of output."""
    global asked
    for binary_in in (True, False):
        for binary_out in (True, False):
            tensors = [given(name, datatype, x, binary_in) for name, datatype, x in inputs]
            outputs = [
                client.InferRequestedOutput(name, binary_data=binary_out or datatypes[name] == "FP16")
                for name in wanted
            ]
            found = server.infer(
                which, tensors, outputs=outputs, headers=headers(), request_id="q7", **more
            )
            assert found.get_response()["id"] == "q7"
            for name, values in wanted.items():
                got = found.as_numpy(name)
                assert same(got, values), (name, binary_in, binary_out, got, values)
            asked += 1


def refused(status, sentence, call):
    try:
        call()
    except InferenceServerException as error:
        assert error.status() == str(status) and error.message() == sentence, str(error)
    else:
        raise AssertionError("not refused: " + sentence)


[entry] = server.get_model_repository_index(headers=headers())
assert entry["name"] == which and entry["state"] == "READY"
assert server.is_model_ready(which, entry["version"], headers=headers())
assert not server.is_model_ready(which, "9", headers=headers())
metadata = server.get_model_metadata(which, entry["version"], headers=headers())
datatypes = {port["name"]: port["datatype"] for port in metadata["outputs"]}
refused(
    404,
    'no model is served as "other"',
    lambda: server.get_model_metadata("other", headers=headers()),
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
    inputs = [(name.lower(), name, values) for name, values in limits.items()]
    assert sorted(limits) == sorted(datatypes)
    ask(inputs, limits, datatypes)
    for how in ("gzip", "deflate"):
        ask(inputs, limits, datatypes, request_compression_algorithm=how)
    one = [given(name, datatype, x, True) for name, datatype, x in inputs[1:]]
    try:
        server.infer(which, one, headers=headers())
        raise AssertionError("a missing input was not refused")
    except InferenceServerException as error:
        assert error.status() == "400" and '"inputs" expected the tensors' in error.message()
elif which == "mixed":
    a = np.array([[0.5, 1], [2, 3]], np.float32)
    count = np.array([[0, 1], [2, 4]], np.int64)
    note = np.array(["x", "ÿ"], np.object_)
    inputs = [("note", "BYTES", note), ("a", "FP32", a), ("count", "INT64", count)]
    wanted = {"isMore": a > count, "sum": a + count.astype(np.float32), "told": note}
    ask(inputs, wanted, datatypes)
    ask(inputs, {"told": note}, datatypes, model_version=entry["version"])
else:
    x = np.array([[0, 0], [1, 0], [0.5, 9]], np.float32)
    shares = np.array([[0.88, 0.13, 0], [0.25, 0.75, 0], [0.88, 0.13, 0]], np.float32)
    label = np.array(["low", "high", "low"], np.object_)
    wanted = {"output_label": label, "output_probability": shares}
    [labels] = [p["parameters"]["labels"] for p in metadata["outputs"] if "parameters" in p]
    assert labels == ["low", "high", "never"]
    ask([("x", "FP32", x)], wanted, datatypes)
print(f"{which}: {asked} answers are right")
