"""Asks the reference implementation: sign or verify a folder, one JSON answer a line of input."""
import json
import pathlib
import sys

from model_signing import hashing, signing, verifying


def answer(task):
    model = pathlib.Path(task["model"])
    signature = pathlib.Path(task["signature"])
    if task["do"] == "sign":
        config = signing.Config().use_elliptic_key_signer(private_key=task["key"])
        config.sign(model, signature)
        return {"ok": True}
    try:
        verifying.Config().use_elliptic_key_verifier(public_key=task["key"]).verify(model, signature)
        return {"ok": True}
    except Exception as error:  # noqa: BLE001 - every refusal is an answer
        return {"ok": False, "error": f"{type(error).__name__}: {error}"}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
