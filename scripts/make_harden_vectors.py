"""Records what hardening is checked against into vectors/harden/*.json.

Losses of TRADES and MART with their gradients and steps of optimizers from PyTorch, bounds of
shares from SciPy, and what private training spends from Opacus and dp-accounting. Needs torch,
scipy, opacus==1.6.0 and dp-accounting; run as: python scripts/make_harden_vectors.py
"""

import json
import pathlib
import warnings

import numpy
import torch
import torch.nn.functional as F
from dp_accounting import dp_event
from dp_accounting.pld import pld_privacy_accountant
from dp_accounting.rdp import rdp_privacy_accountant
from opacus.accountants import PRVAccountant, RDPAccountant
from scipy import stats

FOLDER = pathlib.Path(__file__).parent.parent / "vectors" / "harden"


def trades(clean, attacked, labels, beta):
    kl = F.kl_div(F.log_softmax(attacked, 1), F.softmax(clean, 1), reduction="none").sum(1)
    return F.cross_entropy(clean, labels, reduction="none") + beta * kl


def mart(clean, attacked, labels, weight):
    q, p = F.softmax(attacked, 1), F.softmax(clean, 1)
    rest = q.scatter(1, labels[:, None], -1.0)
    wrong = rest.argmax(1)
    bce = F.cross_entropy(attacked, labels, reduction="none") + F.nll_loss(
        torch.log(1.0001 - q), wrong, reduction="none"
    )
    kl = F.kl_div(F.log_softmax(attacked, 1), p, reduction="none").sum(1)
    return bce + weight * kl * (1.0000001 - p.gather(1, labels[:, None])[:, 0])


def losses():
    torch.manual_seed(1)
    cases = []
    for name, loss, weight in [("trades", trades, 6.0), ("mart", mart, 5.0)]:
        for spread in [0.5, 3.0, 12.0]:
            clean = (spread * torch.randn(8, 5)).double().float().double().requires_grad_()
            moved = clean.detach() + torch.randn(8, 5).double()
            attacked = moved.float().double().requires_grad_()
            labels = torch.randint(0, 5, (8,))
            each = loss(clean, attacked, labels, weight)
            by_clean, by_attacked = torch.autograd.grad(each.sum(), [clean, attacked])
            values = {
                "clean": clean,
                "attacked": attacked,
                "labels": labels,
                "losses": each,
                "byClean": by_clean,
                "byAttacked": by_attacked,
            }
            cases.append(
                {"name": name, "weight": weight, "spread": spread}
                | {key: value.detach().flatten().tolist() for key, value in values.items()}
            )
    return cases


def optimizers():
    cases = []
    gradients = numpy.random.default_rng(2).normal(size=(20, 6)).round(4)
    start = [0.5, -1.0, 2.0, 0.0, -0.25, 3.0]
    for name in ["sgd", "adamw"]:
        for decay in [0.0, 0.1]:
            weight = torch.tensor(start, requires_grad=True)
            options = {"lr": 0.05, "weight_decay": decay}
            if name == "sgd":
                optimizer = torch.optim.SGD([weight], momentum=0.9, **options)
            else:
                optimizer = torch.optim.AdamW([weight], betas=(0.9, 0.999), **options)
            for gradient in gradients:
                weight.grad = torch.tensor(gradient, dtype=torch.float32)
                optimizer.step()
            end = weight.detach().tolist()
            cases.append({"name": name, "weightDecay": decay, "end": end})
    return {"start": start, "rate": 0.05, "gradients": gradients.tolist(), "cases": cases}


def bounds():
    shares = []
    for trials in [1, 10, 100, 1000, 10_000, 100_000]:
        for part in [0.01, 0.5, 0.53, 0.9, 0.99, 1.0]:
            hits = int(part * trials)
            for alpha in [0.001, 0.05]:
                low = 0.0 if hits == 0 else stats.beta.ppf(alpha, hits, trials - hits + 1)
                coin = stats.binomtest(hits, trials, 0.5).pvalue
                shares.append([hits, trials, alpha, float(low), float(coin)])
    points = [1e-300, 1e-20, 1e-9, 0.001, 0.02425, 0.3, 0.5, 0.7, 0.93, 0.999, 1 - 1e-9]
    quantiles = [[share, float(stats.norm.ppf(share))] for share in points]
    return {"shares": shares, "quantiles": quantiles}


def privacy():
    cases = []
    settings = [
        (1.0144, 1024 / 60_000, 12 * 59, 1e-5),
        (1.1, 0.01, 1000, 1e-5),
        (0.7, 0.01, 500, 1e-6),
        (4.0, 0.2, 200, 1e-5),
        (0.5, 0.001, 100, 1e-5),
        (2.0, 1.0, 10, 1e-5),
        (1.3, 0.004, 20_000, 1e-8),
    ]
    for noise, rate, steps, delta in settings:
        rdp, prv = RDPAccountant(), PRVAccountant()
        rdp.history = prv.history = [(noise, rate, steps)]
        event = dp_event.SelfComposedDpEvent(
            dp_event.PoissonSampledDpEvent(rate, dp_event.GaussianDpEvent(noise)), steps
        )
        google = rdp_privacy_accountant.RdpAccountant().compose(event)
        exact = pld_privacy_accountant.PLDAccountant(value_discretization_interval=1e-4)
        cases.append(
            {
                "noiseMultiplier": noise,
                "rate": rate,
                "steps": steps,
                "delta": delta,
                "opacusRdp": float(rdp.get_epsilon(delta)),
                "opacusPrv": float(prv.get_epsilon(delta)),
                "googleRdp": float(google.get_epsilon(delta)),
                "googlePld": float(exact.compose(event).get_epsilon(delta)),
            }
        )
    return cases


def main():
    warnings.simplefilter("ignore")
    FOLDER.mkdir(parents=True, exist_ok=True)
    torch_values = {"losses": losses(), "optimizers": optimizers()}
    for name, value in [("torch", torch_values), ("bounds", bounds()), ("privacy", privacy())]:
        (FOLDER / f"{name}.json").write_text(json.dumps(value) + "\n")


main()
