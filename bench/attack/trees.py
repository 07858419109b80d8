"""Trains the tree models of bench/attack/trees.ts and measures the peers on the same rows.

    python bench/attack/trees.py make DATA OUT      # models as ONNX, rows as JSON
    python bench/attack/trees.py peers DATA OUT [GLOB]   # ART's attacks on the same rows

DATA holds spambase.csv, credit_data.csv and lending_club.csv. 80/20 split with seed 0, min-max to
[0, 1] in float32, 50 correctly classified test rows of each model.
"""
import json
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

ROWS = 50
POOL = 1000
SECONDS_MAX = 40


def table(data, name):
    frame = pd.read_csv(Path(data) / f"{name}.csv")
    label = {"spambase": "type", "credit_data": "Status", "lending_club": "Class"}[name]
    bad = {"spambase": "spam", "credit_data": "bad", "lending_club": "bad"}[name]
    frame = frame.dropna()
    y = (frame.pop(label) == bad).astype(np.int64).to_numpy()
    for column in list(frame.columns):
        if column.startswith("Unnamed") or column == "rownames":
            frame.pop(column)
    texts = [c for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])]
    frame = pd.get_dummies(frame, columns=texts, dtype=np.float32)
    x = frame.to_numpy(np.float32)
    low, high = x.min(0), x.max(0)
    keep = high > low
    x = ((x - low) / np.where(keep, high - low, 1)).astype(np.float32)[:, keep]
    groups = []
    names = [str(c) for c, k in zip(frame.columns, keep) if k]
    for text in texts:
        group = [n for n in names if n.startswith(f"{text}_")]
        if len(group) > 1:
            groups.append(group)
    whole = [bool(np.all(np.mod(frame[n], 1) == 0)) for n in names]
    steps = [float(1 / (h - l)) if w else None for w, h, l in zip(whole, high[keep], low[keep])]
    parts = train_test_split(x, y, test_size=0.2, random_state=0, stratify=y)
    return names, groups, steps, parts


def trained(parts):
    from lightgbm import LGBMClassifier
    from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier
    from sklearn.ensemble import RandomForestClassifier
    from xgboost import XGBClassifier

    weight = float((parts[2] == 0).sum() / (parts[2] == 1).sum())
    scale = weight if weight > 8 else 1.0
    balance = "balanced" if weight > 8 else None
    yield "xgb", XGBClassifier(n_estimators=100, max_depth=6, random_state=0, scale_pos_weight=scale)
    yield "lgbm", LGBMClassifier(n_estimators=100, random_state=0, verbose=-1, class_weight=balance)
    yield "rf", RandomForestClassifier(100, random_state=0, class_weight=balance)
    yield "gb", GradientBoostingClassifier(random_state=0)
    yield "extra", ExtraTreesClassifier(50, random_state=0, class_weight=balance)


def as_onnx(kind, model, width):
    from onnxmltools.convert import convert_lightgbm, convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType
    from skl2onnx import to_onnx

    inputs = [("features", FloatTensorType([None, width]))]
    if kind == "xgb":
        return convert_xgboost(model, initial_types=inputs, target_opset=15)
    if kind == "lgbm":
        return convert_lightgbm(model, initial_types=inputs, target_opset=15, zipmap=False)
    return to_onnx(model, np.zeros((1, width), np.float32), options={"zipmap": False},
                   target_opset={"": 17, "ai.onnx.ml": 3})


def make(data, out):
    import onnxruntime

    out.mkdir(parents=True, exist_ok=True)
    for name in ("spambase", "credit_data", "lending_club"):
        names, groups, steps, parts = table(data, name)
        x, xt, y, yt = parts
        for kind, model in trained(parts):
            model.fit(x, y)
            path = out / f"{name}-{kind}.onnx"
            path.write_bytes(as_onnx(kind, model, x.shape[1]).SerializeToString())
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            label = np.ravel(session.run(None, {session.get_inputs()[0].name: xt})[0])
            right = np.flatnonzero(label == yt)
            if name == "lending_club":
                bad = right[yt[right] == 1][: ROWS // 2]
                right = np.concatenate([bad, right[yt[right] == 0][: ROWS - len(bad)]])
            rows = right[:ROWS]
            (out / f"{name}-{kind}.json").write_text(json.dumps({
                "names": names, "groups": groups, "steps": steps, "accuracy": float(np.mean(label == yt)),
                "x": xt[rows].ravel().tolist(), "y": yt[rows].tolist(),
                "pool": x[:POOL].ravel().tolist(), "poolY": y[:POOL].tolist(),
            }))
            print(f"{path.name}: accuracy {np.mean(label == yt):.3f}", flush=True)


class TooLong(Exception):
    pass


def stop(*_):
    raise TooLong


def peers(data, out, pattern="*"):
    import onnxruntime
    from art.attacks.evasion import BoundaryAttack, HopSkipJump, ZooAttack
    from art.estimators.classification import BlackBoxClassifier

    signal.signal(signal.SIGALRM, stop)
    print("model attack rows success median-l2 seconds/row queries/row", flush=True)
    for path in sorted(out.glob(f"{pattern}.onnx")):
        rows = json.loads(path.with_suffix(".json").read_text())
        y = np.array(rows["y"])
        x = np.array(rows["x"], np.float32).reshape(len(y), -1)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        entry = session.get_inputs()[0].name
        asked = [0]

        def predict(batch):
            asked[0] += len(batch)
            label = np.ravel(session.run(None, {entry: np.asarray(batch, np.float32)})[0])
            return np.eye(2, dtype=np.float32)[label]

        box = BlackBoxClassifier(predict, (x.shape[1],), 2, clip_values=(0, 1))
        for title, attack, count in [
            ("HopSkipJump", HopSkipJump(box, norm=2, max_iter=10, max_eval=1000, verbose=False), 20),
            ("Boundary", BoundaryAttack(box, targeted=False, max_iter=500, verbose=False), 10),
        ]:
            np.random.seed(0)
            asked[0] = 0
            found, done, begun = [], 0, time.time()
            signal.alarm(SECONDS_MAX)
            try:
                for row in range(min(count, len(y))):
                    made = attack.generate(x[row : row + 1])
                    done += 1
                    label = np.ravel(session.run(None, {entry: made.astype(np.float32)})[0])[0]
                    if label != y[row]:
                        found.append(float(np.linalg.norm(made[0] - x[row])))
            except TooLong:
                pass
            signal.alarm(0)
            took = time.time() - begun
            middle = f"{np.median(found):.5f}" if found else "-"
            late = " (stopped)" if done < min(count, len(y)) else ""
            print(f"{path.stem} {title} {done} {len(found) / max(done, 1):.2f} {middle} "
                  f"{took / max(done, 1):.3f} {asked[0] / max(done, 1):.0f}{late}", flush=True)


if __name__ == "__main__":
    {"make": make, "peers": peers}[sys.argv[1]](sys.argv[2], Path(sys.argv[3]), *sys.argv[4:])
