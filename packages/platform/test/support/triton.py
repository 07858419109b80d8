"""Asks a served digits model through tritonclient in every way that it knows: python triton.py HOST KEY MODEL"""
import sys

import numpy as np
import tritonclient.http as http

host, key, model = sys.argv[1:]
client = http.InferenceServerClient(host)


def headers():
    # The client writes into what it is given.
    return {"Authorization": "Bearer " + key}


assert client.is_server_live() and client.is_server_ready()
assert client.is_model_ready(model, headers=headers())
[told] = client.get_model_metadata(model, headers=headers())["inputs"]
assert client.get_model_repository_index(headers=headers())[0]["name"] == model
x = np.random.default_rng(1).random((2, 1, 28, 28), dtype=np.float32)
answers = []
for binary_in in (True, False):
    given = http.InferInput(told["name"], x.shape, "FP32")
    given.set_data_from_numpy(x, binary_data=binary_in)
    for outputs in (
        None,
        [http.InferRequestedOutput("logits", binary_data=True)],
        [http.InferRequestedOutput("logits", binary_data=False)],
    ):
        found = client.infer(model, [given], outputs=outputs, headers=headers())
        answers.append(found.as_numpy("logits"))
    for how in ("gzip", "deflate"):
        found = client.infer(
            model, [given], headers=headers(), request_compression_algorithm=how
        )
        answers.append(found.as_numpy("logits"))
assert all(np.allclose(answer, answers[0], atol=1e-6) for answer in answers)
half = http.InferInput(told["name"], x.shape, "FP16")
half.set_data_from_numpy(x.astype(np.float16))
near = client.infer(model, [half], headers=headers()).as_numpy("logits")
assert np.abs(near - answers[0]).max() < 0.05
print(f"tritonclient agrees with itself in {len(answers)} ways")
