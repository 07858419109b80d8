"""Scores Merlon and four scanners of PyPI on the same labelled files, in one table.

    python -m venv PEERS && PEERS/bin/pip install picklescan==1.0.5 modelscan==0.8.8 fickling==0.1.12 modelaudit==0.2.54
    PEERS/bin/python bench/scan/peers.py FOLDER... [--only TOOL,TOOL] [--json OUT]

Each FOLDER has a `manifest.jsonl` (a line a file: path, verdict). Every tool runs in a process of its
own, file by file within it, so that start-up counts for none; a file that takes longer than 30 s is a
hang, and the process is started anew. Files are scanned, never loaded.

What each tool says is put on one scale: 3 is high or worse, 2 medium, 1 a note, 0 nothing; `error` where
it fell over, `skipped` where it says that it does not read such a file.
  picklescan   dangerous 3, suspicious 2
  modelscan    critical and high 3, medium 2, low 1
  fickling     likely unsafe and worse 3, possibly unsafe and suspicious 2 (pickles, and those in archives)
  modelaudit   critical 3, warning 2, info 1
"""
import collections, json, os, pathlib, selectors, subprocess, sys, time

limit_s = 30


def levels_of(tool):
    """A function from a path to a level."""
    if tool == "picklescan":
        from picklescan.scanner import scan_file_path

        def look(path):
            found = scan_file_path(path)
            if found.issues_count:
                return 3
            if found.suspicious_count:
                return 2
            if found.scan_err:
                return "error"
            return 0 if found.scanned_files else "skipped"

        return look
    if tool == "modelscan":
        from modelscan.modelscan import ModelScan

        scanner = ModelScan()
        order = {"CRITICAL": 3, "HIGH": 3, "MEDIUM": 2, "LOW": 1}

        def look(path):
            result = scanner.scan(path)
            issues = [order.get(issue["severity"], 0) for issue in result["issues"]]
            if issues:
                return max(issues)
            if result["errors"]:
                return "error"
            return 0 if result["summary"]["scanned"]["total_scanned"] else "skipped"

        return look
    if tool == "fickling":
        import io, zipfile
        from fickling.analysis import Severity, check_safety
        from fickling.fickle import StackedPickle

        def one(data):
            worst = 0
            for pickled in StackedPickle.load(io.BytesIO(data)):
                severity = check_safety(pickled).severity
                worst = max(worst, 3 if severity >= Severity.LIKELY_UNSAFE else 0 if severity == Severity.LIKELY_SAFE else 2)
            return worst

        def look(path):
            data = pathlib.Path(path).read_bytes()
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    names = [name for name in archive.namelist() if name.endswith((".pkl", ".pickle"))]
                    return max([one(archive.read(name)) for name in names], default="skipped")
            # A pickle of protocol 2 and later says so; earlier ones may be anything that is no other format.
            if data[:1] != b"\x80" and not path.endswith((".pkl", ".pickle", ".p", ".dat", ".data", ".joblib", ".bin", ".pt", ".pth")):
                return "skipped"
            return one(data)

        return look
    from modelaudit.core import scan_model_directory_or_file

    order = {"critical": 3, "warning": 2, "info": 1}

    def look(path):
        result = scan_model_directory_or_file(path, timeout=limit_s)
        levels = [order.get(getattr(issue.severity, "value", str(issue.severity)), 0) for issue in result.issues]
        if levels:
            return max(levels)
        return 0 if result.files_scanned else "skipped"

    return look


