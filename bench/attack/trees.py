"""Trains the tree models of bench/attack/trees.ts and measures the peers on the same rows.

    python bench/attack/trees.py make DATA OUT      # models as ONNX, rows as JSON
    python bench/attack/trees.py peers DATA OUT [GLOB]   # ART's attacks on the same rows

DATA holds spambase.csv, credit_data.csv and lending_club.csv. 80/20 split with seed 0, min-max to
[0, 1] in float32, 50 correctly classified test rows of each model. XGBoost models are also written
as LT-Attack reads them (NAME.trees.json, NAME.svm). ART's lines are compared with what trees.ts
left in NAME.found.json, over the rows that ART turned.
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
RELATIONS = {
    "spambase": [],
    "credit_data": [("Amount", "Price")],
    "lending_club": [("open_il_12m", "open_il_24m"), ("open_il_6m", "num_il_tl")],
}


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
    spans = {n: (float(l), float(h - l)) for n, l, h in zip(names, low[keep], high[keep])}
    # left <= right in the columns' own units, said of scaled ones.
    relations = [{"left": a, "right": b, "leftFactor": spans[a][1], "rightFactor": spans[b][1],
                  "bound": spans[b][0] - spans[a][0]} for a, b in RELATIONS[name]]
    parts = train_test_split(x, y, test_size=0.2, random_state=0, stratify=y)
    return names, groups, steps, relations, parts


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
        names, groups, steps, relations, parts = table(data, name)
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
                "names": names, "groups": groups, "steps": steps, "relations": relations,
                "accuracy": float(np.mean(label == yt)),
                "x": xt[rows].ravel().tolist(), "y": yt[rows].tolist(),
                "pool": x[:POOL].ravel().tolist(), "poolY": y[:POOL].tolist(),
            }))
            if kind == "xgb":
                (out / f"{name}-{kind}.trees.json").write_text(json.dumps(lt_trees(model)))
                (out / f"{name}-{kind}.svm").write_text(lt_rows(xt[rows], yt[rows]))
            print(f"{path.name}: accuracy {np.mean(label == yt):.3f}", flush=True)


def lt_trees(model):
    """The trees of XGBoost as LT-Attack reads them, exact doubles, the base score as one more leaf."""
    booster = model.get_booster()
    settings = json.loads(booster.save_config())["learner"]["learner_model_param"]
    base = float(settings["base_score"].strip("[]"))

    def exact(node):
        if "leaf" in node:
            return {**node, "leaf": float(np.float32(node["leaf"]))}
        split = float(np.float32(node["split_condition"]))
        return {**node, "split_condition": split, "children": [exact(c) for c in node["children"]]}

    trees = [exact(json.loads(tree)) for tree in booster.get_dump(dump_format="json")]
    return [*trees, {"nodeid": 0, "leaf": float(np.log(base / (1 - base)))}]


def lt_rows(x, y):
    lines = []
    for row, label in zip(x, y):
        lines.append(" ".join([str(label)] + [f"{i}:{float(v)!r}" for i, v in enumerate(row) if v]))
    return "\n".join(lines) + "\n"


class TooLong(Exception):
    pass


def stop(*_):
    raise TooLong


def peers(data, out, pattern="*"):
    import onnxruntime
    from art.attacks.evasion import BoundaryAttack, HopSkipJump
    from art.estimators.classification import BlackBoxClassifier

    signal.signal(signal.SIGALRM, stop)
    print("model attack rows success median-l2 cpu-s/row queries/row | leaf-tuple on the rows turned:"
          " median-l2 times-nearer", flush=True)
    for path in sorted(out.glob(f"{pattern}.onnx")):
        rows = json.loads(path.with_suffix(".json").read_text())
        y = np.array(rows["y"])
        x = np.array(rows["x"], np.float32).reshape(len(y), -1)
        pool = np.array(rows["pool"], np.float32).reshape(-1, x.shape[1])
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        entry = session.get_inputs()[0].name
        asked = [0]

        def labels(batch):
            asked[0] += len(batch)
            return np.ravel(session.run(None, {entry: np.asarray(batch, np.float32)})[0])

        box = BlackBoxClassifier(lambda batch: np.eye(2, dtype=np.float32)[labels(batch)],
                                 (x.shape[1],), 2, clip_values=(0, 1))
        answers = labels(pool)
        others = [pool[answers != label] for label in y]
        nearest = [min(some, key=lambda p: np.linalg.norm(p - row)) for row, some in zip(x, others)]
        jump = HopSkipJump(box, norm=2, max_iter=10, max_eval=1000, verbose=False)
        boundary = BoundaryAttack(box, targeted=False, max_iter=500, verbose=False)
        found = path.with_suffix(".found.json")
        ours = json.loads(found.read_text())["leaf-tuple l2"] if found.exists() else None
        for title, count, attack in [
            ("HopSkipJump", 50, lambda at: jump.generate(x[at : at + 1])),
            ("HopSkipJump-from-any-row", 50,
             lambda at: jump.generate(x[at : at + 1], x_adv_init=others[at][:1])),
            ("HopSkipJump-from-nearest", 50,
             lambda at: jump.generate(x[at : at + 1], x_adv_init=nearest[at][None])),
            ("Boundary", 10, lambda at: boundary.generate(x[at : at + 1])),
        ]:
            np.random.seed(0)
            asked[0] = 0
            report(path.stem, title, *attacked(attack, x, y, min(count, len(y)), labels), asked, ours)


def attacked(attack, x, y, count, labels):
    """Distances by row (none for rows that stand), rows done, and CPU seconds."""
    distances, done, begun = {}, 0, time.process_time()
    signal.alarm(SECONDS_MAX)
    try:
        for row in range(count):
            made = attack(row)
            done += 1
            # What comes back may be no number; that turns nothing.
            if np.isfinite(made).all() and labels(made)[0] != y[row]:
                distances[row] = float(np.linalg.norm(made[0] - x[row]))
    except TooLong:
        pass
    signal.alarm(0)
    return distances, done, count, time.process_time() - begun


def report(model, title, distances, done, count, took, asked, ours):
    middle = f"{np.median(list(distances.values())):.5f}" if distances else "-"
    late = " (stopped)" if done < count else ""
    line = (f"{model} {title} {done} {len(distances) / max(done, 1):.2f} {middle} "
            f"{took / max(done, 1):.3f} {asked[0] / max(done, 1):.0f}{late}")
    if ours and distances:
        own = np.median([ours[row] for row in distances])
        line += f" | {own:.5f} {np.median(list(distances.values())) / max(own, 1e-30):.1f}"
    print(line, flush=True)


if __name__ == "__main__":
    {"make": make, "peers": peers}[sys.argv[1]](sys.argv[2], Path(sys.argv[3]), *sys.argv[4:])
