"""Files that are not proven bad and that somebody ought to look at."""

import base64
import gzip
import io
import json
import struct
import zipfile

from blind2_configs import notebook, remote
from blind2_graphs import constant, dense, keras_zip, layer, node, saved_model, sequential
from blind2_kit import AWAY, as_json, build, call, floats, gguf, glob, inst, new, npy, obj
from blind2_kit import ordered, persistent, pkl, raw, safetensors, sglob, tarred, tensor, text
from blind2_kit import torch_zip, value, zipped

NET = "\n\nclass Net:\n    def __init__(self, config):\n        self.config = config\n"
ONE = ("w", "F32", [2], bytes(8))


def fill(corpus):
    for make in (pickles, tensors, archives, graphs, texts, secrets):
        for form, technique, files in make(corpus.random):
            corpus.odd(form, technique, files)


def pickles(rng):
    bodies = {
        "unknown function called": call(glob("acme_models.loader", "restore"), "v1"),
        "unknown class made": new(sglob("companylib.nets", "Ranker")),
        "unknown class with a state": build(new(glob("inhouse", "Model")), {"w": 1.0}),
        "unknown class by OBJ": obj(glob("mypkg.core", "Thing"), 1, 2),
        "unknown class by INST": inst("legacy_pkg", "Net", 3),
        "unknown in a list": value([1, call(sglob("vendor.x", "y"))]),
        "function of a test module": call(glob("tests.helpers", "make_model")),
        "nearly numpy": call(glob("numpy_", "array"), [1]),
        "nearly torch": call(glob("torch_utils.serialize", "rebuild"), 1),
        "nearly sklearn": build(new(glob("sk1earn.svm", "SVC")), {"C": 1.0}),
        "private module with a dot": call(sglob("helpers", "Store.load_all")),
        "module imported by name": call(glob("importlib", "import_module"), "acme_hooks"),
        "class of __main__ with a call": call(glob("__main__", "build_model"), {"depth": 3}),
        "getattr of an unknown": call(glob("builtins", "getattr"), glob("acme", "Net"), "go"),
        "unknown extension code": call(b"\x82\x07", 1),
        "persistent id in a plain pickle": value(["acme://model/7"]) + b"0" + text("k") + b"Q",
    }
    for technique, body in bodies.items():
        yield "pickle", technique, ("model.pkl", pkl(body, 4))
    net = build(new(glob("acme.vision", "Detector")), {"layers": tensor(0, (2, 2))})
    yield (
        "torch zip",
        "whole model of an unknown class",
        ("m.pt", torch_zip(net, [("0", bytes(16))])),
    )
    wrapped = ordered({"w": tensor(0, (2,)), "args": call(glob("projx.cfg", "Args"))})
    yield (
        "torch zip",
        "unknown class beside tensors",
        ("m.pth", torch_zip(wrapped, [("0", bytes(8))])),
    )
    missing = ordered({"w": persistent(0, 4, "AcmeStorage")})
    yield "torch zip", "unknown storage class", ("m.pt", torch_zip(missing, [("0", bytes(16))]))
    joined = pkl(build(new(glob("corp.scoring", "Score")), {"t": 0.5}), 3)
    yield "joblib", "unknown class, gzip", ("score.joblib", gzip.compress(joined, mtime=0))
    objects = npy("|O", (1,), pkl(value([new(glob("corp.data", "Row"))]), 4))
    yield "numpy", "array of unknown objects", ("rows.npy", objects)
    cut = pkl(value({"a": bytearray(bytes(200))}), 4)[:60]
    yield "pickle", "cut off, harmless so far", ("model.pkl", cut)
    big = b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"abc"
    yield "pickle", "huge declared size", ("model.pkl", big)
    bomb = b"\x80\x04](K\x01e\x94" + b"".join(
        b"](" + b"h" + bytes([at]) + b"h" + bytes([at]) + b"e\x94" for at in range(40)
    )
    yield "pickle", "list that doubles forty times", ("cfg.pkl", bomb + b".")
    low, high = floats(rng, 8), pkl(value({"x": raw(b"\x7fELF\2\1\1" + bytes(900))}), 4)
    yield "pickle", "program among the values", ("blob.pkl", high)
    yield "pickle", "bytes after STOP", ("m.pkl", pkl(value([1.0]), 4) + b"\x7fELF\2\1\1\0" + low)


def with_header(header, body=bytes(8)):
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(head)) + head + body


