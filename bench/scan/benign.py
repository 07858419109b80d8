"""Writes hundreds of harmless model files of the usual libraries, with a manifest.

    python benign.py FOLDER [PART…]

Needs numpy, pandas, joblib, scikit-learn, and takes along whatever else is installed of xgboost,
lightgbm, catboost, skops, safetensors, gguf, h5py, onnx, skl2onnx, lz4, msgpack, torch, keras.
"""
import bz2, collections, datetime, decimal, fractions, gzip, io, json, lzma, os, pathlib, pickle
import random, sys, tarfile, uuid, warnings, zipfile, zlib

import joblib
import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
folder = pathlib.Path(sys.argv[1])
rows = []
rng = np.random.default_rng(7)
X = rng.normal(size=(60, 6))
y = (X[:, 0] + X[:, 1] > 0).astype(int)
words = ["good model", "bad model", "nice words here", "what a day"] * 15


def put(path, data, note=""):
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data if isinstance(data, bytes) else data.encode())
    rows.append({"path": path, "verdict": "benign", "technique": note or path.split("/")[0]})


def note(path):
    rows.append({"path": path, "verdict": "benign", "technique": path.split("/")[0]})


def part(name, make):
    """One library's share; a library that is not installed is named and passed over."""
    try:
        make()
        print("made", name, len(rows))
    except ImportError as error:
        print("skipped", name, error)


def joblib_bytes(value, compress=0):
    out = io.BytesIO()
    joblib.dump(value, out, compress=compress)
    return out.getvalue()


def dump_all(name, value, protocols=(2, 3, 4, 5), compressors=("zlib",)):
    for protocol in protocols:
        put(f"{name}.p{protocol}.pkl", pickle.dumps(value, protocol=protocol))
    put(f"{name}.joblib", joblib_bytes(value))
    for compressor in compressors:
        put(f"{name}.{compressor}.joblib", joblib_bytes(value, (compressor, 3)))


Point = collections.namedtuple("Point", "x y")


