"""What the second blind set is made with: cases on disk and writers of the formats.

Nothing here reads a file back. Pickles are put together from opcodes.
"""

import io
import json
import os
import random
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

FOLDERS = {"malicious": "malicious", "suspicious": "suspicious", "benign": "harmless"}
ECHO = "echo inert"
AWAY = "/nonexistent/inert"
URL = "http://example.invalid/inert"


class Corpus:
    """Writes cases, each in a folder with a number for a name, and their manifest."""

    def __init__(self, root, seed):
        self.root = Path(root)
        self.random = random.Random(seed)
        self.cases = []

    def add(self, kind, form, technique, files):
        """Adds a case of one file, a pair of name and bytes, or of several, a dict."""
        number = sum(case["class"] == kind for case in self.cases) + 1
        folder = f"{FOLDERS[kind]}/{number:03d}"
        several = isinstance(files, dict)
        for name, data in files.items() if several else [files]:
            path = self.root / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(data, Link):
                path.symlink_to(data)
            else:
                path.write_bytes(data.encode() if isinstance(data, str) else bytes(data))
        self.cases.append(
            {
                "path": folder if several else f"{folder}/{files[0]}",
                "class": kind,
                "format": form,
                "technique": technique,
                "why": f"{form}: {technique}",
            }
        )

    def bad(self, form, technique, files):
        self.add("malicious", form, technique, files)

    def odd(self, form, technique, files):
        self.add("suspicious", form, technique, files)

    def good(self, form, technique, files):
        self.add("benign", form, technique, files)

    def save(self):
        text = json.dumps(self.cases, indent=1)
        (self.root / "manifest.json").write_text(text)


class Link(str):
    """The target of a symbolic link."""


# Pickle opcodes, as expressions that each leave one value on the stack.


def glob(module, name):
    return f"c{module}\n{name}\n".encode()


def sglob(module, name):
    return text(module) + text(name) + b"\x93"


def text(value):
    data = value.encode()
    if len(data) < 256:
        return b"\x8c" + bytes([len(data)]) + data
    return b"X" + struct.pack("<I", len(data)) + data


def raw(data):
    if len(data) < 256:
        return b"C" + bytes([len(data)]) + data
    return b"B" + struct.pack("<I", len(data)) + data


def value(item):
    """The opcodes of a plain value; bytes are taken to be opcodes already."""
    if isinstance(item, bytes):
        return item
    if isinstance(item, bytearray):
        return raw(bytes(item))
    if isinstance(item, str):
        return text(item)
    if item is None:
        return b"N"
    if isinstance(item, bool):
        return b"\x88" if item else b"\x89"
    if isinstance(item, int):
        return b"J" + struct.pack("<i", item)
    if isinstance(item, float):
        return b"G" + struct.pack(">d", item)
    if isinstance(item, tuple):
        return b"(" + b"".join(map(value, item)) + b"t"
    if isinstance(item, list):
        return b"](" + b"".join(map(value, item)) + b"e"
    if isinstance(item, dict):
        pairs = b"".join(value(k) + value(v) for k, v in item.items())
        return b"}(" + pairs + b"u"
    raise TypeError(type(item))


def call(what, *args):
    return what + value(args) + b"R"


def obj(what, *args):
    return b"(" + what + b"".join(map(value, args)) + b"o"


def inst(module, name, *args):
    return b"(" + b"".join(map(value, args)) + f"i{module}\n{name}\n".encode()


def new(cls, *args):
    return cls + value(args) + b"\x81"


def new_ex(cls, args, kwargs):
    return cls + value(tuple(args)) + value(kwargs) + b"\x92"


def build(what, state):
    return what + value(state) + b"b"


def method(what, name, *args):
    return call(call(glob("builtins", "getattr"), what, name), *args)


def module(name):
    return call(glob("importlib", "import_module"), name)


def pkl(body, proto=4):
    return b"\x80" + bytes([proto]) + body + b"."


def system(command=ECHO):
    return call(glob("os", "system"), command)


# Archives.


