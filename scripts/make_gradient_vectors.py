"""Records gradients of small networks from PyTorch into vectors/gradient/torch.json.

Each case is a layer between an input and a linear head of three classes: the exported model, an
input of two rows, and the gradient of the summed cross-entropy by it (labels 0 and 2). Needs torch
and onnx; run as: python scripts/make_gradient_vectors.py
"""

import base64
import io
import json
import pathlib

import numpy
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper
from torch import nn

FOLDER = pathlib.Path(__file__).parent.parent / "vectors" / "gradient"
ROWS = 2


class Call(nn.Module):
    """A function as a layer."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        return self.inner(x, x, x, need_weights=False)[0]


class Recurrent(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)[0]


class Block(nn.Module):
    """Squeeze and excitation with a residual, as mobile networks have it."""

    def __init__(self):
        super().__init__()
        self.wide = nn.Conv2d(3, 8, 1)
        self.deep = nn.Conv2d(8, 8, 3, stride=1, padding=1, groups=8)
        self.norm = nn.BatchNorm2d(8)
        self.down = nn.Conv2d(8, 2, 1)
        self.up = nn.Conv2d(2, 8, 1)
        self.narrow = nn.Conv2d(8, 3, 1)

    def forward(self, x):
        y = F.hardswish(self.norm(self.deep(F.relu6(self.wide(x)))))
        share = F.hardsigmoid(self.up(F.relu(self.down(y.mean((2, 3), keepdim=True)))))
        return x + self.narrow(y * share)


class Windows(nn.Module):
    """Attention inside of windows that were shifted, as Swin has it."""

    def __init__(self):
        super().__init__()
        self.inner = nn.MultiheadAttention(6, 2, batch_first=True)

    def forward(self, x):
        rows = x.shape[0]
        y = torch.roll(x, (-1, -1), (1, 2)).view(rows, 2, 2, 2, 2, 6)
        y = y.permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, 6)
        y = self.inner(y, y, y, need_weights=False)[0]
        y = y.view(rows, 2, 2, 2, 2, 6).permute(0, 1, 3, 2, 4, 5).reshape(rows, 4, 4, 6)
        return torch.roll(y, (1, 1), (1, 2))


IMAGE = (3, 6, 7)
ROW = (8,)
TOKENS = (5, 8)

UNARY = {
    "relu": F.relu, "leaky relu": F.leaky_relu, "elu": F.elu, "celu": F.celu, "selu": F.selu,
    "gelu": F.gelu, "gelu by tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu,
    "mish": F.mish, "softplus": F.softplus, "softsign": F.softsign, "hardtanh": F.hardtanh,
    "hardsigmoid": F.hardsigmoid, "hardswish": F.hardswish, "relu6": F.relu6, "tanh": torch.tanh,
    "sigmoid": torch.sigmoid, "log sigmoid": F.logsigmoid, "erf": torch.erf, "exp": torch.exp,
    "sine": torch.sin, "cosine": torch.cos, "arc tangent": torch.atan, "abs": torch.abs,
    "hardshrink": F.hardshrink, "softshrink": F.softshrink, "threshold": lambda x: F.threshold(x, 0.0, 0.0),
    "square root": lambda x: torch.sqrt(x * x + 1), "logarithm": lambda x: torch.log(x.abs() + 1),
    "power": lambda x: (x.abs() + 0.5) ** 1.7, "cube": lambda x: x**3, "clamp": lambda x: x.clamp(-0.5, 0.6),
    "maximum": lambda x: torch.maximum(x, torch.sin(x)), "where": lambda x: torch.where(x > 0.2, x, x * x),
    "reciprocal": lambda x: 1 / (x * x + 2), "cumulative sum": lambda x: torch.cumsum(x, 1),
    "softmax": lambda x: F.softmax(x, 1), "log softmax": lambda x: F.log_softmax(x, 1),
    "norm": lambda x: F.normalize(x, dim=1), "log sum exp": lambda x: x + torch.logsumexp(x, 1, keepdim=True),
    "greatest": lambda x: x + torch.amax(x, 1, keepdim=True), "product": lambda x: x + x.prod(1, keepdim=True),
    "standard deviation": lambda x: x / x.std(1, keepdim=True), "top k": lambda x: x.topk(3, 1).values,
    "sorted": lambda x: x.sort(1, descending=True).values,
}

SPATIAL = {
    "convolution": nn.Conv2d(3, 4, 3, padding=1),
    "strided convolution": nn.Conv2d(3, 4, 3, stride=2, padding=1),
    "dilated convolution": nn.Conv2d(3, 4, 2, dilation=2),
    "grouped convolution": nn.Conv2d(3, 6, 3, groups=3),
    "reflecting convolution": nn.Conv2d(3, 2, 3, padding=1, padding_mode="reflect"),
    "replicating convolution": nn.Conv2d(3, 2, 3, padding=1, padding_mode="replicate"),
    "circular convolution": nn.Conv2d(3, 2, 3, padding=1, padding_mode="circular"),
    "transposed convolution": nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1),
    "max pooling": nn.MaxPool2d(2), "overlapping max pooling": nn.MaxPool2d(3, 2, 1),
    "max pooling, rounding up": nn.MaxPool2d(2, 2, ceil_mode=True),
    "dilated max pooling": nn.MaxPool2d(2, 1, dilation=2),
    "average pooling": nn.AvgPool2d(2), "average pooling of padding": nn.AvgPool2d(3, 2, 1),
    "average pooling beside padding": nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "pooling by norm": nn.LPPool2d(2, 2), "global pooling": nn.AdaptiveAvgPool2d(1),
    "global max pooling": nn.AdaptiveMaxPool2d(1), "batch normalisation": nn.BatchNorm2d(3),
    "instance normalisation": nn.InstanceNorm2d(3, affine=True),
    "group normalisation": nn.GroupNorm(3, 3), "local response": nn.LocalResponseNorm(2),
    "layer normalisation": nn.LayerNorm([3, 6, 7]), "parametric relu": nn.PReLU(3),
    "nearest upsampling": nn.Upsample(scale_factor=2), "linear upsampling": nn.Upsample(scale_factor=2, mode="bilinear"),
    "aligned upsampling": nn.Upsample(size=(9, 11), mode="bilinear", align_corners=True),
    "cubic upsampling": nn.Upsample(scale_factor=2, mode="bicubic"),
    "linear downsampling": nn.Upsample(size=(3, 4), mode="bilinear"),
    "constant padding": nn.ConstantPad2d((1, 2, 0, 1), 0.5), "cut padding": nn.ZeroPad2d((-1, 1, 2, -2)),
    "flipped": Call(lambda x: x.flip(3)), "strided": Call(lambda x: x[:, :, ::2, 1::3]),
    "patches": Call(lambda x: x.unfold(2, 3, 3).unfold(3, 3, 2)),
    "mobile block": Block(),
}

OTHERS = {
    "attention": (Attention(), TOKENS),
    "encoder": (nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True, dropout=0), TOKENS),
    "windows": (Windows(), (4, 4, 6)),
    "lstm": (Recurrent(nn.LSTM(8, 5, 2, batch_first=True, bidirectional=True)), TOKENS),
    "gru": (Recurrent(nn.GRU(8, 5, batch_first=True, bidirectional=True)), TOKENS),
    "recurrent relu": (Recurrent(nn.RNN(8, 5, nonlinearity="relu", batch_first=True)), TOKENS),
    "einsum": (Call(lambda x: torch.einsum("nij,nkj->nik", x, torch.tanh(x))), TOKENS),
    "layer normalisation of tokens": (nn.LayerNorm(8), TOKENS),
    "gathered": (Call(lambda x: x[:, [3, 0, 3, 1]]), TOKENS),
    "indexed by places": (Call(lambda x: torch.gather(x, 1, x.argsort(1)[:, :2])), TOKENS),
    "convolution of one axis": (nn.Conv1d(5, 4, 3, stride=2), (5, 8)),
    "convolution of three axes": (nn.Conv3d(2, 3, 2), (2, 3, 4, 3)),
    "pixel shuffle": (nn.PixelShuffle(2), (8, 2, 3)),
    "tiled": (Call(lambda x: x.repeat(1, 2, 1) * x[:, :1]), TOKENS),
    "triangle": (Call(lambda x: torch.tril(x)), TOKENS),
    "distances": (Call(lambda x: (x[:, :, None] - x[:, None]).pow(2).sum(-1)), TOKENS),
}


def encoded(values):
    return base64.b64encode(values.astype("<f4").tobytes()).decode()


def record(name, layer, row, opset):
    torch.manual_seed(len(name) * 7 + row[0])
    for module in layer.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
    x = torch.randn(ROWS, *row)
    layer.eval()
    width = layer(x).flatten(1).shape[1]
    net = nn.Sequential(layer, nn.Flatten(), nn.Linear(width, 3)).eval()
    file = io.BytesIO()
    axes = {"x": {0: "N"}, "scores": {0: "N"}}
    torch.onnx.export(
        net, (x,), file, dynamo=False, opset_version=opset, input_names=["x"],
        output_names=["scores"], dynamic_axes=axes,
    )
    x.requires_grad_(True)
    scores = net(x)
    F.cross_entropy(scores, torch.tensor([0, 2]), reduction="sum").backward()
    return {
        "name": name,
        "model": base64.b64encode(stripped(file.getvalue())).decode(),
        "shape": list(x.shape),
        "x": encoded(x.detach().numpy()),
        "scores": encoded(scores.detach().numpy()),
        "gradient": encoded(x.grad.numpy()),
    }


def stripped(file):
    """Without documentation, which would be half of the file."""
    model = onnx.load_model_from_string(file)
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    del model.graph.value_info[:]
    return model.SerializeToString()


def functions():
    """A model whose functions call each other, with attributes that the call gives."""
    bend = helper.make_node("Elu", ["a"], ["e"])
    slope = bend.attribute.add()
    slope.name, slope.type, slope.ref_attr_name = "alpha", onnx.AttributeProto.FLOAT, "slope"
    opsets = [helper.make_opsetid("", 11), helper.make_opsetid("own", 1)]
    inner = helper.make_function(
        "own", "Bend", ["a"], ["r"], [bend, helper.make_node("Softmax", ["e"], ["r"], axis=1)],
        opsets, attributes=["slope"],
    )
    outer = helper.make_function(
        "own", "Twice", ["a", "b"], ["r", "s"],
        [
            helper.make_node("Bend", ["a"], ["t"], domain="own", slope=0.5),
            helper.make_node("Add", ["t", "b"], ["r"]),
            helper.make_node("Identity", ["a"], ["s"]),
        ],
        opsets,
    )
    weights = [((i * 7) % 11 - 5) / 5 for i in range(18)]
    graph = helper.make_graph(
        [
            helper.make_node("Twice", ["x", "x"], ["y", "z"], domain="own"),
            helper.make_node("Mul", ["y", "z"], ["m"]),
            helper.make_node("Flatten", ["m"], ["f"]),
            helper.make_node("MatMul", ["f", "w"], ["scores"]),
        ],
        "functions",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2, 3])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 3])],
        [helper.make_tensor("w", TensorProto.FLOAT, [6, 3], weights)],
    )
    model = helper.make_model(graph, functions=[inner, outer], opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    cases = [record(name, Call(function), ROW, 17) for name, function in UNARY.items()]
    cases += [record(name, layer, IMAGE, 17) for name, layer in SPATIAL.items()]
    cases += [record(name, layer, row, 17) for name, (layer, row) in OTHERS.items()]
    old = ("clamp", "softmax", "top k", "mobile block", "cubic upsampling", "constant padding", "flipped")
    for name in old:
        layer = SPATIAL.get(name) or Call(UNARY[name])
        row = IMAGE if name in SPATIAL else ROW
        cases.append(record(f"{name}, in opset 11", layer, row, 11))
    FOLDER.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(case) for case in cases)
    header = json.dumps({"torch": torch.__version__, "numpy": numpy.__version__})
    (FOLDER / "torch.json").write_text(f'{{"made": {header}, "cases": [\n{lines}\n]}}\n')
    (FOLDER / "functions.onnx").write_bytes(functions())


main()