def plain():
    values = {
        "dict": {"weights": X, "bias": X[0], "name": "model", "n": 3, "ok": True, "none": None},
        "arrays": [X.astype(t) for t in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "c8", "?")],
        "structured": np.array([(1, 2.0, "a")], dtype=[("a", "i4"), ("b", "f8"), ("c", "U5")]),
        "objects": np.array([{"a": 1}, [1, 2], "text", None], dtype=object),
        "masked": np.ma.masked_array(X[:, 0], X[:, 0] > 0),
        "matrix": np.matrix(X[:2]),
        "fortran": np.asfortranarray(X),
        "scalars": [np.float32(1.5), np.int64(3), np.bool_(True), np.datetime64("2024-01-01"), np.str_("x")],
        "dates": [datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc), datetime.date(2024, 1, 1), datetime.timedelta(days=2), datetime.time(3, 4)],
        "numbers": [decimal.Decimal("1.5"), fractions.Fraction(1, 3), complex(1, 2), 10**40, -7, 1e300, float("nan")],
        "collections": [collections.OrderedDict(a=1), collections.Counter("abca"), collections.defaultdict(list, a=[1]), collections.deque([1, 2], maxlen=3), frozenset([1]), {2, 3}, collections.defaultdict(int)],
        "others": [uuid.UUID(int=5), pathlib.PurePosixPath("a/b"), range(5), slice(1, 2), bytearray(b"ab"), Ellipsis, NotImplemented],
        "random": [random.Random(3), np.random.RandomState(3), np.random.default_rng(3), np.random.Generator(np.random.Philox(3)), np.random.SeedSequence(4)],
        "text": {f"word{i}": i for i in range(2000)},
        "nested": [[[[(i, str(i)) for i in range(5)]] * 3]] * 4,
        "big": {f"layer.{i}.weight": rng.normal(size=(50, 50)).astype("f4") for i in range(30)},
        "words": ["eval", "exec", "os.system", "import os", "subprocess", "__reduce__", "rm -rf", "cos\nsystem\n"],
        "ufuncs": [np.log1p, np.exp, np.mean] ,
    }
    for name, value in values.items():
        dump_all(f"plain/{name}", value, protocols=(0, 1, 2, 3, 4, 5), compressors=("zlib", "gzip", "bz2", "xz", "lzma"))
    for name, opener in {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zz": zlib.compress}.items():
        put(f"plain/dict.pkl.{name}", opener(pickle.dumps(values["dict"])))
    for name in ("dict", "text", "structured"):
        for kind in ("npy",):
            out = io.BytesIO()
            np.save(out, values["structured"] if name == "structured" else X)
            put(f"plain/{name}.npy", out.getvalue())
    out = io.BytesIO(); np.save(out, values["objects"], allow_pickle=True); put("plain/objects.npy", out.getvalue())
    out = io.BytesIO(); np.savez(out, a=X, b=y, c=values["objects"]); put("plain/arrays.npz", out.getvalue())
    out = io.BytesIO(); np.savez_compressed(out, a=X, b=y); put("plain/compressed.npz", out.getvalue())
    several = pickle.dumps({"a": 1}) + pickle.dumps([1, 2]) + pickle.dumps(X)
    put("plain/several.pkl", several)
    for dtype in ("V8", "S3", "U4", ">f8", "<M8[ns]", "m8[s]"):
        put(f"plain/dtype_{dtype.strip('<>').replace('[', '_').replace(']', '')}.pkl", pickle.dumps(np.zeros(3, dtype=dtype)))


def frames():
    frame = pd.DataFrame({"a": X[:, 0], "b": y, "c": pd.Categorical(list("abcdef") * 10), "d": pd.date_range("2024-01-01", periods=60), "e": words, "f": pd.array(y, dtype="Int64"), "g": pd.array(words, dtype="string")})
    variants = {
        "frame": frame, "series": frame["a"], "index": frame.set_index("d"), "multi": frame.set_index(["b", "d"]),
        "sparse": frame["b"].astype(pd.SparseDtype("int")), "interval": pd.cut(frame["a"], 4), "period": frame["d"].dt.to_period("M"),
        "timezone": frame["d"].dt.tz_localize("Europe/Berlin"), "timestamp": pd.Timestamp("2024-01-01", tz="UTC"), "timedelta": pd.Timedelta("1D"),
        "na": pd.NA, "nat": pd.NaT, "offset": [pd.offsets.BusinessDay(), pd.offsets.MonthEnd(2), pd.offsets.Hour(3)], "groups": dict(list(frame.groupby("b"))),
        "boolean": pd.array([True, None], dtype="boolean"), "floating": pd.array([1.5, None], dtype="Float64"),
    }
    for name, value in variants.items():
        dump_all(f"pandas/{name}", value, protocols=(2, 4, 5))
    put("pandas/frame.csv", frame.to_csv())
    put("pandas/frame.json", frame[["a", "b"]].to_json())


def estimators():
    from sklearn.utils import all_estimators
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler, FunctionTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer, CountVectorizer, HashingVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.ensemble import StackingClassifier, VotingClassifier, RandomForestClassifier
    from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
    from sklearn.multioutput import MultiOutputClassifier, ClassifierChain
    from sklearn.svm import SVC
    from sklearn.metrics import make_scorer, f1_score
    needs = {"estimator": LogisticRegression(), "estimators": [("a", LogisticRegression()), ("b", SVC())], "base_estimator": LogisticRegression(), "param_grid": {"C": [1, 2]}, "param_distributions": {"C": [1, 2]}, "transformers": [("a", StandardScaler(), [0, 1])], "transformer_list": [("a", StandardScaler())], "steps": [("a", StandardScaler()), ("b", LogisticRegression())]}
    import inspect
    for name, kind in all_estimators():
        wanted = [p.name for p in inspect.signature(kind.__init__).parameters.values() if p.default is p.empty and p.name not in ("self", "args", "kwargs")]
        try:
            model = kind(**{w: needs[w] for w in wanted})
        except Exception as error:
            print("no", name, error)
            continue
        for data, target in ((X, y), (np.abs(X), y), (X, np.stack([y, y], 1)), (X[:, 0], y), (words, y)):
            try:
                model.fit(data, target)
                break
            except Exception:
                continue
        try:
            dump_all(f"sklearn/{name}", model, protocols=(2, 4, 5), compressors=("zlib",) if len(name) % 3 else ("xz", "gzip"))
        except Exception as error:
            print("unpicklable", name, error)
    extras = {
        "tfidf": make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression()).fit(words, y),
        "count": CountVectorizer(stop_words="english").fit(words), "hashing": HashingVectorizer().fit(words),
        "columns": ColumnTransformer([("s", StandardScaler(), ["a"]), ("p", "passthrough", ["b"])]).fit(pd.DataFrame(X[:, :2], columns=["a", "b"])),
        "union": make_union(StandardScaler(), FunctionTransformer(np.log1p)).fit(X),
        "functions": make_pipeline(FunctionTransformer(np.abs), FunctionTransformer(np.sqrt)).fit(X),
        "stack": StackingClassifier([("rf", RandomForestClassifier(5)), ("lr", LogisticRegression())]).fit(X, y),
        "vote": VotingClassifier([("rf", RandomForestClassifier(5)), ("lr", LogisticRegression())], voting="soft").fit(X, y),
        "grid": GridSearchCV(SVC(), {"C": [1, 2]}, cv=KFold(2), scoring=make_scorer(f1_score)).fit(X, y),
        "random_search": GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=StratifiedKFold(2), scoring="roc_auc").fit(X, y),
        "multi": MultiOutputClassifier(LogisticRegression()).fit(X, np.stack([y, 1 - y], 1)),
        "target": TransformedTargetRegressor(func=np.log1p, inverse_func=np.expm1).fit(np.abs(X), np.abs(X[:, 0])),
        "bundle": {"model": LogisticRegression().fit(X, y), "columns": list("abcdef"), "created": datetime.datetime(2024, 1, 1), "version": "1.0", "metrics": {"auc": 0.9}},
        "list": [LogisticRegression().fit(X, y), StandardScaler().fit(X)],
    }
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process import kernels as k
    extras["kernel"] = GaussianProcessRegressor(k.ConstantKernel() * k.RBF() + k.WhiteKernel() + k.Matern(nu=1.5) * k.ExpSineSquared()).fit(X, y)
    import scipy.sparse as sp
    for kind in ("csr", "csc", "coo", "lil", "dia", "bsr"):
        extras[f"sparse_{kind}"] = sp.random(20, 20, 0.1, format=kind)
    import scipy.interpolate as si, scipy.spatial as ss, scipy.stats as st
    extras["interpolators"] = [si.CubicSpline([0, 1, 2], [0, 1, 4]), si.BSpline([0, 0, 0, 1, 1, 1], [1, 2, 3], 2), si.PchipInterpolator([0, 1, 2], [0, 1, 4])]
    extras["kdtree"] = ss.cKDTree(X)
    extras["frozen"] = st.norm(0, 1)
    for name, value in extras.items():
        dump_all(f"sklearn2/{name}", value, protocols=(2, 4, 5), compressors=("zlib", "gzip", "bz2", "lzma", "xz"))
    try:
        import lz4  # noqa: F401
        dump_all("sklearn2/lz4", extras["bundle"], protocols=(), compressors=("lz4",))
    except ImportError:
        print("skipped lz4")


def boosters():
    import xgboost as xgb
    d = xgb.DMatrix(X, y)
    booster = xgb.train({"max_depth": 2}, d, 5)
    (folder / "xgboost").mkdir(parents=True, exist_ok=True)
    for name in ("m.json", "m.ubj"):
        booster.save_model(str(folder / "xgboost" / name)); note(f"xgboost/{name}")
    dump_all("xgboost/booster", booster)
    for kind in (xgb.XGBClassifier, xgb.XGBRegressor, xgb.XGBRanker, xgb.XGBRFClassifier):
        model = kind(n_estimators=3)
        try:
            model.fit(X, y) if kind is not xgb.XGBRanker else model.fit(X, y, qid=np.repeat([0, 1], 30))
        except Exception as error:
            print("no", kind, error); continue
        dump_all(f"xgboost/{kind.__name__}", model)


