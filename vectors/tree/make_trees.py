"""Makes the tree models of this folder and rows to ask them about; seeds are fixed.

    pip install -r vectors/tree/requirements.txt
    python vectors/tree/make_trees.py

Data: breast cancer (W. Wolberg et al.) and wine (S. Aeberhard, M. Forina), UCI Machine Learning
Repository, CC BY 4.0, as scikit-learn ships them; loans from data/loans-train.csv (R's modeldata,
MIT). Each model is written by the converter that its users use, and run once in ONNX Runtime.
"""
import csv
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from lightgbm import LGBMClassifier
from onnxmltools.convert import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as LooseFloats
from skl2onnx import to_onnx
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from xgboost import XGBClassifier, XGBRegressor

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SEED = 11
ROWS = 24
OPSETS = {"": 17, "ai.onnx.ml": 3}


def split(data):
    x = data.data.astype(np.float32)
    low, high = x.min(0), x.max(0)
    x = ((x - low) / (high - low)).astype(np.float32)
    return train_test_split(x, data.target, test_size=0.3, random_state=SEED, stratify=data.target)


def loans():
    schema = json.loads((ROOT / "models/loans.schema.json").read_text())
    wanted = ["funded_amnt", "term", "annual_inc", "verification_status", "revol_util", "all_util"]
    by_name = {feature["name"]: feature for feature in schema["features"]}
    with open(ROOT / "data/loans-train.csv", newline="") as file:
        rows = list(csv.DictReader(file))[:3000]
    columns = []
    for name in wanted:
        categories = by_name[name].get("categories")
        texts = [row[name] for row in rows]
        columns.append([categories.index(t) if categories else float(t) for t in texts])
    x = np.array(columns, np.float32).T.copy()
    y = np.array([int(row["Class"] == "bad") for row in rows])
    return train_test_split(x, y, test_size=0.3, random_state=SEED, stratify=y)


def skl(model, x, zipmap=False):
    options = {"zipmap": zipmap} if hasattr(model, "predict_proba") else {}
    return to_onnx(model, x[:1], options=options, target_opset=OPSETS)


def onnxml(convert, model, x, **more):
    inputs = [("features", LooseFloats([None, x.shape[1]]))]
    return convert(model, initial_types=inputs, target_opset=15, **more)


def models():
    breast, wine, bank = split(load_breast_cancer()), split(load_wine()), loans()
    fit = lambda model, data: model.fit(data[0], data[2])
    holes = [part.copy() for part in breast]
    holes[0][::7, ::3] = np.nan
    common = {"random_state": SEED}
    boost = {"n_estimators": 25, "max_depth": 4, "n_jobs": 1, **common}
    yield "xgb-binary", onnxml(convert_xgboost, fit(XGBClassifier(**boost), breast), breast[0]), "breast"
    tiny = XGBClassifier(n_estimators=6, max_depth=3, n_jobs=1, **common)
    yield "xgb-tiny", onnxml(convert_xgboost, fit(tiny, breast), breast[0]), "breast"
    many = XGBClassifier(n_estimators=8, max_depth=3, n_jobs=1, **common)
    yield "xgb-multi", onnxml(convert_xgboost, fit(many, wine), wine[0]), "wine"
    value = XGBRegressor(n_estimators=8, max_depth=3, n_jobs=1, **common)
    yield "xgb-regressor", onnxml(convert_xgboost, fit(value, wine), wine[0]), "wine"
    leaves = {"n_estimators": 20, "num_leaves": 12, "n_jobs": 1, "verbose": -1, **common}
    light = fit(LGBMClassifier(**leaves), breast)
    yield "lgbm-binary", onnxml(convert_lightgbm, light, breast[0], zipmap=False), "breast"
    light = fit(LGBMClassifier(**{**leaves, "n_estimators": 8}), wine)
    yield "lgbm-multi", onnxml(convert_lightgbm, light, wine[0]), "wine"
    forest = {"n_estimators": 15, "max_depth": 6, **common}
    yield "rf-binary", skl(fit(RandomForestClassifier(**forest), breast), breast[0]), "breast"
    yield "rf-multi", skl(fit(RandomForestClassifier(**forest), wine), wine[0], zipmap=True), "wine"
    yield "rf-regressor", skl(fit(RandomForestRegressor(**forest), wine), wine[0]), "wine"
    extra = fit(ExtraTreesClassifier(**{**forest, "n_estimators": 10}), breast)
    yield "extra-binary", skl(extra, breast[0]), "breast"
    yield "extra-multi", skl(fit(ExtraTreesClassifier(**forest), wine), wine[0]), "wine"
    gradient = {"n_estimators": 20, "max_depth": 3, **common}
    yield "gb-binary", skl(fit(GradientBoostingClassifier(**gradient), breast), breast[0]), "breast"
    gradient["n_estimators"] = 6
    yield "gb-multi", skl(fit(GradientBoostingClassifier(**gradient), wine), wine[0]), "wine"
    missing = XGBClassifier(**{**boost, "n_estimators": 12})
    yield "xgb-missing", onnxml(convert_xgboost, fit(missing, holes), breast[0]), "breast"
    scaled = make_pipeline(SimpleImputer(), StandardScaler(), RandomForestClassifier(**forest))
    yield "pipe-scaled", skl(fit(scaled, holes), breast[0]), "breast"
    columns = ColumnTransformer([
        ("kinds", OneHotEncoder(handle_unknown="ignore"), [1, 3]),
        ("amounts", MinMaxScaler((-1, 1)), [0, 2, 4, 5]),
    ])
    weights = np.where(bank[2] == 1, 15.0, 1.0)
    mixed = make_pipeline(columns, GradientBoostingClassifier(**{**gradient, "n_estimators": 25}))
    mixed.fit(bank[0], bank[2], gradientboostingclassifier__sample_weight=weights)
    yield "pipe-mixed", skl(mixed, bank[0]), "loans"


def main():
    sets = {"breast": split(load_breast_cancer()), "wine": split(load_wine()), "loans": loans()}
    rows = {name: {"width": part[1].shape[1], "x": part[1][:ROWS].ravel().tolist(),
                   "y": part[3][:ROWS].tolist()} for name, part in sets.items()}
    (HERE / "rows.json").write_text(json.dumps(rows, separators=(",", ":")) + "\n")
    for name, model, data in models():
        del model.metadata_props[:]
        path = HERE / f"{name}.{data}.onnx"
        path.write_bytes(model.SerializeToString())
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        answer = session.run(None, {session.get_inputs()[0].name: sets[data][1]})
        right = np.mean(np.ravel(answer[0]) == sets[data][3])
        kinds = " ".join(node.op_type for node in model.graph.node)
        print(f"{path.name}: {path.stat().st_size} bytes, accuracy {right:.3f}: {kinds}")


if __name__ == "__main__":
    main()
