"""Rebuilds the networks of the project's ONNX files in PyTorch, from the weights in the files."""
import onnx
import torch
from onnx import numpy_helper
from torch import nn


def network(path):
    """A chain of Conv, BatchNormalization, Relu, MaxPool, Flatten and Gemm, as in the files."""
    graph = onnx.load(path).graph
    w = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    layers = []
    for node in graph.node:
        parts = [w[name] for name in node.input[1:]]
        how = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Conv":
            out, into, height, width = parts[0].shape
            layer = nn.Conv2d(into, out, (height, width), how["strides"], how["pads"][:2])
            layer.weight.data, layer.bias.data = parts
        elif node.op_type == "BatchNormalization":
            layer = nn.BatchNorm2d(len(parts[0]))
            layer.weight.data, layer.bias.data, layer.running_mean, layer.running_var = parts
        elif node.op_type == "Gemm":
            layer = nn.Linear(parts[0].shape[1], parts[0].shape[0])
            layer.weight.data, layer.bias.data = parts
        else:
            plain = {"Relu": nn.ReLU, "Flatten": nn.Flatten}
            layer = plain[node.op_type]() if node.op_type in plain else nn.MaxPool2d(2)
        layers.append(layer)
    net = nn.Sequential(*layers).eval()
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    return net
