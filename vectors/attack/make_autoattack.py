"""Makes vectors/attack/autoattack.json: what the original AutoAttack leaves right on two models.

    pip install -r models/requirements.txt pyautoattack==0.2.0   # the original code, packaged
    python vectors/attack/make_autoattack.py

Version `standard` (100 iterations, 9 targets, Square with 5,000 queries), attack after attack on
the rows still right, on models/digits-cnn.onnx and vectors/attack/robust-digits.onnx, whose networks
are rebuilt in PyTorch from the weights in the files. CPU seconds are of one thread.
"""
import hashlib
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from networks import network
from pyautoattack import AutoAttack

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CASES = [
    ("models/digits-cnn.onnx", "Linf", 0.1, 1000, 0),
    ("models/digits-cnn.onnx", "Linf", 0.1, 1000, 1),
    ("models/digits-cnn.onnx", "L2", 1.0, 200, 0),
    ("models/digits-cnn.onnx", "L1", 8.0, 200, 0),
    ("vectors/attack/robust-digits.onnx", "Linf", 0.3, 1000, 0),
    ("vectors/attack/robust-digits.onnx", "L2", 2.0, 200, 0),
]


def evaluate(net, x, y, norm, epsilon, seed):
    adversary = AutoAttack(net, norm=norm, eps=epsilon, version="standard", seed=seed)
    right = net(x).argmax(1) == y
    stages = []
    for name in list(adversary.attacks_to_run):
        adversary.attacks_to_run = [name]
        rows = right.nonzero().squeeze(1)
        started = time.process_time()
        if len(rows):
            found = adversary.run_standard_evaluation(x[rows], y[rows], batch_size=250)
            found = found[0] if isinstance(found, tuple) else found
            right[rows] = net(found).argmax(1) == y[rows]
        seconds = round(time.process_time() - started, 1)
        stages.append({"attack": name, "right": right.float().mean().item(), "cpuSeconds": seconds})
        print(norm, epsilon, seed, stages[-1], flush=True)
    return right, stages


def main():
    torch.set_num_threads(1)
    out = HERE / "autoattack.json"
    data = np.load(ROOT / "data/mnist-test.npz")
    found = json.loads(out.read_text())["cases"] if out.exists() and "--more" in sys.argv else []
    for path, norm, epsilon, count, seed in CASES[len(found):]:
        net = network(ROOT / path)
        x = torch.from_numpy(data["x"][:count] / np.float32(255))
        y = torch.from_numpy(data["y"][:count].astype(np.int64))
        right, stages = evaluate(net, x, y, norm, epsilon, seed)
        found.append({
            "model": path,
            "digest": "sha256:" + hashlib.sha256((ROOT / path).read_bytes()).hexdigest(),
            "norm": norm.lower(), "epsilon": epsilon, "samples": count, "seed": seed,
            "clean": (net(x).argmax(1) == y).float().mean().item(), "stages": stages,
            "right": "".join("1" if one else "0" for one in right.tolist()),
        })
        text = {"made": f"pyautoattack 0.2.0, torch {torch.__version__}", "cases": found}
        out.write_text(json.dumps(text, indent=1) + "\n")


main()
