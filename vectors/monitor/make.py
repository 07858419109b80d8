"""Makes statistics.json: test statistics as SciPy computes them (pip install scipy==1.17.1)."""

import json
import pathlib

import numpy as np
from scipy import stats

random = np.random.default_rng(5)
vectors = {"shapiro": [], "ks": []}
samples = {
    "normal": lambda n: random.normal(size=n),
    "uniform": lambda n: random.uniform(size=n),
    "lognormal": lambda n: random.lognormal(size=n),
    "bimodal": lambda n: np.concatenate([random.normal(0, 1, n // 2), random.normal(6, 1, n - n // 2)]),
}
for n in (12, 50, 101, 150):
    for kind, draw in samples.items():
        x = np.round(draw(n), 6)
        vectors["shapiro"].append({"kind": kind, "x": x.tolist(), "w": float(stats.shapiro(x).statistic)})
for n, m, shift in ((50, 80, 0), (200, 1000, 0), (200, 1000, 0.3), (30, 30, 1), (200, 150, 0.5)):
    a = np.round(random.normal(size=n), 3)
    b = np.round(random.normal(shift, 1, size=m), 3)
    statistic = stats.ks_2samp(a, b, method="asymp").statistic
    tail = stats.kstwobign.sf(np.sqrt(n * m / (n + m)) * statistic)
    vectors["ks"].append({"a": a.tolist(), "b": b.tolist(), "statistic": float(statistic), "tail": float(tail)})
pathlib.Path(__file__).with_name("statistics.json").write_text(json.dumps(vectors))
