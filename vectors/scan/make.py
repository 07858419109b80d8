"""Writes the vectors of this folder: the same small harmless or inert content in every container.

    python make.py

Needs py7zr, lz4, zstandard, h5py, numpy. The content is made here, opcode by opcode, and is under the
licence of the repository; `echo inert` is never run, since nothing is ever loaded.
"""
import bz2, gzip, io, json, lzma, pathlib, struct, tarfile, zipfile, zlib

import h5py, lz4.frame, numpy, py7zr, zstandard

folder = pathlib.Path(__file__).parent
rows = []
good = b"\x80\x04}\x8c\x01aK\x01s."
evil = b"\x80\x02cos\nsystem\nX\x0a\x00\x00\x00echo inert\x85R."
critical = "MRL-PKL-001 critical"


def put(name, data, expect):
    (folder / name).write_bytes(data)
    rows.append({"path": name, "expect": expect})


def seven(filters, content):
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", filters=filters) as z:
        z.writestr(content, "data.pkl"); z.writestr(b"words " * 400, "a.txt")
    return out.getvalue()


def tar(content, mode="w"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as t:
        info = tarfile.TarInfo("data.pkl"); info.size = len(content); t.addfile(info, io.BytesIO(content))
    return out.getvalue()


for name, content, expect in (("good", good, "clean"), ("evil", evil, critical)):
    put(f"{name}.pkl.xz", lzma.compress(content * (1 if name == "evil" else 1)), expect)
    put(f"{name}.pkl.lzma", lzma.compress(content, format=lzma.FORMAT_ALONE), expect)
    put(f"{name}.pkl.bz2", bz2.compress(content), expect)
    put(f"{name}.pkl.gz", gzip.compress(content, mtime=0), expect)
    put(f"{name}.pkl.lz4", lz4.frame.compress(content), expect)
    put(f"{name}.pkl.zst", zstandard.compress(content), expect)
    put(f"{name}.zlib.joblib", zlib.compress(content), expect)
    put(f"{name}.zfile.joblib", b"ZF" + hex(len(content)).encode().ljust(19) + zlib.compress(content), expect)
    put(f"{name}.tar", tar(content), expect)
    for kind, filters in {"lzma2": [{"id": py7zr.FILTER_LZMA2, "preset": 6}], "lzma": [{"id": py7zr.FILTER_LZMA}], "bcj": None, "bzip2": [{"id": py7zr.FILTER_BZIP2}], "deflate": [{"id": py7zr.FILTER_DEFLATE}], "copy": [{"id": py7zr.FILTER_COPY}], "zstd": [{"id": py7zr.FILTER_ZSTD}]}.items():
        put(f"{name}.{kind}.7z", seven(filters, content), expect)

for name, content in (("good", good), ("evil", evil)):
    extra = {
        "delta": [{"id": py7zr.FILTER_DELTA, "dist": 3}, {"id": py7zr.FILTER_LZMA2, "preset": 6}],
        "arm": [{"id": py7zr.FILTER_ARM}, {"id": py7zr.FILTER_LZMA2, "preset": 6}],
        "ppmd": [{"id": py7zr.FILTER_PPMD, "order": 6, "mem": 16}],
        "brotli": [{"id": py7zr.FILTER_BROTLI, "level": 5}],
    }
    found = critical if name == "evil" else "clean"
    expected = {"delta": found, "arm": critical if name == "evil" else "incomplete", "ppmd": "incomplete", "brotli": "incomplete"}
    for kind, filters in extra.items():
        put(f"{name}.{kind}.7z", seven(filters, content), expected[kind])

noise = numpy.random.default_rng(3).integers(0, 256, 30_000, dtype="u1").tobytes()
put("long.pkl.xz", lzma.compress(b"\x80\x04B" + struct.pack("<I", len(noise) * 2) + noise * 2 + b"."), "clean")
put("long.pkl.bz2", bz2.compress(b"\x80\x04B" + struct.pack("<I", len(noise) * 2) + noise * 2 + b"."), "clean")
config = json.dumps({"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 3}}]}})
code = json.dumps({"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {"function": ["4wEAAAA=", None, None], "function_type": "lambda"}}]}})
for version in ("earliest", "latest"):
    for name, text, expect in (("good", config, "clean"), ("lambda", code, "MRL-JSN-003 high")):
        out = io.BytesIO()
        with h5py.File(out, "w", libver=version) as f:
            f.attrs["model_config"] = text
            group = f.create_group("model_weights")
            for i in range(12):
                layer = group.create_group(f"dense_{i}"); layer.attrs["weight_names"] = [b"k"]; layer.create_dataset("k", data=numpy.arange(3.0))
        put(f"{name}.{version}.h5", out.getvalue(), expect)
    out = io.BytesIO()
    with h5py.File(out, "w", libver=version) as f:
        f["w"] = h5py.ExternalLink("/etc/passwd", "/a")
    put(f"external.{version}.h5", out.getvalue(), "MRL-HDF-001 high")
symbol = lambda n: struct.pack(">III", 1, 9 | 1 << 18, len(n)) + n.encode()
text = lambda v: struct.pack(">IIII", 16, 1, 9 | 1 << 18, len(v)) + v.encode()
call = struct.pack(">I", 6) + symbol("system") + struct.pack(">I", 2) + text("echo inert") + struct.pack(">I", 254)
head = b"X\n" + struct.pack(">III", 2, 0x40401, 0x20300)
put("promise.rds", gzip.compress(head + struct.pack(">II", 5, 251) + call, mtime=0), "MRL-RDS-001 critical")
put("numbers.rds", gzip.compress(head + struct.pack(">II", 13, 3) + struct.pack(">III", 1, 2, 3), mtime=0), "clean")
(folder / "manifest.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n")
print(len(rows), "vectors")
