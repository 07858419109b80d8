"""Makes vectors/attack/privacy.json: scores of membership by SciPy and curves by scikit-learn.

    pip install numpy scipy scikit-learn
    python vectors/attack/make_privacy.py

Signals of 40 rows under shadow models trained with and without each; LiRA as in algorithm 1 of Carlini et
al. 2022 with one variance for all rows below 64 models, RMIA as in equation 4 of Zarifzadeh et al. 2024.
"""
import json
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve

HERE = Path(__file__).resolve().parent


def spread(lists):
    own = np.array([np.std(one) for one in lists])
    return own if min(map(len, lists)) >= 64 else np.full(len(lists), np.sqrt(np.mean(own**2)))


def rates(members, others, rate):
    labels = np.r_[np.ones(len(members)), np.zeros(len(others))]
    false, true, _ = roc_curve(labels, np.r_[members, others], drop_intermediate=False)
    return float(true[false <= rate + 1e-12].max())


def main():
    random = np.random.default_rng(0)
    cases = []
    for models in (16, 80):
        hardness = random.normal(1, 2, 40)
        member = random.random(40) < 0.5
        inside = hardness[:, None] + 1.5 + random.normal(0, 1, (40, models))
        outside = hardness[:, None] + random.normal(0, 1.2, (40, models))
        observed = np.where(member, hardness + 1.5, hardness) + random.normal(0, 1, 40)
        sin, sout = spread(inside), spread(outside)
        online = norm.logpdf(observed, inside.mean(1), sin) - norm.logpdf(observed, outside.mean(1), sout)
        offline = norm.ppf(norm.cdf(observed, outside.mean(1), sout))
        cases.append({
            "rows": [{"observed": o, "inside": i.tolist(), "outside": u.tolist()}
                     for o, i, u in zip(observed.tolist(), inside, outside)],
            "online": online.tolist(), "offline": offline.tolist(),
            "member": member.tolist(), "auc": roc_auc_score(member, online),
        })
    share = random.random((30, 2)).tolist()
    population = random.random((50, 2)).tolist()
    ratio = np.array(share)[:, 0] / np.array(share)[:, 1]
    others = np.array(population)[:, 0] / np.array(population)[:, 1]
    rmia = [{"gamma": g, "scores": [(r / others >= g).mean() for r in ratio]} for g in (1.0, 2.0)]
    ties = random.integers(0, 30, 400) / 10
    curve = {"members": (ties[:200] + 0.3).round(1).tolist(), "others": ties[200:].tolist()}
    members, rest = np.array(curve["members"]), np.array(curve["others"])
    curve["auc"] = roc_auc_score(np.r_[np.ones(200), np.zeros(200)], np.r_[members, rest])
    curve["rates"] = [{"fpr": f, "tpr": rates(members, rest, f)} for f in (0.0, 0.01, 0.05, 0.5)]
    made = f"numpy {np.__version__}, scipy {scipy.__version__}, scikit-learn {sklearn.__version__}"
    told = {"made": made, "lira": cases, "rmia": {"rows": share, "population": population, "cases": rmia},
            "curve": curve}
    (HERE / "privacy.json").write_text(json.dumps(told) + "\n")


main()
