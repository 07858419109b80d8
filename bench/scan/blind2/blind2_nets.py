"""Harmless networks: files of torch, safetensors, ONNX and HDF5."""

import base64
import io
import json

import numpy as np

from blind2_kit import as_json, safetensors, tarred
from blind2_plain import saved


def fill(corpus):
    rng = np.random.default_rng(corpus.random.randrange(1 << 30))
    for make in (torch_files, safe, graphs):
        for form, technique, files in make(rng):
            corpus.good(form, technique, files)


def torch_files(rng):
    try:
        import torch
    except ImportError:
        return
    torch.manual_seed(int(rng.integers(1 << 30)))
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    best = torch.optim.AdamW(net.parameters(), 1e-3)
    net(torch.ones(1, 4)).sum().backward()
    best.step()
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(best, 10)
    whole = {"model": net.state_dict(), "optimizer": best.state_dict(), "epoch": 3}
    whole |= {"scheduler": rate.state_dict(), "rng": torch.get_rng_state()}
    lstm = torch.nn.LSTM(4, 3, batch_first=True)
    half = {name: item.half() for name, item in net.state_dict().items()}
    brain = {"w": torch.ones(3, dtype=torch.bfloat16), "i": torch.arange(4), "m": torch.ones(2) > 0}
    rare = {"s": torch.eye(3).to_sparse(), "p": torch.nn.Parameter(torch.ones(2))}
    rare["q"] = torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)
    items = {
        "state dict": (net.state_dict(), "pytorch_model.bin"),
        "training checkpoint": (whole, "checkpoint.pt"),
        "optimizer": (best.state_dict(), "optimizer.pt"),
        "half precision": (half, "model_fp16.pth"),
        "brain floats and booleans": (brain, "m.pt"),
        "whole model": (net, "model.pt"),
        "recurrent model": (lstm, "lstm.pth"),
        "transformer layer": (torch.nn.TransformerEncoderLayer(4, 2, 8), "layer.pt"),
        "convolutions": (
            torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2)),
            "c.pt",
        ),
        "sparse, quantized, parameter": (rare, "rare.pt"),
        "one tensor": (torch.arange(5.0), "embedding.pt"),
        "sizes, types, devices": (
            {"d": torch.device("cpu"), "t": torch.float16, "s": torch.Size([2])},
            "x.pt",
        ),
    }
    for name, (item, file) in items.items():
        yield "torch", name, (file, saved(lambda out, i=item: torch.save(i, out)))
    for name in ("state dict", "training checkpoint", "whole model"):
        item = items[name][0]
        old = saved(lambda out, i=item: torch.save(i, out, _use_new_zipfile_serialization=False))
        yield "torch legacy", name, ("weights.pth", old)
    yield "torch", "checkpoint in a tar", ("m.tar.gz", tarred({"m.pt": old}, "w:gz"))
    script = torch.jit.script(net)
    yield "torchscript", "scripted", ("m.pt", saved(lambda out: torch.jit.save(script, out)))
    traced = torch.jit.trace(net, torch.ones(1, 4))
    yield "torchscript", "traced", ("traced.pt", saved(lambda out: torch.jit.save(traced, out)))


def safe(rng):
    from safetensors.numpy import save

    weights = {"a.weight": rng.normal(size=(4, 4)).astype("f4"), "a.bias": np.zeros(4, "f2")}
    yield "safetensors", "weights", ("model.safetensors", save(weights))
    yield "safetensors", "with metadata", ("m.safetensors", save(weights, {"format": "pt"}))
    lora = {"ss_network_module": "networks.lora", "ss_tag_frequency": json.dumps({"a": {"cat": 3}})}
    yield "safetensors", "adapter with tags", ("lora.safetensors", save(weights, lora))
    yield "safetensors", "no tensors", ("empty.safetensors", safetensors([], {"format": "pt"}))
    random = safetensors([("w", "BF16", [512], rng.bytes(1024))], {"format": "pt"})
    yield "safetensors", "brain floats", ("model.safetensors", random)
    trap = b"cos\nsystem\n(S'ls'\ntR.#!/bin/sh PK\x03\x04 MZ \x7fELF eval(".ljust(128, b"\0")
    data = safetensors([("w", "U8", [128], trap), ("v", "F32", [2], bytes(8))])
    yield "safetensors", "weights that look like attacks", ("model.safetensors", data)


def graphs(rng):
    import h5py
    import onnx
    from onnx import helper, numpy_helper

    info = [helper.make_tensor_value_info(name, 1, [None, 4]) for name in "xy"]
    weight = numpy_helper.from_array(rng.normal(size=(4, 4)).astype("f4"), "w")

    def made(nodes, initial=(weight,), opsets=(("", 18),), **more):
        graph = helper.make_graph(nodes, "main_graph", info[:1], info[1:], list(initial))
        ids = [helper.make_opsetid(*each) for each in opsets]
        model = helper.make_model(graph, opset_imports=ids, producer_name="pytorch")
        helper.set_model_props(model, more)
        return model

    dense = helper.make_node("MatMul", ["x", "w"], ["y"])
    yield "onnx", "dense layer", ("model.onnx", made([dense]).SerializeToString())
    props = made([dense], author="team", description="Uses eval() and os.system in no way.")
    yield "onnx", "with metadata", ("model.onnx", props.SerializeToString())
    gelu = helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft")
    fused = made([gelu], opsets=(("", 18), ("com.microsoft", 1)))
    yield "onnx", "fused operators", ("model_opt.onnx", fused.SerializeToString())
    scale = helper.make_node("Scaler", ["x"], ["y"], domain="ai.onnx.ml", offset=[0.1], scale=[2.0])
    yield "onnx", "classical operators", ("scaler.onnx", made([scale]).SerializeToString())
    split = made([dense])
    outside = split.graph.initializer[0]
    body = outside.raw_data
    outside.ClearField("raw_data")
    outside.data_location = onnx.TensorProto.EXTERNAL
    for key, item in (("location", "model.onnx_data"), ("offset", "0"), ("length", "64")):
        outside.external_data.add(key=key, value=item)
    yield (
        "onnx",
        "weights beside",
        {"model.onnx": split.SerializeToString(), "model.onnx_data": body},
    )
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        file.create_dataset(
            "train/x", data=rng.normal(size=(20, 3)), compression="gzip", chunks=True
        )
        file.attrs["note"] = "os.system is a word here"
        file["alias"] = h5py.SoftLink("/train/x")
    yield "hdf5", "data set", ("train.h5", out.getvalue())
    code = base64.b64encode(rng.bytes(90)).decode()
    yield "json", "vectors in base64", ("vectors.json", as_json({"dim": 22, "data": code}))
