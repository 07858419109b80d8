"""Checkpoints of torch with a payload in odd places, and archives that write outside."""

import io
import tarfile
import zipfile

from blind2_holders import state
from blind2_kit import AWAY, ECHO, Link, call, floats, glob, ordered, pkl, system, tar_entry
from blind2_kit import tarred, torch_legacy, torch_zip, value, zipped

SCRIPT = "#!/bin/sh\necho inert\n"


def fill(corpus):
    for form, technique, files in (*torches(corpus.random), *traversals()):
        corpus.bad(form, technique, files)


def flags(data, bit):
    """Sets a bit of the flags of every member, in the local and the central headers."""
    out = bytearray(data)
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = out.find(magic)
        while at >= 0:
            out[at + offset] |= bit
            at = out.find(magic, at + 4)
    return bytes(out)


def torches(rng):
    body = state(system())
    good = state(value(1.5))
    data = [("0", floats(rng, 32))]
    plain = torch_zip(body, data)
    yield "torch zip", "deflated", ("m.pt", torch_zip(body, data, method=zipfile.ZIP_DEFLATED))
    yield "torch zip", "flagged as encrypted", ("m.pt", flags(plain, 1))
    crc = bytearray(plain)
    at = crc.find(b"PK\x01\x02")
    crc[at + 16 : at + 20] = b"\1\2\3\4"
    yield "torch zip", "wrong CRC", ("pytorch_model.bin", bytes(crc))
    renamed = plain.replace(b"archive/data.pkl", b"archive/data.txt", 1)
    yield "torch zip", "local name differs", ("m.pt", renamed)
    twice = [("archive/data.pkl", pkl(good, 2)), ("archive/data.pkl", pkl(body, 2))]
    yield "torch zip", "data.pkl twice", ("m.pt", zipped([*twice, ("archive/version", b"3")]))
    yield "torch zip", "bytes before the zip", ("m.pt", b"GIF89a" + bytes(90) + plain)
    yield "torch zip", "bytes after the zip", ("m.pt", plain + b"\0" * 400)
    yield "torch zip", "no extension", ("weights", plain)
    yield "torch zip", "named safetensors", ("model.safetensors", plain)
    yield (
        "torch zip",
        "named ckpt in a folder",
        {"v1/epoch=3.ckpt": plain, "hparams.yaml": "a: 1\n"},
    )
    pickles = pkl(system(), 2)
    extra = [
        ("archive/constants.pkl", pickles),
        ("archive/code/__torch__.py", b"class M(Module):\n  pass\n"),
    ]
    yield "torchscript", "payload in constants.pkl", ("m.pt", torch_zip(good, data, extra=extra))
    code = b"class M(Module):\n  def forward(self, x: Tensor) -> Tensor:\n"
    code += b'    y = torch.from_file("/nonexistent/inert", True, 4)\n    return y\n'
    extra = [("archive/constants.pkl", pkl(value(()), 2)), ("archive/code/__torch__.py", code)]
    yield "torchscript", "from_file in its code", ("m.pt", torch_zip(good, data, extra=extra))
    save = code.replace(
        b'y = torch.from_file("/nonexistent/inert", True, 4)',
        b'torch.save(x, "/nonexistent/inert")',
    )
    extra = [("archive/constants.pkl", pkl(value(()), 2)), ("archive/code/__torch__.py", save)]
    yield "torchscript", "save in its code", ("m.pt", torch_zip(good, data, extra=extra))
    yield (
        "torch zip",
        "extra pickles",
        ("m.pt", torch_zip(good, data, extra=[("archive/.data/hook.pkl", pickles)])),
    )
    yield (
        "torch legacy",
        "computed magic",
        (
            "m.pt",
            torch_legacy(
                good,
                data,
                magic=call(
                    glob("builtins", "eval"),
                    "__import__('os').system('echo inert') or 0x1950a86a20f9469cfc6c",
                ),
            ),
        ),
    )
    yield (
        "torch legacy",
        "payload in system info",
        ("m.pt", torch_legacy(good, data, system_info=value({"little_endian": system()}))),
    )
    yield (
        "torch legacy",
        "payload in storage keys",
        ("m.bin", torch_legacy(good, data, keys=value([call(glob("os", "popen"), ECHO)]))),
    )
    count = pkl(value(1), 2)
    old = {"sys_info": pkl(value({"byteorder": "little"}), 2), "pickle": pkl(body, 2)}
    old |= {"storages": count + bytes(8), "tensors": pkl(value(0), 2)}
    yield "torch tar", "pickle member", ("model.pth.tar", tarred(old))
    old |= {"pickle": pkl(good, 2), "storages": pkl(system(), 2)}
    yield "torch tar", "storages member", ("old.pth.tar", tarred(old))
    device = call(glob("torch", "load"), AWAY)
    yield "torch zip", "loads a second file", ("m.pth", torch_zip(ordered({"a": device})))
    yield (
        "torch package",
        "pickle in a package",
        ("m.pt", zipped({"pkg/.data/version": b"6", "pkg/model/model.pkl": pickles})),
    )
    kept = "import os\n\n\nos.system('echo inert')\n"
    package = {
        "pkg/.data/version": b"6",
        "pkg/evil/__init__.py": kept,
        "pkg/model/model.pkl": pkl(glob("evil", "Net"), 2),
    }
    yield "torch package", "module of a package", ("m.pt", zipped(package))
    yield (
        "executorch",
        "payload beside the program",
        ("bundle.zip", zipped({"model.pte": bytes(4) + b"ET12" + bytes(60), "data.pkl": pickles})),
    )
    yield ("torch zip", "long top folder", ("m.pt", torch_zip(body, data, top="a" * 200)))


