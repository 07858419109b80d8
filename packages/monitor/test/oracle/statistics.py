"""Makes vectors/monitor/tests.json: what SciPy 1.18.1, scikit-learn 1.9.1 and river 0.26.1 give.

    pip install scipy==1.18.1 scikit-learn==1.9.1 river==0.26.1
    python packages/monitor/test/oracle/statistics.py
"""

import json
import pathlib

import numpy as np
from river import drift
from scipy import spatial, special, stats
from sklearn.covariance import LedoitWolf
from sklearn.metrics import pairwise, roc_auc_score

random = np.random.default_rng(17)
out = {"chiSquared": [], "tail": [], "divergence": [], "discrepancy": [], "cusum": []}
out |= {"pageHinkley": [], "adwin": [], "covariance": [], "auroc": []}

for k, n, m in ((2, 50, 60), (5, 200, 200), (10, 2000, 150), (40, 300, 900)):
    for shift in (0, 1):
        p = random.dirichlet(np.ones(k))
        q = random.dirichlet(np.ones(k)) if shift else p
        a, b = random.multinomial(n, p), random.multinomial(m, q)
        kept = (a + b) > 0
        test = stats.chi2_contingency(np.array([a[kept], b[kept]]), correction=False)
        row = {"a": a.tolist(), "b": b.tolist(), "statistic": float(test.statistic)}
        out["chiSquared"].append(row | {"degrees": int(test.dof), "pValue": float(test.pvalue)})
        share = lambda counts: np.maximum(1e-4, counts / counts.sum())
        psi = special.rel_entr(share(a), share(b)) + special.rel_entr(share(b), share(a))
        row = {"a": a.tolist(), "b": b.tolist(), "psi": float(psi.sum())}
        out["divergence"].append(row | {"js": float(spatial.distance.jensenshannon(a, b, base=2))})
for degrees in (1, 2, 7, 30, 500):
    for ratio in (0.2, 0.9, 1.5, 4):
        x = degrees * ratio
        row = {"x": x, "degrees": degrees, "tail": float(stats.chi2.sf(x, degrees))}
        out["tail"].append(row)


def mmd(x, y, gamma):
    xx, yy = pairwise.rbf_kernel(x, gamma=gamma), pairwise.rbf_kernel(y, gamma=gamma)
    n, m = len(x), len(y)
    cross = pairwise.rbf_kernel(x, y, gamma=gamma).mean()
    return (xx.sum() - n) / (n * (n - 1)) + (yy.sum() - m) / (m * (m - 1)) - 2 * cross


for n, m, shift in ((30, 40, 0.0), (40, 30, 0.25), (25, 25, 1.0)):
    a = np.round(random.normal(size=(n, 4)), 2).astype(np.float32).astype(float)
    b = np.round(random.normal(shift, 1, size=(m, 4)), 2).astype(np.float32).astype(float)
    pooled = np.concatenate([a, b])
    sigma = float(np.median(spatial.distance.pdist(pooled)))
    gamma = 1 / (2 * sigma**2)
    index = np.arange(n + m)
    rng = np.random.default_rng(1)
    test = stats.permutation_test(
        (index[:n], index[n:]),
        lambda x, y: mmd(pooled[x.astype(int)], pooled[y.astype(int)], gamma),
        alternative="greater", n_resamples=4000, rng=rng, vectorized=False,
    )
    row = {"a": a.ravel().tolist(), "b": b.ravel().tolist(), "features": 4, "bandwidth": sigma}
    out["discrepancy"].append(row | {"statistic": float(mmd(a, b, gamma)), "pValue": float(test.pvalue)})

for rate in (1.0, 0.4):
    x = np.round(random.exponential(1 / rate, size=200), 4)
    walk = np.concatenate([[0], np.cumsum(x - 2)])
    sums = (walk - np.minimum.accumulate(walk))[1:]
    out["cusum"].append({"x": x.tolist(), "drift": 2, "sums": sums.tolist()})

for shift, scale in ((0, 1), (0.5, 1), (-1, 0.5), (3, 1)):
    x = np.concatenate([random.normal(0, scale, 400), random.normal(shift, scale, 400)])
    x = np.round(np.concatenate([x, random.normal(0, scale, 400)]), 4)
    test, at = drift.PageHinkley(threshold=20), []
    for i, value in enumerate(x):
        test.update(float(value))
        if test.drift_detected:
            at.append(i)
    out["pageHinkley"].append({"x": x.tolist(), "threshold": 20, "at": at})
    for delta, clock in ((0.002, 32), (0.05, 1)):
        test, at, widths = drift.ADWIN(delta=delta, clock=clock), [], []
        for i, value in enumerate(x):
            # Not test.update: that forgets the whole window after a cut, unlike the paper.
            if test._helper.update(float(value)):
                at.append(i)
            if i % 100 == 99:
                widths.append([int(test.width), float(test.estimation)])
        row = {"x": x.tolist(), "delta": delta, "everyValues": clock, "at": at}
        out["adwin"].append(row | {"widths": widths})

for n, d in ((20, 5), (200, 6)):
    x = random.normal(size=(n, d)) @ random.normal(size=(d, d)) + 3
    x = np.round(x, 3).astype(np.float32).astype(float)
    fit = LedoitWolf().fit(x)
    row = {"x": x.ravel().tolist(), "features": d, "shrinkage": float(fit.shrinkage_)}
    row |= {"covariance": fit.covariance_.ravel().tolist()}
    out["covariance"].append(row | {"squared": fit.mahalanobis(x[:10]).tolist()})

for gap in (0, 1):
    a, b = np.round(random.normal(size=60), 1), np.round(random.normal(gap, 1, size=80), 1)
    value = roc_auc_score([0] * 60 + [1] * 80, np.concatenate([a, b]))
    out["auroc"].append({"negative": a.tolist(), "positive": b.tolist(), "auroc": float(value)})

root = pathlib.Path(__file__).resolve().parents[4]
(root / "vectors/monitor/tests.json").write_text(json.dumps(out))