def lightgbms():
    import lightgbm as lgb
    for kind in (lgb.LGBMClassifier, lgb.LGBMRegressor):
        model = kind(n_estimators=3, verbose=-1).fit(X, y)
        dump_all(f"lightgbm/{kind.__name__}", model)
        model.booster_.save_model(str(folder / f"lightgbm/{kind.__name__}.txt")); note(f"lightgbm/{kind.__name__}.txt")
        put(f"lightgbm/{kind.__name__}.json", json.dumps(model.booster_.dump_model()))
    dump_all("lightgbm/booster", model.booster_)


def catboosts():
    import catboost
    for kind in (catboost.CatBoostClassifier, catboost.CatBoostRegressor):
        model = kind(iterations=3, verbose=0, allow_writing_files=False).fit(X, y)
        dump_all(f"catboost/{kind.__name__}", model)
        for name in ("cbm", "json", "onnx", "pmml", "cpp", "python"):
            try:
                model.save_model(str(folder / f"catboost/{kind.__name__}.{name}"), format=name)
                if name not in ("cpp",): note(f"catboost/{kind.__name__}.{name}")
            except Exception as error:
                print("no", name, error)


def skopses():
    import skops.io
    from sklearn.linear_model import LogisticRegression
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    for name, model in {"lr": LogisticRegression().fit(X, y), "rf": RandomForestClassifier(3).fit(X, y), "pipe": make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)}.items():
        put(f"skops/{name}.skops", skops.io.dumps(model))


def tensors():
    from safetensors.numpy import save
    put("safetensors/a.safetensors", save({"w": X.astype("f4"), "b": y}, {"format": "pt"}))
    put("safetensors/b.safetensors", save({f"l{i}": X for i in range(30)}))
    put("safetensors/lora.safetensors", save({"lora_up.weight": X.astype("f4")}, {"ss_network_module": "networks.lora", "ss_base_model_version": "sdxl_base_v1-0", "modelspec.title": "a", "modelspec.hash_sha256": "0x" + "ab" * 32, "ss_dataset_dirs": "{\"10_a\": {\"n_repeats\": 10}}"}))


TEMPLATES = {
    "chatml": "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    "llama2": "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    "llama31": "{{- bos_token }}\n{%- if custom_tools is defined %}\n    {%- set tools = custom_tools %}\n{%- endif %}\n{%- if not date_string is defined %}\n    {%- if strftime_now is defined %}\n        {%- set date_string = strftime_now(\"%d %b %Y\") %}\n    {%- else %}\n        {%- set date_string = \"26 Jul 2024\" %}\n    {%- endif %}\n{%- endif %}\n{%- if messages[0]['role'] == 'system' %}\n    {%- set system_message = messages[0]['content']|trim %}\n    {%- set messages = messages[1:] %}\n{%- else %}\n    {%- set system_message = \"\" %}\n{%- endif %}\n{{- \"<|start_header_id|>system<|end_header_id|>\\n\\n\" }}\n{%- if tools is not none %}\n    {{- \"Environment: ipython\\n\" }}\n{%- endif %}\n{%- for t in tools or [] %}\n        {{- t | tojson(indent=4) }}\n        {{- \"\\n\\n\" }}\n{%- endfor %}\n{%- for message in messages %}\n    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}\n        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}\n    {%- elif 'tool_calls' in message %}\n        {%- set tool_call = message.tool_calls[0].function %}\n        {{- '{\"name\": \"' + tool_call.name + '\", ' }}\n        {%- for arg_name, arg_val in tool_call.arguments | items %}\n            {{- arg_name + '=\"' + arg_val + '\"' }}\n        {%- endfor %}\n    {%- endif %}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}\n{%- endif %}\n",
    "qwen25": "{%- if tools %}\n    {{- '<|im_start|>system\\n' }}\n    {%- if messages[0]['role'] == 'system' %}\n        {{- messages[0]['content'] }}\n    {%- else %}\n        {{- 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' }}\n    {%- endif %}\n    {{- \"\\n\\n# Tools\\n\\nYou may call one or more functions to assist with the user query.\\n\\nYou are provided with function signatures within <tools></tools> XML tags:\\n<tools>\" }}\n    {%- for tool in tools %}\n        {{- \"\\n\" }}\n        {{- tool | tojson }}\n    {%- endfor %}\n    {{- \"\\n</tools>\\n\\nFor each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:\\n<tool_call>\\n{\\\"name\\\": <function-name>, \\\"arguments\\\": <args-json-object>}\\n</tool_call><|im_end|>\\n\" }}\n{%- endif %}\n{%- for message in messages %}\n    {%- if (message.role == \"user\") or (message.role == \"system\" and not loop.first) or (message.role == \"assistant\" and not message.tool_calls) %}\n        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n    {%- elif message.role == \"tool\" %}\n        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != \"tool\") %}\n            {{- '<|im_start|>user' }}\n        {%- endif %}\n    {%- endif %}\n{%- endfor %}\n",
    "qwen3": "{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}\n{%- for message in messages[::-1] %}\n    {%- set index = (messages|length - 1) - loop.index0 %}\n    {%- if ns.multi_step_tool and message.role == \"user\" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}\n        {%- set ns.multi_step_tool = false %}\n        {%- set ns.last_query_index = index %}\n    {%- endif %}\n{%- endfor %}\n{%- for message in messages %}\n    {%- set reasoning_content = '' %}\n    {%- if '</think>' in message.content %}\n        {%- set reasoning_content = message.content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}\n        {%- set content = message.content.split('</think>')[-1].lstrip('\\n') %}\n    {%- endif %}\n{%- endfor %}",
    "mistral": "{%- if messages[0][\"role\"] == \"system\" %}\n    {%- set system_message = messages[0][\"content\"] %}\n    {%- set loop_messages = messages[1:] %}\n{%- else %}\n    {%- set loop_messages = messages %}\n{%- endif %}\n{%- set user_messages = loop_messages | selectattr(\"role\", \"equalto\", \"user\") | list %}\n{#- This block checks for alternating user/assistant messages #}\n{%- set ns = namespace() %}\n{%- set ns.index = 0 %}\n{%- for message in loop_messages %}\n    {%- if (message[\"role\"] == \"user\") != (ns.index % 2 == 0) %}\n        {{- raise_exception(\"After the optional system message, conversation roles must alternate\") }}\n    {%- endif %}\n    {%- set ns.index = ns.index + 1 %}\n{%- endfor %}\n{{- bos_token }}\n{%- for message in loop_messages %}\n    {%- if message[\"role\"] == \"user\" %}\n        {{- \"[INST] \" + message[\"content\"] + \"[/INST]\" }}\n    {%- elif message.tool_calls is defined and message.tool_calls is not none %}\n        {{- \"[TOOL_CALLS] [\" }}\n        {%- for tool_call in message.tool_calls %}\n            {%- set out = tool_call.function|tojson %}\n            {{- out[:-1] }}\n        {%- endfor %}\n    {%- endif %}\n{%- endfor %}\n",
    "commandr": "{{ bos_token }}{% if documents %}{% for doc in documents %}{{ 'Document: ' ~ loop.index0 ~ '\\n' }}{% for key, value in doc.items() %}{{ key | title ~ ': ' ~ value }}{% endfor %}{% endfor %}{% endif %}{% macro json_to_python_type(json_spec) %}{% set basic_type_map = {'string': 'str', 'number': 'float'} %}{% if basic_type_map[json_spec.type] is defined %}{{- basic_type_map[json_spec.type] }}{% elif json_spec.type == 'array' %}{{- 'List[' + json_to_python_type(json_spec['items']) + ']'}}{% else %}{{- 'Any' }}{% endif %}{% endmacro %}{% for message in messages %}{{ message.content | default('') | replace('a', 'b') | upper }}{% endfor %}",
    "gemma": "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\\n'}}{% endif %}",
    "deepseek": "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns = namespace(is_first=false, is_tool=false, is_output_first=true, system_prompt='') %}{%- for message in messages %}{%- if message['role'] == 'system' %}{% set ns.system_prompt = message['content'] %}{%- endif %}{%- endfor %}{{bos_token}}{{ns.system_prompt}}{%- for message in messages %}{%- if message['role'] == 'assistant' and message['content'] is none %}{%- set ns.is_tool = false -%}{%- for tool in message['tool_calls']%}{{tool['function']['name'] + '\\n' + '```json' + '\\n' + tool['function']['arguments'] + '\\n' + '```'}}{%- endfor %}{%- endif %}{%- endfor -%}",
}


