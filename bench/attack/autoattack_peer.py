"""The original AutoAttack (pyautoattack 0.2.0) on one model: prints what it leaves right and CPU seconds.

    python autoattack_peer.py MODEL NORM EPSILON COUNT SEED [standard|plus|rand]
"""
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "vectors/attack"))
from networks import network  # noqa: E402
from pyautoattack import AutoAttack  # noqa: E402

path, norm, epsilon, count, seed, version = [*sys.argv[1:], "standard"][:6]
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
data = np.load(ROOT / "data/mnist-test.npz")
x = torch.from_numpy(data["x"][: int(count)] / np.float32(255))
y = torch.from_numpy(data["y"][: int(count)].astype(np.int64))
net = network(ROOT / path)
name = {"linf": "Linf", "l2": "L2", "l1": "L1"}[norm]
adversary = AutoAttack(net, norm=name, eps=float(epsilon), version=version, seed=int(seed))
started = time.process_time()
found = adversary.run_standard_evaluation(x, y, batch_size=250)
found = found[0] if isinstance(found, tuple) else found
seconds = time.process_time() - started
print(json.dumps({"right": (net(found).argmax(1) == y).float().mean().item(), "cpuSeconds": seconds}))