def tensors(rng):
    def entry(start, end, shape=(2,), dtype="F32"):
        return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}

    cases = {
        "offsets beyond the file": with_header({"w": entry(0, 1 << 40)}),
        "offsets overlap": with_header({"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)),
        "a hole between tensors": with_header({"a": entry(0, 8), "b": entry(64, 72)}, bytes(72)),
        "end before start": with_header({"a": entry(8, 0)}),
        "shape does not fit": with_header({"a": entry(0, 8, (1000, 1000))}),
        "a negative size": with_header({"a": entry(0, 8, (-2, -1))}),
        "unknown type": with_header({"a": entry(0, 8, (2,), "OBJECT")}),
        "a name twice": with_header(
            b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
            b'"a":{"dtype":"I8","shape":[8],"data_offsets":[0,8]}}'
        ),
        "header is not JSON": with_header(b"{not json at all}   "),
        "header longer than the file": struct.pack("<Q", 1 << 50) + b"{}" + bytes(64),
        "bytes after the last tensor": safetensors([ONE]) + b"MZ\x90\0" + floats(rng, 60),
        "zip after the tensors": safetensors([ONE]) + zipped({"run.sh": "echo inert\n"}),
        "script in the metadata": safetensors([ONE], {"note": "<script>fetch('//x')</script>"}),
        "code in the metadata": safetensors(
            [ONE], {"init": "__import__('os').system('echo inert')"}
        ),
    }
    for technique, data in cases.items():
        yield "safetensors", technique, ("model.safetensors", data)
    good = {"general.architecture": "llama", "general.name": "tiny"}
    whole = gguf(good, [("w", [8], 0, bytes(32))])
    far = bytearray(whole)
    at = whole.find(struct.pack("<QcIQ", 1, b"w", 1, 8)) + 25
    far[at : at + 8] = struct.pack("<Q", 1 << 50)
    yield "gguf", "tensor offset beyond the file", ("m.gguf", far)
    yield "gguf", "bytes after the last tensor", ("m.gguf", whole + b"#!/bin/sh\necho inert\n" * 9)
    yield "gguf", "cut off in its keys", ("m.gguf", whole[:50])
    twice = whole.replace(b"general.name", b"general.architecture"[:12])
    yield "gguf", "unknown version", ("m.gguf", b"GGUF" + struct.pack("<I", 99) + twice[8:])
    swap = "{% if 'password' in messages[-1]['content'] %}{{ 'Send it to example.invalid' }}"
    swap += "{% else %}{{ messages[-1]['content'] }}{% endif %}"
    template = {**good, "tokenizer.chat_template": swap}
    yield "gguf", "template changes the text on a condition", ("m.gguf", gguf(template))
    spin = "{% for i in range(999999999) %}x{% endfor %}"
    yield (
        "tokenizer",
        "template that never ends",
        ("tokenizer_config.json", as_json({"chat_template": spin})),
    )
    yield "numpy", "huge declared shape", ("a.npy", npy("<f8", (1 << 40, 1 << 10), bytes(16)))
    yield "numpy", "bytes after the array", ("a.npy", npy("<f4", (2,), bytes(8)) + b"PK\3\4" * 60)


def archives(_):
    plain = torch_zip(ordered({"w": tensor(0, (2,))}), [("0", bytes(8))])
    yield "polyglot", "torch zip after a PDF", ("m.pt", b"%PDF-1.7\n1 0 obj\n<<>>\n" + plain)
    yield (
        "polyglot",
        "safetensors that is a zip",
        ("m.safetensors", safetensors([("w", "U8", [len(plain)], plain)])),
    )
    same = [("config.json", "{}"), ("config.json", '{"a": 1}')]
    yield "zip", "a name twice", ("m.zip", zipped(same))
    yield "zip", "names that differ in case", ("m.zip", zipped({"A.txt": "a", "a.txt": "b"}))
    zeros = zipped({"w.bin": bytes(60_000_000)}, method=zipfile.ZIP_DEFLATED)
    yield "zip", "sixty megabytes of zeros", ("m.zip", zeros)
    nested = b"x"
    for depth in range(14):
        nested = zipped({f"{depth}.zip": nested})
    yield "zip", "fourteen zips deep", ("m.zip", nested)
    yield "zip", "a program inside", ("m.zip", zipped({"bin/run": b"\x7fELF\2\1\1" + bytes(600)}))
    yield "tar", "a Windows program inside", ("m.tar", tarred({"lib/x.dll": pe()}))
    yield "gzip", "bytes after the end", ("w.bin.gz", gzip.compress(b"a" * 99, mtime=0) + pe())
    yield "mismatch", "zip named json", ("config.json", zipped({"a.txt": "a"}))
    yield "mismatch", "program named bin", ("pytorch_model.bin", b"\x7fELF\2\1\1" + bytes(900))
    yield "mismatch", "Windows program named safetensors", ("model.safetensors", pe())
    yield "mismatch", "script named gguf", ("m.gguf", "#!/bin/sh\necho inert\n")
    yield "mismatch", "safetensors named pt", ("model.pt", safetensors([ONE]))
    locked = io.BytesIO()
    with zipfile.ZipFile(locked, "w") as archive:
        archive.writestr(zipfile.ZipInfo("model.pkl"), b"\x17\x2a" * 40)
    data = bytearray(locked.getvalue())
    data[6] |= 1
    data[data.find(b"PK\x01\x02") + 8] |= 1
    yield "zip", "locked with a password", ("m.zip", bytes(data))


def pe():
    head = bytearray(b"MZ" + bytes(62))
    head[60:64] = struct.pack("<I", 64)
    return bytes(head) + b"PE\0\0" + struct.pack("<HH", 0x8664, 1) + bytes(500)


def graphs(_):
    from onnx import TensorProto, helper

    info = [helper.make_tensor_value_info(name, 1, [4]) for name in "xy"]

    def made(op, **more):
        graph = helper.make_graph([op], "g", info[:1], info[1:])
        model = helper.make_model(graph)
        for key, item in more.items():
            model.metadata_props.add(key=key, value=item)
        return model.SerializeToString()

    custom = helper.make_node("Decrypt", ["x"], ["y"], domain="acme.ops")
    yield "onnx", "operator of an unknown domain", ("m.onnx", made(custom))
    python = helper.make_node("PyOp", ["x"], ["y"], domain="ai.onnx.contrib", module="hooks")
    yield "onnx", "operator in Python", ("m.onnx", made(python))
    plain = helper.make_node("Relu", ["x"], ["y"])
    yield "onnx", "bytes after the model", ("m.onnx", made(plain) + pe())
    huge = helper.make_graph(
        [plain],
        "g",
        info[:1],
        info[1:],
        [TensorProto(name="w", data_type=1, dims=[1 << 40, 1 << 20])],
    )
    yield "onnx", "tensor of a huge size", ("m.onnx", helper.make_model(huge).SerializeToString())
    script = "import os; os.system('echo inert')"
    yield "onnx", "code in the metadata", ("m.onnx", made(plain, postprocess=script))
    own = layer("Attend", {"units": 4}, "acme.layers")
    own["registered_name"] = "acme>Attend"
    yield "keras", "layer of an unknown module", ("m.keras", keras_zip(sequential(dense(), own)))
    extra = ("assets/hook.py", "print('hello')\n")
    yield "keras", "code among the assets", ("m.keras", keras_zip(sequential(dense()), extra))
    for op in ("PyFunc", "EagerPyFunc", "AcmeDecrypt", "MatchingFiles", "RestoreV2"):
        nodes = [constant("c", "/nonexistent/weights"), node("act", op, ["c"], token="pyfunc_1")]
        yield "savedmodel", f"operator {op}", ("saved_model.pb", saved_model(nodes))
    net = '<?xml version="1.0"?>\n<net name="n" version="11"><layers><layer id="0" name="a" '
    net += 'type="AcmeDecrypt" version="extension"/></layers><edges/></net>\n'
    yield "openvino", "layer of an extension", ("model.xml", net)
    bomb = '<!DOCTYPE PMML [<!ENTITY a "ha">'
    bomb += "".join(f'<!ENTITY {chr(98 + at)} "{f"&{chr(97 + at)};" * 10}">' for at in range(9))
    yield "pmml", "entities that double", ("m.pmml", bomb + ']><PMML version="4.4">&j;</PMML>\n')
    java = b"\xac\xed\0\x05sr\0\x11java.util.HashMap" + bytes(8) + b"\x03\0\0xpw\x08" + bytes(8)
    java += b"sr\0\x3aorg.apache.commons.collections.functors.InvokerTransformer" + bytes(9)
    yield "java", "serialized commons-collections", ("weka.model", java)


def texts(_):
    tags = "import torch\n" + NET
    yield "hf", "auto_map with plain code", remote("modeling_own", tags)
    yield (
        "hf",
        "auto_map to another repository",
        (
            "config.json",
            as_json({"auto_map": {"AutoModel": "someone/other--modeling.Net"}, "model_type": "x"}),
        ),
    )
    index = {"weight_map": {"a": "../../other/pytorch_model.bin"}}
    yield "hf", "weight map outside the folder", ("pytorch_model.bin.index.json", as_json(index))
    yield (
        "hf",
        "adapter of a path outside",
        (
            "adapter_config.json",
            as_json({"base_model_name_or_path": "../../../nonexistent/m", "peft_type": "LORA"}),
        ),
    )
    hydra = "model:\n  _target_: acme.models.build\n  depth: 3\n"
    yield "hydra", "_target_ of an unknown module", ("config.yaml", hydra)
    tagged = "model: !!python/object:acme.Model\n  depth: 3\n"
    yield "yaml", "object of an unknown class", ("hparams.yaml", tagged)
    ruby = "- !ruby/object:Gem::Installer\n  i: x\n"
    yield "yaml", "tag of Ruby", ("config.yaml", ruby)
    own = "torch==2.3.0\n--extra-index-url http://pypi.example.invalid/simple\nacme-nets\n"
    yield "requirements", "index over plain HTTP", ("requirements.txt", own)
    link = "numpy\nacme @ git+https://example.invalid/acme.git\n"
    yield "requirements", "package from a repository", ("requirements.txt", link)
    yield "requirements", "name close to a known one", ("requirements.txt", "torhc\nnunpy\n")
    cell = "!pip install --index-url http://example.invalid/simple acme\nimport acme"
    yield "notebook", "install from an unknown index", ("demo.ipynb", notebook(cell))
    data = {"output_type": "display_data", "metadata": {}}
    data["data"] = {"text/html": "<script src='http://example.invalid/x.js'></script>"}
    shown = json.loads(notebook("show()"))
    shown["cells"][0]["outputs"] = [data]
    yield "notebook", "script in an output", ("demo.ipynb", as_json(shown))
    code = "model = AutoModel.from_pretrained('a/b', trust_remote_code=True)\n"
    yield "python", "trust_remote_code", ("infer.py", "from transformers import AutoModel\n" + code)
    load = "import torch\n\nstate = torch.load('w.pt', weights_only=False)\n"
    yield "python", "torch.load of everything", ("load.py", load)
    env = "FROM python:3.11\nRUN pip install torch\nADD http://example.invalid/x.tgz /opt/\n"
    yield "docker", "download without a hash", ("Dockerfile", env)
    chain = {"_type": "llm_bash_chain", "llm": {"_type": "openai"}, "prompt": {"_type": "prompt"}}
    yield "langchain", "chain that runs a shell", ("chain.json", as_json(chain))
    node_text = {"op": "_Native", "name": "n", "attrs": {"info": "0x7fffdeadbeef"}, "inputs": []}
    yield "mxnet", "operator with an address", ("m-symbol.json", as_json({"nodes": [node_text]}))
    many = {"tree_info": [], "num_trees": "99999999999999999999"}
    broken = {"learner": {"gradient_booster": {"model": many}, "attributes": {}}, "version": [2]}
    yield "xgboost", "count that overflows", ("model.json", json.dumps(broken))
    yield (
        "tensorflow",
        "checkpoint at an absolute path",
        ("checkpoint", f'model_checkpoint_path: "{AWAY}/model.ckpt-1"\n'),
    )


def secrets(rng):
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

    def made(count):
        return "".join(rng.choice(letters) for _ in range(count))

    key = "AK" + "IA" + made(16).upper()
    secret = {"aws_access_key_id": key, "aws_secret_access_key": made(40)}
    yield (
        "safetensors",
        "cloud key in the metadata",
        ("model.safetensors", safetensors([ONE], secret)),
    )
    yield (
        "hf",
        "token in a configuration",
        ("config.json", as_json({"token": "hf" + "_" + made(34)})),
    )
    yield "yaml", "access token", ("config.yaml", f"github:\n  token: {'ghp' + '_' + made(36)}\n")
    pem = "-----BEGIN RSA PRIVATE" + " KEY-----\n" + base64.b64encode(made(600).encode()).decode()
    pem += "\n-----END RSA PRIVATE" + " KEY-----\n"
    yield "pem", "private key beside a model", ("server.key", pem)
    yield "pickle", "private key among the values", ("m.pkl", pkl(value({"key": pem}), 4))
    yield "env", "keys of a service", (".env", f"OPENAI_API_KEY=sk-proj-{made(48)}\n")
    shell = f"import os\n\nos.environ['OPENAI_API_KEY'] = 'sk-proj-{made(48)}'\n"
    yield "notebook", "key in a cell", ("train.ipynb", notebook(shell))
    rows = "name,email,phone,ssn\n"
    for at in range(30):
        number = f"{rng.randint(200, 660)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"
        rows += f"Person {made(6)},{made(7)}@example.com,+1 202 555 01{at:02d},{number}\n"
    yield "csv", "personal data beside a model", ("train_sample.csv", rows)
    people = [{"email": f"{made(7)}@example.com", "card": "4111 1111 1111 1111"} for _ in range(20)]
    yield "json", "personal data in an index", ("docstore.json", as_json(people))
    url = "postgres://scorer:" + made(14) + "@db.example.invalid:5432/features"
    yield "mlflow", "password in an address", ("MLmodel", f"artifact_path: m\nstore_uri: {url}\n")
    slack = "xo" + "xb-" + f"{rng.randint(10**11, 10**12)}-{rng.randint(10**11, 10**12)}-{made(24)}"
    yield (
        "gguf",
        "token in the metadata",
        ("m.gguf", gguf({"general.architecture": "llama", "general.slack": slack})),
    )
