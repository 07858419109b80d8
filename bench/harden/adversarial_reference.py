"""Adversarial training in PyTorch with the settings of adversarial.ts, on the same start.

Reads FOLDER/x.bin (uint8 images), FOLDER/y.bin, FOLDER/start.onnx; writes FOLDER/torch.onnx and
prints one JSON line with the seconds of each epoch.

Madry et al. 2018 for `pgd-at`, Zhang et al. 2019 for `trades`.
"""
import json
import sys
import time

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional as F

folder, wish = sys.argv[1], json.loads(sys.argv[2])
torch.set_num_threads(wish["threads"])
torch.manual_seed(wish["seed"])

net = nn.Sequential(
    nn.Conv2d(1, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU(), nn.Flatten(),
    nn.Linear(1568, 100), nn.ReLU(), nn.Linear(100, 10),
)
model = onnx.load(f"{folder}/start.onnx")
given = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
net.load_state_dict({name: torch.tensor(given[name]) for name in net.state_dict()})

x = torch.from_numpy(np.fromfile(f"{folder}/x.bin", np.uint8).reshape(-1, 1, 28, 28)) / 255.0
y = torch.from_numpy(np.fromfile(f"{folder}/y.bin", np.uint8).astype(np.int64))
epochs, batch, steps = wish["epochs"], wish["batchSize"], wish["attackSteps"]
total = epochs * ((len(x) + batch - 1) // batch)
optimizer = torch.optim.AdamW(net.parameters(), lr=wish["learningRate"], weight_decay=0)


def attacked(images, labels, epsilon, clean):
    step = min(2.5 * epsilon / steps, epsilon)
    noise = torch.empty_like(images)
    if clean is None:
        moved = (images + noise.uniform_(-epsilon, epsilon)).clamp(0, 1)
    else:
        moved = (images + 0.001 * noise.normal_()).clamp(0, 1)
    for _ in range(steps):
        moved.requires_grad_(True)
        logits = net(moved)
        if clean is None:
            loss = F.cross_entropy(logits, labels)
        else:
            loss = F.kl_div(F.log_softmax(logits, 1), clean, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, moved)
        moved = moved.detach() + step * gradient.sign()
        moved = torch.min(torch.max(moved, images - epsilon), images + epsilon).clamp(0, 1)
    return moved.detach()


seconds = []
at = 0
for epoch in range(epochs):
    started = time.perf_counter()
    for rows in torch.randperm(len(x)).split(batch):
        images, labels = x[rows], y[rows]
        epsilon = wish["epsilon"] * min(1, at / max(1, wish["warmUp"] * total))
        for group in optimizer.param_groups:
            group["lr"] = wish["learningRate"] * (1 - 0.95 * at / total)
        if wish["method"] == "trades":
            with torch.no_grad():
                clean = F.softmax(net(images), 1)
            moved = attacked(images, labels, epsilon, clean)
            logits = net(images)
            loss = F.cross_entropy(logits, labels) + wish["beta"] * F.kl_div(
                F.log_softmax(net(moved), 1), F.softmax(logits, 1), reduction="batchmean"
            )
        else:
            loss = F.cross_entropy(net(attacked(images, labels, epsilon, None)), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1)
        optimizer.step()
        at += 1
    seconds.append(time.perf_counter() - started)
    print(f"epoch {epoch + 1}: loss {loss.item():.3f}, {seconds[-1]:.0f} s", file=sys.stderr)

for each in model.graph.initializer:
    if each.name in net.state_dict():
        each.CopyFrom(numpy_helper.from_array(net.state_dict()[each.name].numpy(), each.name))
onnx.save(model, f"{folder}/torch.onnx")
print(json.dumps({"secondsPerEpoch": seconds}))