def zipped(entries, method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries.items() if isinstance(entries, dict) else entries:
            info = zipfile.ZipInfo(name, (2024, 5, 1, 9, 30, 0))
            info.compress_type = method
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
    return out.getvalue()


def tarred(entries, mode="w"):
    if mode == "w:gz":
        return gzipped(tarred(entries))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in entries.items():
            info = tarfile.TarInfo(name)
            if isinstance(data, tarfile.TarInfo):
                data.name = name
                archive.addfile(data)
                continue
            data = data.encode() if isinstance(data, str) else data
            info.size = len(data)
            info.mtime = 1714550000
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def tar_entry(kind, target=""):
    info = tarfile.TarInfo()
    info.type = kind
    info.linkname = target
    return info


def gzipped(data, name=b""):
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = deflate.compress(data) + deflate.flush()
    head = b"\x1f\x8b\x08" + (b"\x08" if name else b"\0") + b"\0\0\0\0\0\x03"
    tail = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    return head + (name + b"\0" if name else b"") + body + tail


# Torch.


def persistent(key, numel, kind="FloatStorage"):
    head = ("storage", glob("torch", kind), str(key), "cpu", numel)
    return value(head) + b"Q"


def tensor(key, shape, kind="FloatStorage"):
    numel = 1
    stride = []
    for size in reversed(shape):
        stride.insert(0, numel)
        numel *= size
    hooks = call(glob("collections", "OrderedDict"))
    rebuild = glob("torch._utils", "_rebuild_tensor_v2")
    return call(rebuild, persistent(key, numel, kind), 0, tuple(shape), tuple(stride), False, hooks)


def ordered(items):
    pairs = b"".join(value(k) + value(v) for k, v in items.items())
    return call(glob("collections", "OrderedDict")) + b"(" + pairs + b"u"


def torch_zip(body, storages=(), top="archive", proto=2, extra=(), **options):
    """A checkpoint of torch >= 1.6, with the given opcodes as its data.pkl."""
    entries = [(f"{top}/data.pkl", pkl(body, proto)), (f"{top}/byteorder", b"little")]
    entries += [(f"{top}/data/{key}", data) for key, data in storages]
    entries += [(f"{top}/version", b"3\n"), *extra]
    return zipped(entries, **options)


def torch_legacy(body, storages=(), magic=None, system_info=None, keys=None):
    """A checkpoint of torch < 1.6: five pickles and the storages."""
    magic = magic or b"\x8a\x0a" + bytes.fromhex("6cfc9c46f9206aa85019")
    info = {"protocol_version": 1001, "little_endian": True}
    info["type_sizes"] = {"short": 2, "int": 4, "long": 4}
    out = pkl(magic, 2) + pkl(b"M\xe9\x03", 2) + pkl(system_info or value(info), 2)
    out += pkl(body, 2) + pkl(keys or value([str(key) for key, _ in storages]), 2)
    for _, data in storages:
        out += struct.pack("<q", len(data) // 4) + data
    return out


# Protocol buffers, safetensors, GGUF, npy.


def varint(number):
    number &= (1 << 64) - 1
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def pb(field, item):
    """A field of a message: an int, or bytes, text or a message's bytes."""
    if isinstance(item, int):
        return varint(field << 3) + varint(item)
    data = item.encode() if isinstance(item, str) else item
    return varint(field << 3 | 2) + varint(len(data)) + data


def safetensors(tensors, metadata=None, pad=True):
    """A file of tensors, each a name, a dtype, a shape and bytes."""
    header = {"__metadata__": metadata} if metadata else {}
    body = b""
    for name, dtype, shape, data in tensors:
        span = [len(body), len(body) + len(data)]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": span}
        body += data
    head = json.dumps(header, separators=(",", ":")).encode()
    if pad:
        head += b" " * (-len(head) % 8)
    return struct.pack("<Q", len(head)) + head + body


def gguf_text(item):
    data = item.encode()
    return struct.pack("<Q", len(data)) + data


def gguf_value(item):
    if isinstance(item, bool):
        return struct.pack("<I?", 7, item)
    if isinstance(item, int):
        return struct.pack("<II", 4, item)
    if isinstance(item, float):
        return struct.pack("<If", 6, item)
    if isinstance(item, str):
        return struct.pack("<I", 8) + gguf_text(item)
    first = gguf_value(item[0])[:4]
    body = b"".join(gguf_value(each)[4:] for each in item)
    return struct.pack("<I", 9) + first + struct.pack("<Q", len(item)) + body


def gguf(fields, tensors=(), version=3, align=32):
    """A model of llama.cpp; tensors are names, shapes, types and bytes."""
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(fields))
    for key, item in fields.items():
        out += gguf_text(key) + gguf_value(item)
    data = b""
    for name, shape, kind, body in tensors:
        out += gguf_text(name) + struct.pack("<I", len(shape))
        out += struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", kind, len(data))
        data += body + b"\0" * (-len(body) % align)
    return out + b"\0" * (-len(out) % align) + data


def npy(descr, shape, data, version=1):
    head = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}, }}"
    start = 10 if version == 1 else 12
    head += " " * (-(start + len(head) + 1) % 64) + "\n"
    size = struct.pack("<H" if version == 1 else "<I", len(head))
    return b"\x93NUMPY" + bytes([version, 0]) + size + head.encode() + data


def floats(rng, count):
    return struct.pack(f"<{count}f", *(rng.gauss(0, 0.05) for _ in range(count)))


def as_json(item, **options):
    return json.dumps(item, indent=2, **options)


def in_folder(folder, names):
    """Content of files that a library has put in a scratch folder."""
    return {name: Path(os.path.join(folder, name)).read_bytes() for name in names}
