"""Makes vectors/data/pictures: small pictures of every kind that is read, and what Pillow reads of them.

    pip install pillow==13.0.0 numpy
    python vectors/data/make_pictures.py
"""
import json
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent / "pictures"


def main():
    random = np.random.default_rng(3)
    grey = random.integers(0, 256, (6, 9), dtype=np.uint8)
    smooth = np.linspace(0, 255, 16 * 24).reshape(16, 24).astype(np.uint8)
    colour = random.integers(0, 256, (6, 9, 3), dtype=np.uint8)
    waves = np.stack([smooth, smooth[::-1], 255 - smooth], axis=2)
    opacity = np.full((6, 9, 1), 200, dtype=np.uint8)
    pictures = {
        "grey.png": Image.fromarray(grey),
        "bits.png": Image.fromarray(grey).convert("1"),
        "deep.png": Image.fromarray((grey.astype(np.uint16) * 257).astype(np.uint16)),
        "veiled.png": Image.fromarray(np.concatenate([grey[..., None], opacity], axis=2), "LA"),
        "colour.png": Image.fromarray(colour),
        "clear.png": Image.fromarray(np.concatenate([colour, opacity], axis=2)),
        "palette.png": Image.fromarray(colour).quantize(7),
        "grey.jpg": Image.fromarray(smooth),
        "colour.jpg": Image.fromarray(waves),
    }
    told = {}
    HERE.mkdir(exist_ok=True)
    for name, picture in pictures.items():
        how = {"quality": 95, "subsampling": 0} if name.endswith("jpg") else {}
        picture.save(HERE / name, **how)
        read = Image.open(HERE / name)
        if read.mode in ("P", "RGBA"):
            read = read.convert("RGB")
        if read.mode in ("LA", "1"):
            read = read.convert("L")
        values = np.asarray(read).astype(np.float64)
        values = values / (65535 if values.max() > 255 else 255)
        if values.ndim == 2:
            values = values[..., None]
        told[name] = {"shape": list(values.transpose(2, 0, 1).shape),
                      "values": [round(v, 4) for v in values.transpose(2, 0, 1).ravel().tolist()]}
    (HERE / "expected.json").write_text(json.dumps(told) + "\n")


main()
