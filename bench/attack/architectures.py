"""Input gradients of common architectures at random weights, beside PyTorch's own: exported, written
with their gradient by `merlon gradient`, run by ONNX Runtime. Prints how far both are apart, as a
part of the greatest element, in float32, and how far PyTorch's float32 is from its float64.

    pip install torch torchvision onnx onnxscript onnxruntime
    python bench/attack/architectures.py [NAME ...]
"""

import copy
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
import torchvision.models as zoo
from torch import nn

ROOT = Path(__file__).resolve().parent.parent.parent
warnings.filterwarnings("ignore")


class Encoder(nn.Module):
    """A small encoder like BERT on embeddings, so that there is something to differentiate by."""

    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.randn(32, 96) / 10)
        layer = nn.TransformerEncoderLayer(96, 4, 192, 0.0, "gelu", batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.head = nn.Linear(96, 4)

    def forward(self, x):
        return self.head(torch.tanh(self.layers(x + self.place)[:, 0]))


IMAGE = (2, 3, 224, 224)
NETS = {
    "resnet50": (zoo.resnet50, IMAGE),
    "mobilenet_v3": (zoo.mobilenet_v3_large, IMAGE),
    "efficientnet_b0": (zoo.efficientnet_b0, IMAGE),
    "convnext_tiny": (zoo.convnext_tiny, IMAGE),
    "vit_b_16": (zoo.vit_b_16, IMAGE),
    "swin_t": (zoo.swin_t, IMAGE),
    "encoder": (Encoder, (2, 32, 96)),
}


def gradient(net, x, cotangent):
    own = x.clone().requires_grad_(True)
    return torch.autograd.grad((net(own) * cotangent).sum(), own)[0]


def apart(expected, got) -> float:
    return float(np.abs(expected - got).max() / np.abs(expected).max())


def compare(name: str, folder: Path) -> str:
    make, shape = NETS[name]
    torch.manual_seed(0)
    net = make().eval()
    for part in net.modules():
        # Heads that begin at zero would have no gradient to compare.
        if isinstance(part, nn.Linear) and not part.weight.any():
            nn.init.normal_(part.weight, std=0.02)
    x = torch.rand(*shape)
    plain, with_gradient = folder / "plain.onnx", folder / "gradient.onnx"
    torch.onnx.export(
        net, (x,), str(plain), opset_version=17, dynamo=False,
        input_names=["x"], output_names=["scores"],
        dynamic_axes={"x": {0: "N"}, "scores": {0: "N"}},
    )
    wish = ["npx", "merlon", "gradient", str(plain), "--loss", "linear", "-o", str(with_gradient)]
    ran = subprocess.run(wish, cwd=ROOT, capture_output=True, text=True)
    if ran.returncode != 0:
        return f"{name}: refused: {ran.stderr.strip()}"
    cotangent = torch.randn(net(x).shape)
    expected = gradient(net, x, cotangent).numpy()
    exact = gradient(copy.deepcopy(net).double(), x.double(), cotangent.double()).numpy()
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(str(with_gradient), options)
    feeds = {"x": x.numpy(), "merlon_cotangent": cotangent.numpy()}
    [got] = session.run(["merlon_gradient"], feeds)
    own = f"merlon from float64 {apart(exact, got):.1e}"
    theirs = f"PyTorch from float64 {apart(exact, expected):.1e}"
    return f"{name}: from PyTorch {apart(expected, got):.1e}, {own}, {theirs}"


def main() -> None:
    for name in sys.argv[1:] or NETS:
        with tempfile.TemporaryDirectory() as folder:
            print(compare(name, Path(folder)), flush=True)


main()
