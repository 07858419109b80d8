"""Writes a second set of files that the scanner has not been made with, and its manifest:

    python bench/scan/blind2/blind2.py FOLDER [--seed N]

FOLDER gets malicious, suspicious, harmless and manifest.json. Every payload is inert, and
nothing that is written here is loaded or run. It needs numpy, scipy, scikit-learn, joblib,
h5py, onnx, msgpack, xgboost, lightgbm, pandas, dill and cloudpickle.
"""

import argparse

import blind2_archives
import blind2_configs
import blind2_doubts
import blind2_graphs
import blind2_gadgets
import blind2_holders
import blind2_hub
import blind2_nets
import blind2_plain
import blind2_tricks
from blind2_kit import Corpus, pkl


def pickles(corpus):
    holders = blind2_holders.HOLDERS
    for index, (technique, body) in enumerate(blind2_gadgets.gadgets()):
        form, name, make = holders[index % len(holders)]
        corpus.bad(form, technique, (name, make(body)))
    for index, (technique, body) in enumerate(blind2_tricks.tricks()):
        form, name, make = holders[0] if index % 3 else holders[1]
        corpus.bad(form, technique, (name, make(body)))
    for technique, data in blind2_tricks.streams():
        corpus.bad("pickle", technique, ("model.pkl", data))
    for name, item, args in blind2_gadgets.WEAK:
        _, make = blind2_gadgets.SHAPES[len(corpus.cases) % 4]
        data = pkl(make(name, item, args), 4)
        corpus.odd("pickle", f"{name}.{item}, which does no harm by itself", ("m.pkl", data))


PARTS = (
    pickles,
    blind2_holders.fill,
    blind2_archives.fill,
    blind2_graphs.fill,
    blind2_configs.fill,
    blind2_doubts.fill,
    blind2_plain.fill,
    blind2_nets.fill,
    blind2_hub.fill,
)


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("folder")
    options.add_argument("--seed", type=int, default=20)
    given = options.parse_args()
    corpus = Corpus(given.folder, given.seed)
    for part in PARTS:
        part(corpus)
    corpus.save()
    for kind in ("malicious", "suspicious", "benign"):
        print(kind, sum(case["class"] == kind for case in corpus.cases))


if __name__ == "__main__":
    main()
