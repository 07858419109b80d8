"""Makes vectors/attack/minimal.json: the least changes that foolbox finds.

    pip install -r models/requirements.txt foolbox==3.3.4
    python vectors/attack/make_minimal.py

The first 200 images of data/mnist-test.npz on models/digits-cnn.onnx and robust-digits.onnx, rebuilt in
PyTorch from the weights in the files; each attack with foolbox's defaults. `distances` has one
number an image: null where the network is wrong already or foolbox finds nothing.
"""
import hashlib
import json
import time
from pathlib import Path

import foolbox
import numpy as np
import torch
from foolbox import attacks as fa
from networks import network

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COUNT = 200
ATTACKS = [
    ("l2", "ddn", fa.DDNAttack(steps=100)),
    ("l2", "deepfool", fa.L2DeepFoolAttack(steps=50)),
    ("l2", "fmn", fa.L2FMNAttack(steps=100)),
    ("linf", "fmn", fa.LInfFMNAttack(steps=100)),
    ("l1", "fmn", fa.L1FMNAttack(steps=100)),
    ("l0", "fmn", fa.L0FMNAttack(steps=100)),
]
LENGTHS = {
    "l2": lambda d: d.flatten(1).norm(dim=1),
    "linf": lambda d: d.flatten(1).abs().max(1).values,
    "l1": lambda d: d.flatten(1).abs().sum(1),
    "l0": lambda d: (d.flatten(1) != 0).float().sum(1),
}


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    data = np.load(ROOT / "data/mnist-test.npz")
    x = torch.from_numpy(data["x"][:COUNT] / np.float32(255))
    y = torch.from_numpy(data["y"][:COUNT].astype(np.int64))
    cases = []
    for path in ["models/digits-cnn.onnx", "vectors/attack/robust-digits.onnx"]:
        net = network(ROOT / path)
        model = foolbox.PyTorchModel(net, bounds=(0, 1), device="cpu")
        right = net(x).argmax(1) == y
        for norm, name, attack in ATTACKS:
            started = time.process_time()
            found = attack(model, x[right], y[right], epsilons=None)[0]
            seconds = round(time.process_time() - started, 1)
            broken = net(found).argmax(1) != y[right]
            each = LENGTHS[norm](found - x[right])
            lengths = each[broken].sort().values
            distances = [None] * COUNT
            for row, one, wrong in zip(right.nonzero().squeeze(1).tolist(), each.tolist(), broken):
                distances[row] = round(one, 5) if wrong else None
            cases.append({
                "model": path,
                "digest": "sha256:" + hashlib.sha256((ROOT / path).read_bytes()).hexdigest(),
                "norm": norm, "attack": name, "attacked": int(right.sum()),
                "broken": int(broken.sum()), "median": lengths[(len(lengths) - 1) // 2].item(),
                "cpuSeconds": seconds, "distances": distances,
            })
            print({**cases[-1], "distances": "…"}, flush=True)
    made = f"foolbox {foolbox.__version__}, torch {torch.__version__}"
    (HERE / "minimal.json").write_text(json.dumps({"made": made, "cases": cases}) + "\n")


main()