def worker(tool):
    """Reads paths, writes one line of JSON each, with the answers on a channel of their own."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    look = levels_of(tool)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        begun = time.perf_counter()
        try:
            level = look(line.rstrip("\n"))
        except (Exception, SystemExit):
            level = "error"
        print(json.dumps([level, time.perf_counter() - begun]), file=answers, flush=True)


class Peer:
    def __init__(self, tool):
        self.tool = tool
        self.process = None

    def ask(self, path):
        if self.process is None:
            words = [sys.executable, os.path.abspath(__file__), "--worker", self.tool]
            env = {**os.environ, "PROMPTFOO_DISABLE_TELEMETRY": "1", "NO_ANALYTICS": "1"}
            self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
            self.process.stdout.readline()
        self.process.stdin.write(path + "\n")
        self.process.stdin.flush()
        with selectors.DefaultSelector() as waits:
            waits.register(self.process.stdout, selectors.EVENT_READ)
            line = self.process.stdout.readline() if waits.select(limit_s) else ""
        if line:
            return json.loads(line)
        hung = self.process.poll() is None
        self.process.kill()
        self.process.wait()
        self.process = None
        return ["hang" if hung else "error", limit_s if hung else 0]


def merlon(folder, rows):
    """The scanner's own command over the whole folder; seconds are those of the whole process."""
    root = pathlib.Path(__file__).resolve().parents[2]
    words = [root / "node_modules/.bin/node", "--conditions=source", root / "packages/scan/src/command/main.ts"]
    begun = time.perf_counter()
    ran = subprocess.run([*map(str, words), str(folder), "--json"], stdout=subprocess.PIPE, check=False)
    seconds = time.perf_counter() - begun
    order = {"critical": 3, "high": 3, "medium": 2, "low": 1, "note": 1}
    said = {}
    for file in json.loads(ran.stdout)["files"]:
        levels = [order[finding["severity"]] for finding in file["findings"]]
        said[os.path.relpath(file["path"], folder)] = max(levels, default=0)
    return [[said.get(row["path"], "skipped"), seconds / len(rows)] for row in rows]


def share(part, whole):
    return "" if whole == 0 else f"{100 * part / whole:.1f} %"


def score(name, rows, answers):
    by = collections.defaultdict(list)
    for row, (level, _) in zip(rows, answers):
        by[row["verdict"]].append(level)
    at_least = lambda verdict, least: sum(isinstance(level, int) and level >= least for level in by[verdict])
    said = lambda word: sum(level == word for level, _ in answers)
    return [
        name,
        share(at_least("malicious", 3), len(by["malicious"])),
        share(at_least("suspicious", 2), len(by["suspicious"])),
        share(at_least("benign", 3), len(by["benign"])),
        share(at_least("benign", 2), len(by["benign"])),
        str(said("skipped")),
        str(said("error")),
        str(said("hang")),
        f"{sum(seconds for _, seconds in answers):.1f} s",
    ]


def main(words):
    option = lambda flag: words[words.index(flag) + 1] if flag in words else None
    only = (option("--only") or "merlon,picklescan,modelscan,fickling,modelaudit").split(",")
    taken = {option("--only"), option("--json")}
    kept = {}
    for folder in [word for word in words if not word.startswith("--") and word not in taken]:
        rows = [json.loads(line) for line in pathlib.Path(folder, "manifest.jsonl").read_text().splitlines()]
        counts = collections.Counter(row["verdict"] for row in rows)
        print(f"\n{folder}: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
        head = ["tool", "malicious high", "suspicious", "benign high", "benign medium", "skipped", "error", "hang", "time"]
        print("| " + " | ".join(head) + " |\n|" + "---|" * len(head), flush=True)
        for tool in only:
            if tool == "merlon":
                answers = merlon(folder, rows)
            else:
                peer = Peer(tool)
                answers = [peer.ask(os.path.join(folder, row["path"])) for row in rows]
                if peer.process is not None:
                    peer.process.kill()
            print("| " + " | ".join(score(tool, rows, answers)) + " |", flush=True)
            kept.setdefault(folder, {})[tool] = {row["path"]: level for row, (level, _) in zip(rows, answers)}
    if option("--json"):
        pathlib.Path(option("--json")).write_text(json.dumps(kept))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(sys.argv[2])
    else:
        main(sys.argv[1:])