def ggufs():
    import gguf
    (folder / "gguf").mkdir(parents=True, exist_ok=True)
    for name, template in TEMPLATES.items():
        path = folder / "gguf" / f"{name}.gguf"
        writer = gguf.GGUFWriter(str(path), "llama")
        writer.add_chat_template(template)
        writer.add_name(name); writer.add_description("A model"); writer.add_license("apache-2.0"); writer.add_url("https://huggingface.co/org/model")
        writer.add_block_count(2); writer.add_context_length(512)
        writer.add_tokenizer_model("gpt2"); writer.add_token_list(["a", "b", "eval(", "import os", "<script>", "{{", "}}", "{%"]); writer.add_token_scores([0.0] * 8)
        writer.add_tensor("blk.0.w", X.astype("f4")); writer.add_tensor("blk.1.w", X.astype("f2"))
        writer.write_header_to_file(); writer.write_kv_data_to_file(); writer.write_tensors_to_file(); writer.close()
        note(f"gguf/{name}.gguf")
        put(f"repository/{name}/tokenizer_config.json", json.dumps({"tokenizer_class": "LlamaTokenizer", "chat_template": template, "bos_token": "<s>", "model_max_length": 1e30}))
        put(f"repository/{name}/chat_template.jinja", template)


def hdf5s():
    import h5py
    (folder / "hdf5").mkdir(parents=True, exist_ok=True)
    for version in ("earliest", "latest", "v108", "v110"):
        for dense in (False, True):
            path = f"hdf5/{version}_{'dense' if dense else 'plain'}.h5"
            with h5py.File(folder / path, "w", libver=(version if version != "earliest" else "earliest", "latest")) as f:
                f.attrs["keras_version"] = "2.15.0"; f.attrs["backend"] = "tensorflow"
                f.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": [{"class_name": "Dense", "config": {"name": f"d{i}", "units": 3, "activation": "relu", "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}}}} for i in range(40)]}})
                g = f.create_group("model_weights")
                for i in range(40 if dense else 4):
                    layer = g.create_group(f"dense_{i}")
                    layer.attrs["weight_names"] = [f"dense_{i}/kernel:0".encode(), b"bias:0"]
                    layer.create_dataset("kernel:0", data=X, compression="gzip" if i % 2 else None, chunks=True if i % 2 else None)
                    layer.create_dataset("bias:0", data=X[0])
                    if dense:
                        for j in range(20): layer.attrs[f"attribute_{j}"] = j
                g["names"] = [f"name{i}" for i in range(20)]
                g["soft"] = h5py.SoftLink("/model_weights/dense_0")
            note(path)


