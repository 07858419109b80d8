"""Scores shadow signals by LiRA and RMIA in NumPy and SciPy, as vectors/harden/shadows.json.

Usage: python bench/harden/shadow_reference.py signals.json > vectors/harden/shadows.json
Needs numpy, scipy and scikit-learn.
"""

import json
import sys

import numpy
from scipy import stats
from sklearn.metrics import roc_auc_score

given = json.load(open(sys.argv[1]))
observed = numpy.array(given["observed"])
logits = numpy.array(given["logits"])
inside = numpy.array(given["inside"], dtype=bool)
rows = given["members"] + given["nonmembers"]
labels = numpy.array([1] * len(given["members"]) + [0] * len(given["nonmembers"]))


def sides(row):
    return logits[inside[:, row], row], logits[~inside[:, row], row]


def pooled(side):
    """One spread for all rows, as the authors' code takes below 64 models a row."""
    return numpy.sqrt(numpy.mean([numpy.var(sides(row)[side]) for row in rows]))


def online():
    within, without = pooled(0), pooled(1)
    scores = []
    for row in rows:
        ins, outs = sides(row)
        own = stats.norm.logpdf(observed[row], ins.mean(), within)
        scores.append(own - stats.norm.logpdf(observed[row], outs.mean(), without))
    return numpy.array(scores)


def offline():
    """-log Pr[another model without the row is as sure], order kept by the standard score."""
    without = pooled(1)
    return numpy.array([(observed[row] - sides(row)[1].mean()) / without for row in rows])


def rmia():
    def ratio(row):
        ins, outs = (1 / (1 + numpy.exp(-side)) for side in sides(row))
        reference = (ins.mean() + outs.mean()) / 2
        return 1 / (1 + numpy.exp(-observed[row])) / reference

    others = numpy.array([ratio(row) for row in given["population"]])
    return numpy.array([numpy.mean(ratio(row) >= others) for row in rows])


def told(scores):
    members, others = scores[labels == 1], scores[labels == 0]
    threshold = numpy.sort(others)[::-1][int(0.001 * len(others))]
    found = int((members > threshold).sum())
    interval = stats.binomtest(found, len(members)).proportion_ci(0.95, method="wilson")
    return {
        "scores": scores.tolist(),
        "auc": roc_auc_score(labels, scores),
        "tprAtFpr001": found / len(members),
        "low": interval.low,
        "high": interval.high,
    }


attacks = {"liraOnline": online(), "liraOffline": offline(), "rmia": rmia()}
json.dump(given | {name: told(scores) for name, scores in attacks.items()}, sys.stdout)
