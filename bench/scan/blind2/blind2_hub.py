"""Harmless repositories: configurations, templates, scripts, and files of well-known tools."""

import gzip
import json
import struct

from blind2_configs import notebook
from blind2_graphs import constant, dense, h5, integer, keras_zip, layer, node, saved_model
from blind2_graphs import sequential
from blind2_kit import as_json, build, call, floats, gguf, glob, inst, new, npy, ordered, pb, pkl
from blind2_kit import raw, safetensors, tarred, tensor, torch_legacy, torch_zip, value, zipped

TEMPLATES = {
    "chatml": "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n'"
    " + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "inst": "{{ bos_token }}{% for m in messages %}{% if (m['role'] == 'user') !="
    " (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}"
    "{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'].strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}",
    "headers": "{% set loop_messages = messages %}{% for message in loop_messages %}"
    "{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'"
    " + message['content'] | trim + '<|eot_id|>' %}{% if loop.first %}"
    "{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}",
    "turns": "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}{% for m in messages %}"
    "{% set role = 'model' if m['role'] == 'assistant' else m['role'] %}"
    "{{ '<start_of_turn>' ~ role ~ '\n' ~ m['content'] | trim ~ '<end_of_turn>\n' }}{% endfor %}",
    "tools": "{%- set ns = namespace(tool=false, system='') -%}{%- if tools %}"
    "{{- '<tools>' }}{% for tool in tools %}{{- '\n' ~ tool | tojson(indent=2) }}{% endfor %}"
    "{{- '</tools>' }}{% set ns.tool = true %}{%- endif %}{%- for m in messages %}"
    "{%- if m.tool_calls is defined and m.tool_calls %}{%- for c in m.tool_calls %}"
    "{{- '<tool_call>' ~ {'name': c.function.name, 'arguments': c.function.arguments} | tojson"
    " ~ '</tool_call>' }}{%- endfor %}{%- else %}{{- m.content }}{%- endif %}{%- endfor %}",
    "macros": "{% macro show(m, last=false) %}{{ '<' ~ m.role ~ '>' ~ m.content }}"
    "{% if last %}{{ eos_token }}{% endif %}{% endmacro %}"
    "{% for m in messages %}{{ show(m, last=loop.last) }}{% endfor %}",
    "dates": "{%- if not date_string is defined %}{%- if strftime_now is defined %}"
    "{%- set date_string = strftime_now('%d %b %Y') %}{%- else %}"
    "{%- set date_string = '26 Jul 2024' %}{%- endif %}{%- endif %}"
    "{{- 'Cutting Knowledge Date: December 2023\nToday Date: ' + date_string }}"
    "{% for m in messages %}{{ m['content'] }}{% endfor %}",
    "thinking": "{% for m in messages %}{% set content = m.content %}"
    "{% if '</think>' in content %}{% set content = content.split('</think>')[-1]"
    ".lstrip('\n') %}{% endif %}{{ '<|' ~ m.role ~ '|>' ~ content }}{% endfor %}",
    "images": "{% for m in messages %}{% for part in m['content'] %}"
    "{% if part['type'] == 'image' %}"
    "{{ '<image>' }}{% elif part['type'] == 'text' %}{{ part['text'] | e }}{% endif %}"
    "{% endfor %}{% endfor %}",
    "documents": "{% if documents %}{% for d in documents %}{{ loop.index ~ '. ' ~ d['title']"
    " | upper ~ d['text'] | replace('\n', ' ') }}{% endfor %}{% endif %}"
    "{{ messages | map(attribute='content') | join('\n') }}",
    "selection": "{% for m in messages | selectattr('role', 'equalto', 'user') | list %}"
    "{{ m.content }}{% endfor %}{{ messages | length }}{{ messages | last }}",
    "arguments": "{% for name, p in tool.parameters.properties.items() %}{{ name ~ ': ' ~ p.type"
    " | default('any') }}{% if p.enum is defined %}{{ p.enum | join(', ') }}{% endif %}"
    "{% if name in tool.parameters.get('required', []) %}{{ '*' }}{% endif %}{% endfor %}",
    "reverse search": "{% set ns = namespace(last=messages | length - 1) %}"
    "{% for m in messages[::-1] %}{% set index = (messages | length - 1) - loop.index0 %}"
    "{% if m.role == 'user' and not m.content.startswith('<tool_response>') %}"
    "{% set ns.last = index %}{% endif %}{% endfor %}{{ messages[ns.last].content }}",
    "warns of code": "{{ 'Never run os.system or eval() on the answer.\n' }}"
    "{% for m in messages %}{{ m.content }}{% endfor %}",
}
LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64}
LLAMA |= {"num_attention_heads": 4, "rms_norm_eps": 1e-05, "torch_dtype": "bfloat16"}
CARD = "---\nlicense: apache-2.0\ntags:\n- text-generation\n---\n\n# Tiny\n\n```python\n"
CARD += "from transformers import pipeline\n\npipe = pipeline('text-generation', 'org/tiny')\n```\n"


