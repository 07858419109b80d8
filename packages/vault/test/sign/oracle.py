"""Asks the reference implementation: sign or verify a folder, one JSON answer a line of input."""
import json
import pathlib
import sys

from model_signing import hashing, signing, verifying


def hashing_of(task):
    config = hashing.Config()
    kind = task.get("hashing")
    if kind is None:
        return None
    algorithm, shard = kind["algorithm"], kind.get("shard")
    if shard is None:
        return config.use_file_serialization(hashing_algorithm=algorithm)
    return config.use_shard_serialization(hashing_algorithm=algorithm, shard_size=shard)


def sign(task, model, signature):
    config = signing.Config()
    if "certificate" in task:
        config.use_certificate_signer(
            private_key=task["key"],
            signing_certificate=task["certificate"],
            certificate_chain=task["chain"],
        )
    else:
        config.use_elliptic_key_signer(private_key=task["key"])
    chosen = hashing_of(task)
    if chosen is not None:
        config.set_hashing_config(chosen.set_ignored_paths(paths=[], ignore_git_paths=True))
    config.sign(model, signature)


def verify(task, model, signature):
    config = verifying.Config()
    if "roots" in task:
        config.use_certificate_verifier(certificate_chain=task["roots"])
    else:
        config.use_elliptic_key_verifier(public_key=task["key"])
    chosen = hashing_of(task)
    if chosen is not None:
        config.set_hashing_config(chosen.set_ignored_paths(paths=[], ignore_git_paths=True))
    config.verify(model, signature)


def answer(task):
    model = pathlib.Path(task["model"])
    signature = pathlib.Path(task["signature"])
    try:
        (sign if task["do"] == "sign" else verify)(task, model, signature)
        return {"ok": True}
    except Exception as error:  # noqa: BLE001 - every refusal is an answer
        return {"ok": False, "error": f"{type(error).__name__}: {error}"}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
