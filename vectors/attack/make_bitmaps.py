"""Makes vectors/attack/digits-bitmaps.json: which images an independent implementation leaves right.

    pip install -r models/requirements.txt torchattacks==3.5.1   # --no-deps for torchattacks
    python vectors/attack/make_bitmaps.py

The network of models/digits-cnn.onnx is rebuilt in PyTorch from the weights in the file and attacked
by torchattacks; the first 1,000 images of data/mnist-test.npz. Each bitmap has one character an
image: 1 when the network is right on the attacked image, 0 when it is not.

The attack runs in float64. In float32 PyTorch's cross-entropy loses 1 - p of a confident image to
rounding, the signs of its gradient become noise, and FGSM at 0.3 leaves 102 images right instead
of 60: such bitmaps say more about rounding than about the attack.
"""
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import torch
import torchattacks
from onnx import numpy_helper
from torch import nn

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLES = 1000
EPSILONS = [0.1, 0.15, 0.2, 0.3]


def network(path):
    w = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy())
         for i in onnx.load(path).graph.initializer}
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1568, 64), nn.ReLU(), nn.Linear(64, 10),
    )
    state = {}
    for layer, name in [("0", "conv1"), ("4", "conv2"), ("9", "dense1"), ("11", "dense2")]:
        state |= {f"{layer}.weight": w[f"{name}.weight"], f"{layer}.bias": w[f"{name}.bias"]}
    for layer, name in [("1", "norm1"), ("5", "norm2")]:
        state |= {f"{layer}.weight": w[f"{name}.scale"], f"{layer}.bias": w[f"{name}.bias"],
                  f"{layer}.running_mean": w[f"{name}.mean"],
                  f"{layer}.running_var": w[f"{name}.variance"],
                  f"{layer}.num_batches_tracked": torch.tensor(0)}
    net.load_state_dict(state)
    return net.double().eval()


def attacks(net, epsilon):
    yield "fgsm", {}, torchattacks.FGSM(net, eps=epsilon)
    step = 0.01
    pgd = torchattacks.PGD(net, eps=epsilon, alpha=step, steps=40, random_start=False)
    yield "pgd", {"steps": 40, "stepSize": step}, pgd


def bitmap(net, x, y):
    with torch.no_grad():
        # What counts is the attacked image as the model takes it: float32.
        right = net(x.float().double()).argmax(1) == y
        return "".join("1" if one else "0" for one in right.tolist())


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    path = ROOT / "models/digits-cnn.onnx"
    net = network(path)
    data = np.load(ROOT / "data/mnist-test.npz")
    x = torch.from_numpy((data["x"][:SAMPLES] / np.float32(255)).astype(np.float64))
    y = torch.from_numpy(data["y"][:SAMPLES])
    cases = []
    for epsilon in EPSILONS:
        for name, options, attack in attacks(net, epsilon):
            adversarial = torch.cat([attack(a, b) for a, b in zip(x.split(100), y.split(100))])
            right = bitmap(net, adversarial, y)
            cases.append({"attack": name, "epsilon": epsilon, **options, "right": right})
            print(name, epsilon, right.count("1") / SAMPLES, flush=True)
    out = {
        "made": f"torchattacks {torchattacks.__version__}, torch {torch.__version__}",
        "model": "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest(),
        "data": "the first 1,000 images of data/mnist-test.npz",
        "clean": bitmap(net, x, y),
        "cases": cases,
    }
    (Path(__file__).parent / "digits-bitmaps.json").write_text(json.dumps(out, indent=1) + "\n")


main()
