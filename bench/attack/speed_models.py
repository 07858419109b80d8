"""The models of the speed benchmark, at random weights, as PyTorch modules and as ONNX files."""

import sys
from pathlib import Path

import torch
from torch import nn


class Block(nn.Module):
    """A basic block of ResNet (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.short = nn.Identity()
        if stride != 1 or inputs != outputs:
            conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.short = nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(y)) + self.short(x))


def resnet18():
    """ResNet-18 for 32 x 32 images: a 3 x 3 stem, no first pooling."""
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    inputs = 64
    for outputs, stride in [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]:
        layers.append(Block(inputs, outputs, stride))
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def digits():
    """Two 5 x 5 convolutions with pooling and two linear layers, for 28 x 28 images."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10),
    )


def mlp():
    """A tabular network of 30 features."""
    return nn.Sequential(
        nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)
    )


class Attention(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.transpose(-2, -1) * (d // self.heads) ** -0.5, -1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(n, t, d))
        return x + self.mlp(self.norm2(x))


class Vit(nn.Module):
    """A vision transformer for 32 x 32 images (Dosovitskiy et al. 2021): patch 4, width 192, 6 blocks."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 192, 4, 4)
        self.place = nn.Parameter(torch.randn(1, 64, 192) * 0.02)
        self.blocks = nn.Sequential(*[Attention(192, 3) for _ in range(6)])
        self.norm, self.head = nn.LayerNorm(192), nn.Linear(192, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2) + self.place
        return self.head(self.norm(self.blocks(x)).mean(1))


SHAPES = {"mlp": (30,), "digits": (1, 28, 28), "resnet18": (3, 32, 32), "vit": (3, 32, 32)}
MAKERS = {"mlp": mlp, "digits": digits, "resnet18": resnet18, "vit": Vit}


def make(name: str) -> nn.Module:
    """The network of a name, in evaluation mode, always with the same weights."""
    torch.manual_seed(0)
    return MAKERS[name]().eval()


def main(folder: Path) -> None:
    """Writes NAME.onnx for every network."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, shape in SHAPES.items():
        x = torch.rand(2, *shape)
        torch.onnx.export(
            make(name), (x,), folder / f"{name}.onnx", dynamo=False, opset_version=17,
            input_names=["x"], output_names=["logits"],
            dynamic_axes={"x": {0: "N"}, "logits": {0: "N"}},
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
