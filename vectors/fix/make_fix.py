"""Makes vectors/fix: small files of weights as PyTorch and NumPy write them, and what loading gives.

    pip install torch==2.15.0 numpy
    python vectors/fix/make_fix.py

`expected.json` has for each file its tensors by name: type and shape as safetensors tells them,
and the SHA-256 of the bytes. `calls-print.pt` holds an object whose loading would print a word.
"""
import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import torch
from torch import nn

HERE = Path(__file__).resolve().parent
TYPES = {
    torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int8: "I8", torch.int16: "I16", torch.int32: "I32", torch.int64: "I64",
    torch.uint8: "U8", torch.uint16: "U16", torch.bool: "BOOL", torch.complex64: "C64",
    torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2",
}


class Prints:
    def __reduce__(self):
        return (print, ("inert",))


def flat(value, name=""):
    if isinstance(value, nn.Module):
        value = value.state_dict()
    if isinstance(value, torch.Tensor):
        yield name, value.detach()
    elif isinstance(value, np.ndarray):
        native = np.ascontiguousarray(value.astype(value.dtype.newbyteorder("=")))
        yield name, torch.from_numpy(native)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from flat(one, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for key, one in enumerate(value):
            yield from flat(one, f"{name}.{key}" if name else str(key))


def told(value):
    tensors = {}
    for name, tensor in flat(value):
        tensor = tensor.contiguous()
        raw = tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
        tensors[name] = {
            "type": TYPES[tensor.dtype], "shape": list(tensor.shape),
            "sha256": hashlib.sha256(raw).hexdigest(),
        }
    return tensors


def main():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(2, 3))
    base = torch.randn(6, 10)
    common = {
        "turned": base.t(), "row": base[2], "steps": base[::2, 1::3], "whole": base,
        "half": base.half(), "brain": base.bfloat16(), "bytes": torch.arange(5, dtype=torch.int8),
        "flags": torch.tensor([True, False]), "scalar": torch.tensor(3.5), "empty": torch.empty(0, 3),
        "complex": torch.complex(base, base), "parameter": nn.Parameter(base),
        "repeated": base[:1].expand(4, 10), "wide": base.double(), "whole numbers": torch.arange(3),
    }
    new = {"eighth": base.to(torch.float8_e4m3fn), "unsigned": torch.tensor([1, 65535], dtype=torch.uint16)}
    checkpoint = {"model": net.state_dict(), "epoch": 3, "options": {"lr": 0.1}, "list": [base, base + 1]}
    arrays = {
        "plain": np.arange(12, dtype="f4").reshape(3, 4), "columns": np.asfortranarray(base.numpy()),
        "swapped": np.arange(5, dtype=">i4"), "large": np.arange(3000, dtype="f4"),
        "flags": np.array([True, False]),
    }
    files = {}

    def save(name, value, **how):
        torch.save(value, HERE / name, **how)
        files[name] = told(value)

    old = {"_use_new_zipfile_serialization": False}
    save("state.pt", net.state_dict())
    save("state-legacy.pt", net.state_dict(), **old)
    save("module.pt", net)
    save("views.pt", {**common, **new})
    save("views-legacy.pt", common, **old)
    save("checkpoint.pt", checkpoint)
    torch.save({"w": base, "x": Prints()}, HERE / "calls-print.pt")
    files["calls-print.pt"] = told({"w": base})
    for protocol in range(2, 6):
        name = f"arrays-{protocol}.pkl"
        (HERE / name).write_bytes(pickle.dumps(arrays, protocol=protocol))
        files[name] = told(arrays)
    made = f"torch {torch.__version__}, numpy {np.__version__}"
    text = json.dumps({"made": made, "files": files}, indent=1)
    (HERE / "expected.json").write_text(text + "\n")


main()
