"""Makes vectors/attack/poison.json: searches for poison in training data, by NumPy and scikit-learn.

    pip install numpy scikit-learn
    python bench/poison/reference.py

Spectral scores from NumPy's singular values; clusters and silhouettes by PCA, KMeans and
silhouette_score; neighbours by NearestNeighbors, with confident learning (Northcutt et al. 2021,
equations 1 to 3, pruned by noise rate) written out; chances of sources by whole numbers from math.comb.
"""

import json
from fractions import Fraction
from math import comb
from pathlib import Path

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors

OUT = Path(__file__).resolve().parent.parent.parent / "vectors/attack/poison.json"


def planted(random, width, counts, far):
    """Two classes of normal rows with falling spreads; `counts[1]` more rows planted in class 1."""
    spread = 0.85 ** np.arange(width)
    clean, poison = counts
    middles = random.normal(0, 2, (2, width))
    rows = [random.normal(0, 1, (clean, width)) * spread + middle for middle in middles]
    rows.append(random.normal(0, 0.5, (poison, width)) * spread + middles[1] + far)
    features = np.concatenate(rows).round(4).astype(np.float32)
    labels = np.repeat([0, 1, 1], [clean, clean, poison])
    order = random.permutation(len(labels))
    truth = np.flatnonzero(order >= 2 * clean)
    return features[order], labels[order], truth


def table(features, labels, truth):
    return {
        "features": [float(f"{value:.4f}") for value in features.ravel()],
        "labels": labels.tolist(),
        "planted": truth.tolist(),
    }


def spectral(features, labels):
    scores = np.zeros(len(labels))
    for label in np.unique(labels):
        own = features[labels == label].astype(np.float64)
        own -= own.mean(0)
        direction = np.linalg.svd(own, full_matrices=False)[2][0]
        scores[labels == label] = (own @ direction) ** 2
    return scores


def clusters(features, labels):
    found = []
    for label in np.unique(labels):
        own = features[labels == label].astype(np.float64)
        reduced = PCA(10, svd_solver="full").fit_transform(own)
        sides = KMeans(2, n_init=100, random_state=0, tol=0).fit_predict(reduced)
        found.append({
            "label": int(label),
            "silhouette": float(silhouette_score(reduced, sides)),
            "sizes": sorted(np.bincount(sides).tolist()),
        })
    return found


def confident(shares, labels):
    """The confident joint as counts, and the rows that are pruned by noise rate."""
    classes = shares.shape[1]
    least = np.array([shares[labels == k, k].mean() for k in range(classes)])
    joint = np.zeros((classes, classes), int)
    for own, label in zip(shares, labels):
        sure = own >= least - 1e-12
        if sure.any():
            # Of equals, the label itself.
            likely = np.where(sure, own, -1) + 1e-9 * np.eye(classes)[label]
            joint[label, likely.argmax()] += 1
    rows = set()
    for label, told in zip(*np.nonzero(joint)):
        if label == told:
            continue
        own = np.flatnonzero(labels == label)
        count = int(np.floor(joint[label, told] / joint[label].sum() * len(own) + 0.5))
        lead = (shares[own, told] - shares[own, label]).round(9)
        order = np.lexsort((own, -lead))[:count]
        rows |= set(own[order][lead[order] > 0].tolist())
    return joint.tolist(), sorted(rows)


def flips(random):
    middles = random.normal(0, 2, (3, 6))
    truth = np.repeat(np.arange(3), 50)
    features = (middles[truth] + random.normal(0, 1, (150, 6))).round(4).astype(np.float32)
    labels = truth.copy()
    flipped = np.sort(random.choice(150, 12, replace=False))
    labels[flipped] = (labels[flipped] + random.integers(1, 3, 12)) % 3
    near = NearestNeighbors(n_neighbors=10).fit(features.astype(np.float64))
    at = near.kneighbors(return_distance=False)
    shares = np.stack([(labels[at] == k).mean(1) for k in range(3)], 1)
    joint, rows = confident(shares, labels)
    lead = shares.max(1) - shares[np.arange(150), labels]
    rows = sorted({*rows, *np.flatnonzero(lead >= 0.5 - 1e-9).tolist()})
    given = random.dirichlet([1, 1, 1], 150) * 0.6 + 0.4 * np.eye(3)[truth]
    given = given.round(6).astype(np.float32)
    own_joint, own_rows = confident(given.astype(np.float64), labels)
    return {
        **table(features, labels, flipped),
        "neighbours": {"joint": joint, "rows": rows},
        "probabilities": [float(f"{value:.6f}") for value in given.ravel()],
        "given": {"joint": own_joint, "rows": own_rows},
    }


def tail(total, marked, drawn, seen):
    """The chance of `seen` marked rows or more among `drawn` of `total` (hypergeometric)."""
    ways = sum(comb(marked, k) * comb(total - marked, drawn - k)
               for k in range(seen, min(marked, drawn) + 1))
    return float(Fraction(ways, comb(total, drawn)))


def sources():
    cases = [(100, 10, 20, 6), (5000, 60, 400, 30), (5000, 60, 400, 2), (40, 40, 7, 7),
             (3000, 1500, 1000, 520), (12, 3, 4, 0)]
    return [{"total": t, "marked": m, "drawn": d, "seen": s, "chance": tail(t, m, d, s)}
            for t, m, d, s in cases]


def main():
    random = np.random.default_rng(7)
    one = planted(random, 8, (60, 8), 3 * np.eye(8)[2])
    two = planted(random, 14, (70, 18), 4 * np.eye(14)[1])
    document = {
        "made": f"numpy {np.__version__}, scikit-learn {sklearn.__version__}",
        "spectral": {**table(*one), "scores": spectral(*one[:2]).tolist()},
        "clusters": {**table(*two), "classes": clusters(*two[:2])},
        "flips": flips(random),
        "sources": sources(),
    }
    OUT.write_text(json.dumps(document, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
