"""The PyTorch side: takes one JSON request a line, answers with the milliseconds of a run."""

import copy
import json
import sys
import time

import torch
import torchattacks

from speed_models import SHAPES, make

torch.set_num_threads(2)
models = {}
trained = {}


def inputs(name: str, batch: int):
    """The same samples and labels for a size, made once."""
    generator = torch.Generator().manual_seed(batch)
    x = torch.rand(batch, *SHAPES[name], generator=generator)
    return x, torch.arange(batch) % 2


def gradient(model, x, y):
    """The input gradient of the summed cross-entropy."""
    x = x.clone().requires_grad_(True)
    loss = torch.nn.functional.cross_entropy(model(x), y, reduction="sum")
    return torch.autograd.grad(loss, x)[0]


def train(name, x, y) -> None:
    """A step of gradient descent on a copy of the model; normalisation keeps its statistics."""
    if name not in trained:
        own = copy.deepcopy(models[name]).eval()
        own.requires_grad_(True)
        optimizer = torch.optim.SGD(own.parameters(), lr=1e-3, momentum=0.9)
        trained[name] = own, optimizer
    own, optimizer = trained[name]
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(own(x), y).backward()
    torch.nn.utils.clip_grad_norm_(own.parameters(), 1.0)
    optimizer.step()


def run(request) -> float:
    name, batch, task = request["model"], request["batch"], request["task"]
    model = models.setdefault(name, make(name))
    x, y = inputs(name, batch)
    times = request["times"]
    attack = torchattacks.PGD(model, eps=8 / 255, alpha=2 / 255, steps=20, random_start=False)
    start = time.perf_counter()
    for _ in range(times):
        if task == "gradient":
            gradient(model, x, y)
        elif task == "pgd":
            attack(x, y)
        elif task == "train":
            train(name, x, y)
    return 1000 * (time.perf_counter() - start) / times


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if request["task"] == "values":
            x, y = inputs(request["model"], request["batch"])
            g = gradient(models.setdefault(request["model"], make(request["model"])), x, y)
            answer = {"x": x.flatten().tolist(), "gradient": g.flatten().tolist()}
        else:
            answer = {"ms": run(request)}
        print(json.dumps(answer), flush=True)


main()
