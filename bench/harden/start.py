"""The network of Wong and Kolter 2018 with fresh weights, as ONNX: start.py FILE [--seed N]."""
import argparse

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

parser = argparse.ArgumentParser()
parser.add_argument("file")
parser.add_argument("--seed", type=int, default=0)
arguments = parser.parse_args()
random = np.random.default_rng(arguments.seed)
weights = []


def dense(layer, *shape):
    """Weights and biases as PyTorch draws them: uniform within one over the root of the inputs."""
    bound = 1 / np.sqrt(np.prod(shape[1:]))
    for name, size in ((f"{layer}.weight", shape), (f"{layer}.bias", shape[:1])):
        drawn = random.uniform(-bound, bound, size).astype(np.float32)
        weights.append(numpy_helper.from_array(drawn, name))
    return [f"{layer}.weight", f"{layer}.bias"]


window = {"kernel_shape": [4, 4], "strides": [2, 2], "pads": [1, 1, 1, 1]}
nodes = [
    helper.make_node("Conv", ["image", *dense("0", 16, 1, 4, 4)], ["c1"], **window),
    helper.make_node("Relu", ["c1"], ["r1"]),
    helper.make_node("Conv", ["r1", *dense("2", 32, 16, 4, 4)], ["c2"], **window),
    helper.make_node("Relu", ["c2"], ["r2"]),
    helper.make_node("Flatten", ["r2"], ["flat"]),
    helper.make_node("Gemm", ["flat", *dense("5", 100, 1568)], ["d1"], transB=1),
    helper.make_node("Relu", ["d1"], ["r3"]),
    helper.make_node("Gemm", ["r3", *dense("7", 10, 100)], ["logits"], transB=1),
]
graph = helper.make_graph(
    nodes,
    "digits",
    [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 28, 28])],
    [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
    weights,
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
onnx.checker.check_model(model)
onnx.save(model, arguments.file)