def onnxs():
    import onnx
    from onnx import TensorProto, helper
    from sklearn.linear_model import LogisticRegression
    from sklearn.ensemble import RandomForestClassifier
    from skl2onnx import to_onnx
    for name, model in {"lr": LogisticRegression(), "rf": RandomForestClassifier(3)}.items():
        put(f"onnx/{name}.onnx", to_onnx(model.fit(X, y), X[:1].astype("f4")).SerializeToString())
    node = helper.make_node("Relu", ["x"], ["y"])
    value = lambda n: helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, 3])
    graph = helper.make_graph([node], "g", [value("x")], [value("y")], [helper.make_tensor("w", TensorProto.FLOAT, [3], [1, 2, 3])])
    model = helper.make_model(graph, producer_name="pytorch", opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
    helper.set_model_props(model, {"author": "me", "url": "https://github.com/org/model", "names": "{0: 'person', 1: 'car'}"})
    put("onnx/relu.onnx", model.SerializeToString())


def texts():
    configs = {
        "bert": {"architectures": ["BertForMaskedLM"], "model_type": "bert", "hidden_act": "gelu", "id2label": {"0": "evil", "1": "exec"}, "transformers_version": "4.40.0", "torch_dtype": "float32"},
        "llama": {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "rope_scaling": {"type": "linear", "factor": 2.0}, "_name_or_path": "meta-llama/Llama-2-7b-hf", "use_cache": True},
        "whisper": {"architectures": ["WhisperForConditionalGeneration"], "model_type": "whisper", "begin_suppress_tokens": [220, 50257], "forced_decoder_ids": [[1, 50259]]},
        "vit": {"architectures": ["ViTForImageClassification"], "model_type": "vit", "id2label": {str(i): f"class {i}" for i in range(1000)}},
        "clip": {"model_type": "clip", "text_config": {"model_type": "clip_text_model"}, "vision_config": {"model_type": "clip_vision_model"}},
        "t5": {"model_type": "t5", "task_specific_params": {"summarization": {"prefix": "summarize: ", "max_length": 200}}},
        "generation": {"bos_token_id": 1, "eos_token_id": [2, 3], "do_sample": True, "temperature": 0.6},
        "preprocessor": {"do_resize": True, "image_processor_type": "ViTImageProcessor", "size": {"height": 224, "width": 224}, "image_mean": [0.5] * 3},
        "diffusers": {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.24.0", "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"]},
        "peft": {"peft_type": "LORA", "base_model_name_or_path": "org/model", "r": 8, "target_modules": ["q_proj"], "auto_mapping": None},
        "sentence": [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}, {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}],
        "index": {"metadata": {"total_size": 100}, "weight_map": {f"l{i}": "model-00001-of-00002.safetensors" for i in range(300)}},
        "special_tokens": {"bos_token": {"content": "<s>", "lstrip": False}, "unk_token": "<unk>"},
        "mlflow_input": {"columns": ["a"], "data": [[1]]},
        "tfjs": {"format": "layers-model", "modelTopology": {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 3}}]}}, "weightsManifest": [{"paths": ["group1-shard1of1.bin"], "weights": []}]},
        "oci": {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:" + "0" * 64, "size": 2}, "layers": []},
        "keras": {"class_name": "Functional", "module": "keras.src.models.functional", "registered_name": "Functional", "config": {"name": "m", "layers": [{"module": "keras.layers", "class_name": "Dense", "config": {"units": 3, "kernel_initializer": {"module": "keras.initializers", "class_name": "GlorotUniform", "config": {"seed": None}, "registered_name": None}, "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}}, "registered_name": None, "build_config": {"input_shape": [None, 3]}, "inbound_nodes": [{"args": [{"class_name": "__keras_tensor__", "config": {"shape": [None, 3], "dtype": "float32", "keras_history": ["a", 0, 0]}}], "kwargs": {}}]}]}, "compile_config": {"optimizer": {"module": "keras.optimizers", "class_name": "Adam", "config": {"learning_rate": 0.001}, "registered_name": None}, "loss": "mse", "loss_weights": None, "metrics": ["mae"], "jit_compile": True}},
    }
    for name, value in configs.items():
        put(f"configs/{name}.json", json.dumps(value, indent=2))
    vocab = {w: i for i, w in enumerate(["[UNK]", "import", "os", "eval(", "exec(", "__class__", "subprocess", "{{", "}}", "{%", "%}", "<script>", "/bin/sh", "rm -rf", "curl http://x | sh", "system(", "os.system('a')"])}
    put("configs/tokenizer.json", json.dumps({"version": "1.0", "added_tokens": [{"id": 0, "content": "[UNK]", "special": True}], "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(?i:'s|'t)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"}}, "model": {"type": "BPE", "vocab": vocab, "merges": ["i m", "im port", "o s"]}}))
    put("configs/vocab.txt", "\n".join(vocab)); put("configs/merges.txt", "#version: 0.2\nĠ t\nĠ a\nh e\nimport Ġos\n")
    put("texts/README.md", "---\nlicense: apache-2.0\nlanguage: en\ntags:\n- text\n---\n# Model\n\n```python\nfrom transformers import AutoModel\nimport os\nmodel = AutoModel.from_pretrained('org/model', trust_remote_code=True)\nos.system('ls')\n```\n\nInstall: `curl -LsSf https://astral.sh/uv/install.sh | sh`\n")
    put("texts/requirements.txt", "# needs\ntorch>=2.0\nnumpy==1.26.4\ntransformers[torch]~=4.40\n-r base.txt\n--extra-index-url https://download.pytorch.org/whl/cu121\nscipy\ntorchx\npillow\nflash-attn ; platform_system == 'Linux'\n")
    put("texts/MLmodel", "artifact_path: model\nflavors:\n  python_function:\n    env:\n      conda: conda.yaml\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\n    python_version: 3.10.12\n  sklearn:\n    pickled_model: model.pkl\n    serialization_format: cloudpickle\nmlflow_version: 2.9.2\n")
    put("texts/conda.yaml", "channels:\n- conda-forge\ndependencies:\n- python=3.10.12\n- pip<=23\n- pip:\n  - mlflow==2.9.2\n  - scikit-learn==1.3.2\nname: mlflow-env\n")
    put("texts/hydra.yaml", "defaults:\n  - _self_\nmodel:\n  _target_: torch.nn.Linear\n  in_features: 3\n  out_features: 4\noptimizer:\n  _target_: torch.optim.AdamW\n  lr: 0.001\nlogger:\n  _target_: pytorch_lightning.loggers.TensorBoardLogger\ntrainer: {_target_: pytorch_lightning.Trainer, max_epochs: 3}\n")
    put("texts/ldm.yaml", "model:\n  base_learning_rate: 1.0e-4\n  target: ldm.models.diffusion.ddpm.LatentDiffusion\n  params:\n    unet_config:\n      target: ldm.modules.diffusionmodules.openaimodel.UNetModel\n      params: {image_size: 32}\n")
    put("texts/model.pmml", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PMML xmlns=\"http://www.dmg.org/PMML-4_4\" version=\"4.4\"><Header copyright=\"me\"><Application name=\"JPMML\"/></Header><DataDictionary numberOfFields=\"1\"><DataField name=\"x\" optype=\"continuous\" dataType=\"double\"/></DataDictionary><RegressionModel functionName=\"regression\"><MiningSchema><MiningField name=\"x\"/></MiningSchema><Extension name=\"note\" value=\"made by hand\"/><RegressionTable intercept=\"1\"/></RegressionModel></PMML>")
    put("texts/openvino.xml", "<?xml version=\"1.0\"?>\n<net name=\"m\" version=\"11\"><layers><layer id=\"0\" name=\"x\" type=\"Parameter\" version=\"opset1\"><data shape=\"1,3\" element_type=\"f32\"/></layer><layer id=\"1\" name=\"c\" type=\"Const\" version=\"opset1\"><data offset=\"0\" size=\"12\" element_type=\"f32\" shape=\"3\"/></layer></layers><edges/><meta_data><MO_version value=\"2023\"/></meta_data></net>")
    put("texts/notebook.ipynb", json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "markdown", "source": ["# Train"], "metadata": {}}, {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": [{"output_type": "display_data", "data": {"text/html": ["<table><tr><td>1</td></tr></table>"]}}], "source": ["!pip install torch\n", "%matplotlib inline\n", "import torch, os\n", "os.makedirs('out', exist_ok=True)\n", "model = torch.load('m.pt', weights_only=True)\n"]}]}))


def code():
    sources = {}
    import sklearn.linear_model._logistic as a, sklearn.ensemble._forest as b, joblib.hashing as c
    for module in (a, b, c):
        sources[module.__name__.replace(".", "_")] = pathlib.Path(module.__file__).read_text()
    for library, wanted in (("transformers", ("models/*/modeling_*.py", "models/*/configuration_*.py", "models/*/tokenization_*.py", "models/*/processing_*.py")), ("torch", ("nn/modules/*.py",)), ("keras", ("src/layers/*/*.py",)), ("timm", ("models/*.py",)), ("diffusers", ("models/*.py", "schedulers/*.py"))):
        try:
            spec = __import__(library)
        except ImportError:
            continue
        base = pathlib.Path(spec.__file__).parent
        for pattern in wanted:
            found = sorted(base.glob(pattern))
            for path in found[:: max(1, len(found) // 60)]:
                sources[f"{library}_{path.stem}"] = path.read_text()
    for name, text in sources.items():
        put(f"code/{name}.py", text)
    put("code/handler.py", "import json\nimport os\nimport torch\nfrom ts.torch_handler.base_handler import BaseHandler\n\nclass Handler(BaseHandler):\n    def initialize(self, context):\n        properties = context.system_properties\n        model_dir = properties.get('model_dir')\n        self.device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')\n        self.model = torch.jit.load(os.path.join(model_dir, 'model.pt'))\n        self.model.eval()\n        with open(os.path.join(model_dir, 'index_to_name.json')) as f:\n            self.mapping = json.load(f)\n")
    put("code/setup.py", "import os, re\nfrom setuptools import setup, find_packages\nhere = os.path.abspath(os.path.dirname(__file__))\nabout = {}\nwith open(os.path.join(here, 'pkg', '__version__.py')) as f:\n    exec(f.read(), about)\nsetup(name='pkg', version=about['__version__'], packages=find_packages(), install_requires=['torch'])\n")


def archives():
    base = pickle.dumps({"w": X})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("model/data.txt", "words"); z.writestr("model/w.npy", (lambda o: (np.save(o, X), o.getvalue())[1])(io.BytesIO())); z.writestr("config.json", "{}")
    put("archives/a.zip", out.getvalue())
    for mode in ("", ":gz", ":bz2", ":xz"):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w" + mode) as t:
            for name, data in (("model_config.yaml", b"name: x\ntarget: nemo.collections.asr.models.EncDecCTCModel\n"), ("w.pkl", base)):
                info = tarfile.TarInfo(name); info.size = len(data); t.addfile(info, io.BytesIO(data))
        put(f"archives/a.tar{mode.replace(':', '.')}", out.getvalue())
    put("archives/alone.lzma", lzma.compress(base, format=lzma.FORMAT_ALONE))
    try:
        import lz4.frame
        put("archives/w.pkl.lz4", lz4.frame.compress(base))
    except ImportError:
        print("skipped lz4")
    try:
        import zstandard
        put("archives/w.pkl.zst", zstandard.compress(base))
    except ImportError:
        print("skipped zstd")
    try:
        import py7zr
        for name, filters in {"lzma2": None, "lzma": [{"id": py7zr.FILTER_LZMA}], "bzip2": [{"id": py7zr.FILTER_BZIP2}], "copy": [{"id": py7zr.FILTER_COPY}], "deflate": [{"id": py7zr.FILTER_DEFLATE}], "zstd": [{"id": py7zr.FILTER_ZSTD}], "bcj": [{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA2, "preset": 6}]}.items():
            out = io.BytesIO()
            with py7zr.SevenZipFile(out, "w", filters=filters) as z:
                z.writestr(base, "w.pkl"); z.writestr(b'{"a": 1}', "config.json")
            put(f"archives/{name}.7z", out.getvalue())
    except ImportError:
        print("skipped 7z")
    try:
        import msgpack
        put("archives/flax.msgpack", msgpack.packb({"params": {"dense": {"kernel": msgpack.ExtType(1, msgpack.packb([list(X.shape), "float64", X.tobytes()])), "bias": msgpack.ExtType(1, msgpack.packb([[6], "float64", X[0].tobytes()]))}}}))
    except ImportError:
        print("skipped msgpack")


def torches():
    import torch
    (folder / "torch").mkdir(parents=True, exist_ok=True)
    net = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.1), torch.nn.Linear(8, 2))
    conv = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.LazyLinear(4))
    attention = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(8, 2, 16), 2)
    lstm = torch.nn.LSTM(3, 4, 2)
    models = {"net": net, "conv": conv, "attention": attention, "lstm": lstm, "embedding": torch.nn.Embedding(4, 3), "list": torch.nn.ModuleList([net, lstm]), "dict": torch.nn.ModuleDict({"a": net})}
    optimizer = torch.optim.AdamW(net.parameters())
    net(torch.randn(4, 6)).sum().backward(); optimizer.step()
    for name, model in models.items():
        for legacy in (True, False):
            kind = "legacy" if legacy else "zip"
            for what, value in {"state": model.state_dict(), "whole": model}.items():
                path = f"torch/{name}_{what}_{kind}.pt"
                torch.save(value, folder / path, _use_new_zipfile_serialization=not legacy); note(path)
    values = {"checkpoint": {"model": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "args": __import__("argparse").Namespace(lr=0.1), "rng": torch.get_rng_state()},
              "tensors": {str(d): torch.zeros(3, dtype=d) for d in (torch.float16, torch.bfloat16, torch.int8, torch.bool, torch.complex64)}, "sparse": torch.eye(3).to_sparse(), "csr": torch.eye(3).to_sparse_csr(), "device": torch.device("cpu"), "size": torch.Size([1, 2]), "parameter": torch.nn.Parameter(torch.ones(2)), "scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 2).state_dict(), "quantized": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)}
    for name, value in values.items():
        torch.save(value, folder / f"torch/{name}.pt"); note(f"torch/{name}.pt")
        if name not in ("sparse", "csr", "quantized"): put(f"torch/{name}.pkl", pickle.dumps(value))
    for name in ("net", "conv", "lstm"):
        try:
            scripted = torch.jit.script(models[name].eval())
            scripted.save(str(folder / f"torch/{name}_script.pt")); note(f"torch/{name}_script.pt")
        except Exception as error:
            print("no script", name, error)
    try:
        program = torch.export.export(net.eval(), (torch.randn(4, 6),))
        torch.export.save(program, folder / "torch/net.pt2"); note("torch/net.pt2")
    except Exception as error:
        print("no export", error)
    try:
        from torch.package import PackageExporter
        with PackageExporter(str(folder / "torch/package.pt")) as exporter:
            exporter.extern("torch.**"); exporter.save_pickle("model", "model.pkl", net)
        note("torch/package.pt")
    except Exception as error:
        print("no package", error)


def kerases():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras
    (folder / "keras").mkdir(parents=True, exist_ok=True)
    L = keras.layers
    models = {
        "dense": keras.Sequential([keras.Input((6,)), L.Dense(4, "relu"), L.Dropout(0.1), L.Dense(1)]),
        "conv": keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(4, 3), L.MaxPooling2D(), L.BatchNormalization(), L.Flatten(), L.Dense(2, "softmax")]),
        "text": keras.Sequential([keras.Input((5,)), L.Embedding(10, 4), L.Bidirectional(L.LSTM(3)), L.Dense(1)]),
        "pooled": keras.Sequential([keras.Input((8, 8, 3)), L.SeparableConv2D(4, 3), L.GlobalAveragePooling2D(), L.Dense(2)]),
    }
    a = keras.Input((6,)); b = L.Dense(4)(a); c = L.Dense(4)(a); d = L.Concatenate()([L.Add()([b, c]), b]); e = keras.ops.relu(d) * 2
    models["functional"] = keras.Model(a, L.Dense(1)(e))
    q = keras.Input((4, 8)); models["attention"] = keras.Model(q, L.LayerNormalization()(L.MultiHeadAttention(2, 4)(q, q)))
    for name, model in models.items():
        model.compile("adam", "mse", metrics=["mae"])
        for ending in ("keras", "h5", "weights.h5"):
            path = f"keras/{name}.{ending}"
            (model.save_weights if ending.startswith("weights") else model.save)(folder / path); note(path)
        put(f"keras/{name}.json", model.to_json())


def attempt(name, make):
    """One object of a library; what cannot be made here is named and passed over."""
    try:
        make()
    except Exception as error:
        print("no", name, type(error).__name__, str(error)[:120])


def libraries():
    import torch
    (folder / "libraries").mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(X, columns=list("abcdef")); frame["y"] = y
    def training_arguments():
        from transformers import TrainingArguments
        torch.save(TrainingArguments(output_dir="out", use_cpu=True), folder / "libraries/training_args.bin"); note("libraries/training_args.bin")
    def tokenizer():
        from tokenizers import Tokenizer, models, pre_tokenizers, decoders, normalizers, processors
        tok = Tokenizer(models.BPE(unk_token="[UNK]")); tok.pre_tokenizer = pre_tokenizers.ByteLevel(); tok.decoder = decoders.ByteLevel(); tok.normalizer = normalizers.NFC()
        put("libraries/tokenizer.pkl", pickle.dumps(tok)); put("libraries/tokenizer.json", tok.to_str())
    def configs():
        import transformers
        for kind in ("BertConfig", "LlamaConfig", "WhisperConfig", "ViTConfig", "T5Config", "GPT2Config", "CLIPConfig"):
            config = getattr(transformers, kind)()
            put(f"libraries/{kind}.json", config.to_json_string()); put(f"libraries/{kind}.pkl", pickle.dumps(config))
        model = transformers.BertModel(transformers.BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=50))
        torch.save(model, folder / "libraries/bert_whole.pt"); note("libraries/bert_whole.pt")
        torch.save(model.state_dict(), folder / "libraries/pytorch_model.bin"); note("libraries/pytorch_model.bin")
    def lightning():
        import pytorch_lightning as pl
        class Net(pl.LightningModule):
            def __init__(self, width=3, name="x"):
                super().__init__(); self.save_hyperparameters(); self.layer = torch.nn.Linear(6, 1)
            def training_step(self, batch, _): return self.layer(batch[0]).mean()
            def configure_optimizers(self): return torch.optim.Adam(self.parameters())
        trainer = pl.Trainer(max_epochs=1, logger=False, enable_progress_bar=False, accelerator="cpu", default_root_dir=str(folder / "tmp"), enable_model_summary=False)
        trainer.fit(Net(), torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(8, 6)), batch_size=4))
        trainer.save_checkpoint(folder / "libraries/lightning.ckpt"); note("libraries/lightning.ckpt")
    def statsmodels_():
        import statsmodels.api as sm
        result = sm.OLS(frame["y"], sm.add_constant(frame[list("abcdef")])).fit()
        put("libraries/ols.pkl", pickle.dumps(result)); put("libraries/logit.pkl", pickle.dumps(sm.Logit(frame["y"], frame[["a"]] + 0.5 * rng.normal(size=(60, 1))).fit(disp=0)))
        from statsmodels.tsa.arima.model import ARIMA
        put("libraries/arima.pkl", pickle.dumps(ARIMA(X[:, 0], order=(1, 0, 0)).fit()))
    def imbalanced():
        from imblearn.over_sampling import SMOTE
        from imblearn.pipeline import make_pipeline
        from sklearn.linear_model import LogisticRegression
        dump_all("libraries/imblearn", make_pipeline(SMOTE(k_neighbors=2), LogisticRegression()).fit(X, y))
    def encoders():
        import category_encoders as ce
        for kind in ("TargetEncoder", "OneHotEncoder", "OrdinalEncoder", "WOEEncoder", "CountEncoder"):
            put(f"libraries/ce_{kind}.pkl", pickle.dumps(getattr(ce, kind)(cols=["g"]).fit(pd.DataFrame({"g": list("abcdef") * 10}), y)))
    def lifelines_():
        from lifelines import CoxPHFitter, KaplanMeierFitter
        data = frame.assign(t=np.abs(X[:, 0]) + 1)
        put("libraries/cox.pkl", pickle.dumps(CoxPHFitter().fit(data[["t", "y", "a"]], "t", "y"))); put("libraries/km.pkl", pickle.dumps(KaplanMeierFitter().fit(data["t"], data["y"])))
    def hdb():
        import hdbscan
        put("libraries/hdbscan.pkl", pickle.dumps(hdbscan.HDBSCAN(min_cluster_size=3, prediction_data=True).fit(X)))
    def umaps():
        import umap
        put("libraries/umap.pkl", pickle.dumps(umap.UMAP(n_neighbors=5, n_epochs=5).fit(X)))
    def gensims():
        from gensim.models import Word2Vec, LdaModel, TfidfModel, Doc2Vec
        from gensim.corpora import Dictionary
        sentences = [w.split() for w in words]
        model = Word2Vec(sentences, vector_size=5, min_count=1)
        model.save(str(folder / "libraries/word2vec.model")); note("libraries/word2vec.model")
        dictionary = Dictionary(sentences); dictionary.save(str(folder / "libraries/dictionary.gensim")); note("libraries/dictionary.gensim")
        put("libraries/lda.pkl", pickle.dumps(LdaModel([dictionary.doc2bow(s) for s in sentences], num_topics=2, id2word=dictionary))); put("libraries/keyed.pkl", pickle.dumps(model.wv))
    def boosts():
        import ngboost
        put("libraries/ngboost.pkl", pickle.dumps(ngboost.NGBRegressor(n_estimators=3, verbose=False).fit(X, X[:, 0])))
    def geometric():
        from torch_geometric.data import Data
        from torch_geometric.nn import GCNConv
        torch.save(Data(x=torch.randn(3, 2), edge_index=torch.tensor([[0, 1], [1, 2]])), folder / "libraries/graph.pt"); note("libraries/graph.pt")
        torch.save(GCNConv(2, 3), folder / "libraries/gcn.pt"); note("libraries/gcn.pt")
    def reinforcement():
        from stable_baselines3 import PPO
        PPO("MlpPolicy", "CartPole-v1", n_steps=16).save(folder / "libraries/ppo.zip"); note("libraries/ppo.zip")
    def studies():
        import optuna
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(); study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
        put("libraries/study.pkl", pickle.dumps(study))
    def outliers():
        from pyod.models.iforest import IForest
        from pyod.models.knn import KNN
        put("libraries/iforest.pkl", pickle.dumps(IForest().fit(X))); put("libraries/knn.pkl", pickle.dumps(KNN().fit(X)))
    def markov():
        from hmmlearn.hmm import GaussianHMM
        put("libraries/hmm.pkl", pickle.dumps(GaussianHMM(2, n_iter=3).fit(X)))
    def autoarima():
        import pmdarima
        put("libraries/pmdarima.pkl", pickle.dumps(pmdarima.ARIMA(order=(1, 0, 0)).fit(X[:, 0])))
    def arrow():
        import pyarrow  # noqa: F401
        put("libraries/arrow.pkl", pickle.dumps(pd.DataFrame({"s": pd.array(words, dtype="string[pyarrow]"), "n": pd.array(y, dtype="int64[pyarrow]")})))
    def graphs():
        import networkx
        put("libraries/networkx.pkl", pickle.dumps(networkx.karate_club_graph()))
    def explainers():
        import shap
        from sklearn.ensemble import RandomForestClassifier
        put("libraries/shap.pkl", pickle.dumps(shap.TreeExplainer(RandomForestClassifier(3).fit(X, y))))
    def adapters():
        import peft
        put("libraries/lora.pkl", pickle.dumps(peft.LoraConfig(task_type="CAUSAL_LM", r=4)))
    def settings():
        from easydict import EasyDict
        from yacs.config import CfgNode
        from ml_collections import ConfigDict
        from omegaconf import OmegaConf
        put("libraries/easydict.pkl", pickle.dumps(EasyDict(a=1, b={"c": 2}))); put("libraries/yacs.pkl", pickle.dumps(CfgNode({"a": 1}))); put("libraries/ml_collections.pkl", pickle.dumps(ConfigDict({"a": 1}))); put("libraries/omegaconf.pkl", pickle.dumps(OmegaConf.create({"a": 1, "b": [1, 2]})))
    def wrapped():
        import skorch
        net = skorch.NeuralNetClassifier(torch.nn.Linear, module__in_features=6, module__out_features=2, max_epochs=1, verbose=0, criterion=torch.nn.CrossEntropyLoss).fit(X.astype("f4"), y)
        put("libraries/skorch.pkl", pickle.dumps(net))
    def recommenders():
        from surprise import SVD, Dataset, Reader
        data = Dataset.load_from_df(pd.DataFrame({"u": [1, 2, 3] * 10, "i": list(range(30)), "r": [1, 2, 3] * 10}), Reader())
        put("libraries/surprise.pkl", pickle.dumps(SVD(n_epochs=2).fit(data.build_full_trainset())))
    def sentences():
        put("libraries/modules.json", json.dumps([{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]))
    for name, make in list(locals().items()):
        if callable(make) and name not in ("torch",):
            attempt(name, make)


folder.mkdir(parents=True, exist_ok=True)
for name, make in {"plain": plain, "pandas": frames, "sklearn": estimators, "xgboost": boosters, "lightgbm": lightgbms, "catboost": catboosts, "skops": skopses, "safetensors": tensors, "gguf": ggufs, "hdf5": hdf5s, "onnx": onnxs, "texts": texts, "code": code, "archives": archives, "torch": torches, "keras": kerases, "libraries": libraries}.items():
    if len(sys.argv) < 3 or name in sys.argv[2:]:
        part(name, make)
(folder / "manifest.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n")
print(len(rows), "files")
