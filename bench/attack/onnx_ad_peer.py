"""Gradients beside onnx-ad 0.3.0, the prior art in Python: the same model and cotangent through both
graphs, run by the same ONNX Runtime; how far they are apart and how long each takes. Models whose
number of rows is open are bound to BATCH rows first, since onnx-ad asks for that.

    pip install onnx-ad==0.3.0 onnx onnxruntime
    python bench/attack/onnx_ad_peer.py BATCH MODEL.onnx ...
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import onnx_ad
import onnxruntime as ort

ROOT = Path(__file__).resolve().parent.parent.parent
ROUNDS = 15


def bound(path: str, batch: int):
    """The model with a fixed number of rows."""
    model = onnx.load(path)
    for value in [*model.graph.input, *model.graph.output]:
        axis = value.type.tensor_type.shape.dim
        if len(axis) > 0:
            axis[0].ClearField("dim_param")
            axis[0].dim_value = batch
    return onnx.shape_inference.infer_shapes(model)


def session(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    return ort.InferenceSession(str(path), options)


def timed(run) -> float:
    start = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - start)


def compare(path: str, batch: int, folder: Path) -> str:
    model = bound(path, batch)
    plain = folder / "plain.onnx"
    onnx.save(model, plain)
    [x] = [value for value in model.graph.input]
    [scores] = [value for value in model.graph.output][:1]
    shape = [axis.dim_value for axis in x.type.tensor_type.shape.dim]
    classes = session(plain).get_outputs()[0].shape[1]
    random = np.random.default_rng(0)
    value = random.random(shape, dtype=np.float32)
    cotangent = random.standard_normal((batch, classes)).astype(np.float32)

    ours = folder / "ours.onnx"
    wish = ["npx", "merlon", "gradient", str(plain), "--loss", "linear", "-o", str(ours)]
    subprocess.run(wish, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    own = session(ours)
    feeds = {x.name: value, "merlon_cotangent": cotangent}
    ask = lambda: own.run(["merlon_gradient"], feeds)[0]  # noqa: E731
    try:
        made = onnx_ad.reverse(model, inputs=[x.name], outputs=[scores.name], layout="onnx")
        theirs = folder / "theirs.onnx"
        onnx.save(made, theirs)
        peer = session(theirs)
    except Exception as error:  # the peer's refusal is a result
        return f"{Path(path).name} batch {batch}: onnx-ad refuses: {str(error)[:120]}"
    [seed] = [each.name for each in peer.get_inputs() if each.name not in (x.name,)][-1:]
    [wanted] = [each.name for each in peer.get_outputs()][-1:]
    other_feeds = {each.name: value for each in peer.get_inputs() if each.name == x.name}
    other_feeds[seed] = cotangent[..., None]
    ask_peer = lambda: peer.run([wanted], other_feeds)[0]  # noqa: E731
    expected, got = ask_peer().reshape(shape), ask().reshape(shape)
    apart = float(np.abs(expected - got).max() / np.abs(expected).max())
    for run in (ask, ask_peer):
        run()
    pairs = [(timed(ask), timed(ask_peer)) for _ in range(ROUNDS)]
    mine, other = (statistics.median(times) for times in zip(*pairs))
    figures = f"onnx-ad {other:.2f} ms, merlon {mine:.2f} ms, ratio {other / mine:.2f}"
    return f"{Path(path).name} batch {batch}: apart {apart:.1e}, {figures}"


def main() -> None:
    batch, *paths = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            print(compare(path, int(batch), Path(folder)), flush=True)


main()