def fill(corpus):
    for make in (templates, repositories, settings, scripts, known, others):
        for form, technique, files in make(corpus.random):
            corpus.good(form, technique, files)


def templates(_):
    for index, (name, template) in enumerate(TEMPLATES.items()):
        tokens = {"bos_token": "<s>", "eos_token": "</s>", "model_max_length": 4096}
        tokens |= {"tokenizer_class": "LlamaTokenizerFast", "chat_template": template}
        yield "tokenizer", f"template {name}", ("tokenizer_config.json", as_json(tokens))
        if index % 2:
            yield "template", name, ("chat_template.jinja", template + "\n")
        else:
            fields = {"general.architecture": "llama", "tokenizer.chat_template": template}
            fields |= {"tokenizer.ggml.tokens": ["<s>", "os.system", "eval"], "llama.rope": 0.5}
            data = gguf(fields, [("token_embd.weight", [8], 0, bytes(32))])
            yield "gguf", f"template {name}", (f"tiny-{index}.Q8_0.gguf", data)


def repositories(rng):
    weights = safetensors([("w", "F32", [8], floats(rng, 8))], {"format": "pt"})
    vocabulary = {"os.system": 5, "eval": 6, "__import__": 7, "<s>": 1, "rm": 8, "</script>": 9}
    fast = {"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "vocab": vocabulary}}
    tokens = {"bos_token": "<s>", "chat_template": TEMPLATES["chatml"]}
    yield (
        "hf",
        "language model",
        {
            "README.md": CARD,
            "config.json": as_json(LLAMA),
            "generation_config.json": as_json({"do_sample": True, "temperature": 0.6}),
            "model.safetensors": weights,
            "tokenizer.json": as_json(fast),
            "tokenizer_config.json": as_json(tokens),
            "special_tokens_map.json": as_json({"bos_token": "<s>"}),
            ".gitattributes": "*.safetensors filter=lfs diff=lfs merge=lfs -text\n",
        },
    )
    bert = {"model_type": "bert", "id2label": {"0": "exec", "1": "eval"}, "vocab_size": 30522}
    yield (
        "hf",
        "classifier with labels like attacks",
        {
            "config.json": as_json(bert),
            "vocab.txt": "[PAD]\n[UNK]\nos.system\neval\nsubprocess\n##exec\n",
            "pytorch_model.bin": torch_zip(ordered({"w": tensor(0, (4,))}), [("0", bytes(16))]),
        },
    )
    parts = {"weight_map": {"a": "model-00001-of-00002.safetensors"}, "metadata": {"total_size": 9}}
    yield "hf", "index of shards", ("model.safetensors.index.json", as_json(parts))
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}
    ]
    modules.append({"idx": 1, "name": "1", "path": "1_Pooling"})
    modules[1]["type"] = "sentence_transformers.models.Pooling"
    yield (
        "sentence-transformers",
        "encoder",
        {
            "modules.json": as_json(modules),
            "1_Pooling/config.json": as_json({"word_embedding_dimension": 384}),
            "model.safetensors": weights,
        },
    )
    index = {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.27.2"}
    index |= {"unet": ["diffusers", "UNet2DConditionModel"]}
    index |= {"text_encoder": ["transformers", "CLIPTextModel"], "safety_checker": [None, None]}
    yield (
        "diffusers",
        "pipeline",
        {
            "model_index.json": as_json(index),
            "unet/config.json": as_json({"_class_name": "UNet2DConditionModel", "sample_size": 64}),
            "unet/diffusion_pytorch_model.safetensors": weights,
        },
    )
    adapter = {"peft_type": "LORA", "base_model_name_or_path": "org/tiny", "r": 8}
    yield "peft", "adapter", {"adapter_config.json": as_json(adapter), "a.safetensors": weights}
    state = {"epoch": 1.0, "log_history": [{"loss": 0.4, "step": 10}], "global_step": 10}
    yield "hf", "state of a trainer", ("trainer_state.json", as_json(state))
    yield (
        "hf",
        "preprocessor",
        (
            "preprocessor_config.json",
            as_json({"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 224}}),
        ),
    )
    yield "hf", "merges", ("merges.txt", "#version: 0.2\no s\nos .\ne val\n")
    pieces = b"".join(
        pb(1, pb(1, word) + b"\x15" + struct.pack("<f", -at))
        for at, word in enumerate(["<unk>", "▁os", ".system", "▁eval", "▁import"])
    )
    yield "sentencepiece", "vocabulary", ("tokenizer.model", pieces + pb(2, pb(3, 1)))
    flavors = "artifact_path: model\nflavors:\n  python_function:\n    env: conda.yaml\n"
    flavors += "    loader_module: mlflow.sklearn\n    model_path: model.pkl\n"
    yield (
        "mlflow",
        "model of scikit-learn",
        {
            "MLmodel": flavors,
            "requirements.txt": "mlflow==2.12.1\nscikit-learn==1.4.2\n",
            "conda.yaml": "name: mlflow-env\nchannels:\n- conda-forge\n"
            "dependencies:\n- python=3.11\n",
            "model.pkl": pkl(value({"coef": [0.1, 0.2]}), 4),
        },
    )


def settings(_):
    texts = {
        "hydra": "model:\n  _target_: torch.nn.Linear\n  in_features: 4\n  out_features: 2\n"
        "optim:\n  _target_: torch.optim.AdamW\n  lr: 0.001\n",
        "lightning": "lr: 0.001\nbetas: !!python/tuple\n- 0.9\n- 0.999\nlayers: 4\n",
        "yolo": "nc: 80\nbackbone:\n  - [-1, 1, Conv, [64, 6, 2, 2]]\n  - [-1, 3, C3, [128]]\n",
        "axolotl": "base_model: org/tiny\ndatasets:\n  - path: org/data\n    type: alpaca\n",
        "anchors": "base: &base\n  lr: 0.1\nrun:\n  <<: *base\n  seed: 3\nwhen: 2024-05-01\n",
        "nemo": "target: nemo.collections.asr.models.EncDecCTCModel\nsample_rate: 16000\n"
        "encoder:\n  _target_: nemo.collections.asr.modules.ConformerEncoder\n",
        "merge kit": "slices:\n- sources:\n  - model: a/b\n"
        "    layer_range: [0, 8]\ndtype: float16\n",
        "words": "notes: |\n  Do not call eval() or os.system() here.\nsteps: 3\n",
        "workflow": "stages:\n  train:\n    cmd: python train.py --epochs 3\n"
        "    deps: [train.py]\n",
    }
    for name, text in texts.items():
        yield "yaml", name, ("dvc.yaml" if name == "workflow" else "config.yaml", text)
    wanted = "numpy>=1.26\ntorch==2.3.0\ntransformers[torch]~=4.41\n# eval metrics\nevaluate\n"
    yield "requirements", "usual", ("requirements.txt", wanted)
    cuda = "--extra-index-url https://download.pytorch.org/whl/cu121\ntorch==2.3.0\n"
    yield "requirements", "wheels for CUDA", ("requirements.txt", cuda)
    project = '[project]\nname = "tiny"\nversion = "0.1"\n[build-system]\n'
    project += 'requires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    yield "python", "pyproject", ("pyproject.toml", project)
    yield (
        "docker",
        "usual",
        (
            "Dockerfile",
            "FROM python:3.11-slim\nCOPY requirements.txt .\n"
            "RUN pip install -r requirements.txt\nCMD ['python', 'serve.py']\n",
        ),
    )
    yield "deepspeed", "settings", ("ds_config.json", as_json({"zero_optimization": {"stage": 2}}))
    yield "ollama", "Modelfile", ("Modelfile", 'FROM ./tiny.gguf\nPARAMETER stop "</s>"\n')
    rows = 'text,label\n"call os.system(""ls"")",0\n"eval is evil",1\n'
    yield "csv", "text like attacks", ("train.csv", rows)
    lines = json.dumps({"prompt": "What does `rm -rf /` do?", "answer": "It deletes files."})
    yield "jsonl", "text like attacks", ("train.jsonl", f"{lines}\n" * 4)
    triton = 'name: "m"\nplatform: "onnxruntime_onnx"\nmax_batch_size: 8\n'
    yield "triton", "settings", ("config.pbtxt", triton)


def scripts(_):
    train = "import argparse\n\nimport torch\nfrom torch import nn\n\n\ndef main():\n"
    train += "    parser = argparse.ArgumentParser()\n    parser.add_argument('--lr', type=float)\n"
    train += "    args = parser.parse_args()\n    net = nn.Linear(4, 2)\n    net.eval()\n"
    train += "    torch.save(net.state_dict(), 'model.pt')\n    print(args.lr)\n\n\nmain()\n"
    yield "python", "training", ("train.py", train)
    setup = "from setuptools import find_packages, setup\n\n"
    setup += "setup(name='tiny', version='0.1', packages=find_packages())\n"
    yield "python", "setup.py", ("setup.py", setup)
    read = (
        "from safetensors.torch import load_file\n\n\ndef load(path):\n    return load_file(path)\n"
    )
    yield "python", "loading", ("load.py", read)
    score = "import numpy as np\nimport pandas as pd\n\n\ndef score(path):\n"
    score += "    frame = pd.read_csv(path)\n    return np.mean(frame.eval('a + b'))\n"
    yield "python", "scoring", ("score.py", score)
    shell = "#!/bin/bash\nset -e\nexport CUDA_VISIBLE_DEVICES=0\npython train.py --lr 1e-4\n"
    yield "shell", "training", ("train.sh", shell)
    cells = ["%matplotlib inline\nimport numpy as np", "model.eval()\nwith torch.no_grad():\n    y"]
    yield "notebook", "plots", ("explore.ipynb", notebook(*cells))
    cells = ["!pip install -q transformers datasets", "!nvidia-smi", "trainer.train()"]
    yield "notebook", "fine-tuning", ("finetune.ipynb", notebook(*cells))
    cells = ["df = pd.read_csv('data.csv')\ndf.query('a > 1').head()", "# os.system is not used"]
    yield "notebook", "data", ("data.ipynb", notebook(*cells))
    yield (
        "markdown",
        "security notes",
        (
            "README.md",
            CARD + "\nPickles can run `os.system('rm -rf /')`; we publish safetensors.\n",
        ),
    )


def known(rng):
    """Pickles of well-known libraries, put together as they write them."""
    args = build(new(glob("transformers.training_args", "TrainingArguments")), {"lr": 1e-4})
    enum = call(glob("transformers.trainer_utils", "IntervalStrategy"), "steps")
    device = call(glob("torch", "device"), "cuda", 0)
    both = build(args, {"strategy": enum, "device": device, "output_dir": "out"})
    yield "transformers", "training arguments", ("training_args.bin", torch_zip(both))
    namespace = build(new(glob("argparse", "Namespace")), {"lr": 0.1, "epochs": 3})
    pair = ordered({"net": tensor(0, (2, 3)), "args": namespace})
    data = [("0", floats(rng, 6))]
    yield "torch zip", "checkpoint with arguments", ("checkpoint.pt", torch_zip(pair, data))
    yield "torch legacy", "checkpoint with arguments", ("c.pth", torch_legacy(pair, data))
    lightning = {"state_dict": ordered({"net.w": tensor(0, (6,))}), "epoch": 2}
    lightning |= {"pytorch-lightning_version": "2.2.4", "hparams_name": "kwargs"}
    lightning["hyper_parameters"] = {
        "lr": 1e-3,
        "activation": glob("torch.nn.modules.activation", "ReLU"),
    }
    yield "lightning", "checkpoint", ("epoch=2.ckpt", torch_zip(value(lightning), data))
    rebuilt = call(
        glob("numpy.core.multiarray", "_reconstruct"), glob("numpy", "ndarray"), (0,), raw(b"b")
    )
    dtype = call(glob("numpy", "dtype"), "f4", False, True)
    array = build(rebuilt, (1, (2,), dtype, False, bytearray(floats(rng, 2))))
    yield "numpy", "array of numpy 1", ("a.pkl", pkl(value({"w": array}), 3))
    scalar = call(glob("numpy.core.multiarray", "scalar"), dtype, bytearray(floats(rng, 1)))
    yield "torch zip", "numpy scalar beside tensors", ("m.pt", torch_zip(ordered({"loss": scalar})))
    latin = call(glob("_codecs", "encode"), "abcd\u00e9", "latin1")
    yield "pickle", "protocol 2 bytes", ("py2.pkl", pkl(value({"raw": latin}), 2))
    old = inst("sklearn.svm.classes", "SVC")
    copied = call(
        glob("copy_reg", "_reconstructor"),
        glob("sklearn.tree.tree", "DecisionTreeClassifier"),
        glob("__builtin__", "object"),
        None,
    )
    yield "sklearn", "model of Python 2", ("old.pkl", pkl(build(copied, {"max_depth": 3}), 2))
    yield "sklearn", "model of Python 2, INST", ("svc.pkl", pkl(build(old, {"C": 1.0}), 1))
    vectors = build(new(glob("gensim.models.keyedvectors", "KeyedVectors")), {"vector_size": 2})
    words = build(new(glob("gensim.models.word2vec", "Word2Vec")), {"wv": vectors, "epochs": 5})
    yield "gensim", "word2vec", ("word2vec.model", pkl(words, 4))
    catboost = build(
        new(glob("catboost.core", "CatBoostClassifier")), {"_init_params": {"depth": 4}}
    )
    yield "catboost", "classifier", ("cat.pkl", pkl(catboost, 4))
    imbalanced = build(new(glob("imblearn.over_sampling._smote.base", "SMOTE")), {"k_neighbors": 5})
    steps = build(new(glob("imblearn.pipeline", "Pipeline")), {"steps": [("smote", imbalanced)]})
    yield "imblearn", "pipeline", ("pipe.joblib", pkl(steps, 4))
    yolo = build(new(glob("ultralytics.nn.tasks", "DetectionModel")), {"training": False})
    yield "ultralytics", "detector", ("yolov8n.pt", torch_zip(value({"model": yolo, "epoch": -1})))
    yield "numpy", "objects of numpy 1", ("o.npy", npy("|O", (2,), pkl(value(["a", "b"]), 3)))


def others(rng):
    built = sequential(dense(), layer("Dropout", {"name": "drop", "rate": 0.2}))
    yield "keras", "sequential", ("model.keras", keras_zip(built))
    convolution = layer("Conv2D", {"filters": 8, "kernel_size": [3, 3], "activation": "relu"})
    initial = layer("GlorotUniform", {"seed": None}, "keras.initializers")
    more = sequential(convolution, dense(kernel_initializer=initial))
    yield "keras", "convolution", ("cnn.keras", keras_zip(more))
    looked = layer("StringLookup", {"vocabulary": ["eval", "exec", "os.system"]})
    yield "keras", "vocabulary like attacks", ("text.keras", keras_zip(sequential(looked)))
    attributes = [("keras_version", "2.15.0"), ("model_config", json.dumps(built))]
    yield "keras h5", "sequential", ("model.h5", h5(attributes))
    training = ("training_config", json.dumps({"loss": "mse", "metrics": ["mae"]}))
    yield "keras h5", "compiled", ("best.hdf5", h5([*attributes, training]))
    yield "keras h5", "weights", ("m.weights.h5", h5([("backend", "tensorflow")]))
    yield "keras json", "architecture", ("model.json", json.dumps(built))
    nodes = [node("x", "Placeholder"), constant("labels", "eval"), node("y", "MatMul", ["x", "x"])]
    nodes += [node("saver_filename", "Placeholder"), node("save", "SaveV2", ["saver_filename"])]
    nodes += [node("restore", "RestoreV2", ["saver_filename"]), node("v", "VarHandleOp")]
    for inside in (False, True):
        data = saved_model(nodes, inside)
        yield "savedmodel", "dense", {"saved_model.pb": data, "variables/variables.index": b""}
    fields = {"general.architecture": "llama", "general.name": "Tiny", "llama.context_length": 2048}
    fields |= {"tokenizer.ggml.scores": [0.0, -1.0], "general.file_type": 7}
    tensors = [("blk.0.w", [32], 0, floats(rng, 32)), ("out", [8], 0, floats(rng, 8))]
    yield "gguf", "quantized", ("tiny.Q4_0.gguf", gguf(fields, tensors))
    yield "gguf", "version 2", ("tiny-v2.gguf", gguf(fields, tensors, 2))
    head = b"X\n" + struct.pack(">iii", 2, 0x00040301, 0x00020300)
    numbers = integer(14) + integer(3) + struct.pack(">3d", 0.5, 1.5, 2.5)
    yield "rds", "numbers", ("coef.rds", gzip.compress(head + numbers, mtime=0))
    pmml = '<?xml version="1.0"?>\n<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">'
    pmml += '<Header><Application name="jpmml"/></Header><DataDictionary/></PMML>\n'
    yield "pmml", "header", ("model.pmml", pmml)
    net = '<?xml version="1.0"?>\n<net name="m" version="11"><layers><layer id="0" name="x" '
    net += 'type="Parameter" version="opset1"><data shape="1,4" element_type="f32"/></layer>'
    yield "openvino", "network", {"m.xml": net + "</layers><edges/></net>\n", "m.bin": bytes(64)}
    manifest = as_json({"model": {"modelName": "m", "handler": "image_classifier"}})
    yield (
        "mar",
        "image classifier",
        (
            "m.mar",
            zipped({"MAR-INF/MANIFEST.json": manifest, "index_to_name.json": '{"0": "cat"}'}),
        ),
    )
    state = torch_zip(ordered({"w": tensor(0, (2,))}), [("0", bytes(8))], top="ckpt")
    text = "target: nemo.collections.asr.models.EncDecCTCModel\n"
    yield (
        "nemo",
        "speech",
        ("asr.nemo", tarred({"./model_config.yaml": text, "./model_weights.ckpt": state})),
    )
    tfjs = {"format": "layers-model", "modelTopology": built, "weightsManifest": []}
    yield "tfjs", "layers", {"model.json": as_json(tfjs), "group1-shard1of1.bin": bytes(16)}
    tree = {"class": "ndarray", "values": [0.5, 0.25], "doc": "eval and exec are words"}
    yield "json", "weights", ("weights.json", as_json(tree))
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0\x90wS\xde"
    png += b"\0\0\0\x0cIDATx\x9cc\xf8\xcf\xc0\0\0\x03\1\1\0\xc9\xfe\x92\xef"
    yield "image", "picture of a card", ("card.png", png + b"\0\0\0\0IEND\xaeB`\x82")
    yield "text", "licence", ("LICENSE", "Apache License\nVersion 2.0, January 2004\n")