def traversals():
    yield (
        "tar",
        "member above the folder",
        ("model.tar", tarred({"../../nonexistent/run.sh": SCRIPT})),
    )
    yield (
        "tar",
        "absolute member",
        ("model.tar.gz", tarred({"/nonexistent/run.sh": SCRIPT}, "w:gz")),
    )
    link = tar_entry(tarfile.SYMTYPE, "/nonexistent")
    yield "tar", "write through a link", ("m.tar", tarred({"cache": link, "cache/run.sh": SCRIPT}))
    hard = tar_entry(tarfile.LNKTYPE, "../../nonexistent/passwd")
    yield "tar", "hard link outside", ("m.tar", tarred({"weights.bin": hard}))
    device = tar_entry(tarfile.BLKTYPE)
    yield "tar", "block device", ("m.tar", tarred({"disk": device}))
    yield (
        "nemo",
        "member above the folder",
        ("m.nemo", tarred({"model_config.yaml": "name: a\n", "../../nonexistent/x.py": SCRIPT})),
    )
    yield "zip", "member above the folder", ("m.zip", zipped({"../../nonexistent/run.sh": SCRIPT}))
    yield "zip", "backslashes", ("m.zip", zipped({"..\\..\\nonexistent\\run.bat": SCRIPT}))
    yield "zip", "drive letter", ("m.zip", zipped({"C:/nonexistent/run.bat": SCRIPT}))
    yield "mar", "handler above the folder", ("m.mar", zipped({"MAR-INF/../../../h.py": SCRIPT}))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("cache")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, "/nonexistent")
        archive.writestr(zipfile.ZipInfo("cache/run.sh"), SCRIPT)
    yield "zip", "link member and a write through it", ("m.zip", out.getvalue())
    yield (
        "keras",
        "asset above the folder",
        (
            "m.keras",
            zipped({"config.json": "{}", "metadata.json": "{}", "assets/../../../x.sh": SCRIPT}),
        ),
    )
    yield (
        "hf",
        "weights are a link outside",
        {
            "model.safetensors": Link("../../../../../../nonexistent/secret"),
            "config.json": '{"model_type": "bert"}',
        },
    )
