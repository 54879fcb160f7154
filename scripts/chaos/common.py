"""What the campaigns share: arguments, real parts (X server, clients, the program), the checks of a session, the report.

A campaign is a number of runs. Run N of seed S always draws the same numbers, so `--seed S --only N` makes a run again (what the
scheduler does with it is not repeated). A run that finds a broken promise raises `Broken`; its folder is then kept.
"""
import argparse, concurrent.futures, contextlib, hashlib, json, os, pathlib, queue, random, shutil, signal, subprocess, sys, tempfile, threading, time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/python"))
SIZE = (640, 360)


class Broken(Exception):
    """A promise that does not hold."""


def check(condition, text):
    if not condition:
        raise Broken(text)


def arguments(description, runs, **more):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=runs, help=f"runs (default {runs})")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="only this run of the seed")
    parser.add_argument("--workers", type=int, default=2, help="runs at the same time")
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "target/debug/watchcap")
    parser.add_argument("--clients", type=pathlib.Path, default=ROOT / "target/debug/examples", help="folder of the X clients")
    parser.add_argument("--dir", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()), help="where to record")
    parser.add_argument("--realtime", action="store_true", help="what is recorded and recording has real-time priority (as root): on a machine that "
                        "is busy with other things, what is measured is then not their doing")
    parser.add_argument("--audio", action="store_true", help="record the built-in clicks as well, and judge what is left of the sound")
    parser.add_argument("--encoder", metavar="NAME", help="encode with this one: x264 (`make x264`) and ffmpeg:… are child processes")
    parser.add_argument("--raw", type=pathlib.Path, help="append every figure to this file, as a line of JSON")
    for name, settings in more.items():
        parser.add_argument("--" + name.replace("_", "-"), **settings)
    args = parser.parse_args()
    if args.encoder == "x264":
        os.environ.setdefault("WATCHCAP_X264", str(ROOT / "x264/target/release/watchcap-x264"))
    return args


def media(args):
    """What `record` is told of sound and of the encoder. How fast that is on a machine full of campaigns is not the question."""
    return ["--audio", "synthetic"] * args.audio + (["--encoder", args.encoder, "--no-encoder-check"] if args.encoder else [])


def environment(**more):
    env = {k: v for k, v in os.environ.items() if k not in ("WATCHCAP_CONSENT", "WATCHCAP_OUT", "DISPLAY")}
    return env | {"XDG_CONFIG_HOME": "/nonexistent"} | more


def prompt(args, command):
    """The command, with the priority that was asked for what must not wait."""
    return [str(c) for c in (["chrt", "-r", "1", *command] if args.realtime else command)]


@contextlib.contextmanager
def prompt_here(args):
    """This thread does not wait either: between reading the clock and the kill that it times nothing must come."""
    if args.realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(2))
    try:
        yield
    finally:
        if args.realtime:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def run(command, timeout=60, **more):
    """Exit code (negative: the signal), standard output, standard error."""
    try:
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, errors="replace", timeout=timeout,
                              stdin=subprocess.DEVNULL, env=more.pop("env", environment()), **more)
    except subprocess.TimeoutExpired:
        raise Broken(f"'{' '.join(map(str, command[:8]))}' did not end within {timeout} s") from None
    return done.returncode, done.stdout, done.stderr


def events(out):
    """The lines of a recorder's output by their `event`."""
    found = {}
    for line in out.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and "event" in value:
            found[value["event"]] = value
    return found


def wait_for(what, ready, seconds=20):
    until = time.monotonic() + seconds
    while not ready():
        check(time.monotonic() < until, f"{what} did not come within {seconds} s")
        time.sleep(0.005)


def end(child):
    """Ends a process of ours, at once."""
    if child.poll() is None:
        child.kill()
    child.wait()


class Desk:
    """An X server with a client on it that paints a new barcode 50 times a second over all of its screen."""

    def __init__(self, args, log=None):
        self.args = args
        width, height = SIZE
        server = ["Xvfb", "-displayfd", "1", "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp", "-noreset"]
        self.server = subprocess.Popen(prompt(args, server), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.name = ":" + self.server.stdout.readline().decode().strip()
        check(self.name != ":", "Xvfb did not start; hint: scripts/setup.sh chaos")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="chaos-desk-"))
        paints = log or self.folder / "paints.jsonl"
        painter = [args.clients / "barcode_client", "--display", self.name, "--override", "true", "--rate", "50", "--width", width, "--height", height,
                   "--log", paints]
        self.painter = subprocess.Popen(prompt(args, painter))
        wait_for("the barcode client's first picture", lambda: paints.exists() and paints.stat().st_size > 200)

    def script(self, seed, log, seconds, only=None):
        """Starts to inject inputs; `stop` ends it and completes its log."""
        command = [self.args.clients / "xtest_script", "--display", self.name, "--seed", seed, "--seconds", seconds, "--sync", "true", "--log", log]
        return subprocess.Popen(prompt(self.args, command + (["--only", only] if only else [])))

    def close(self):
        end(self.painter), end(self.server)
        shutil.rmtree(self.folder, ignore_errors=True)


def stop(child, seconds=20):
    child.terminate()
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        end(child)
        raise Broken("the input script did not end") from None


def record(args, out, extra, display=None):
    """Starts the recorder; what it prints goes to files beside its session."""
    consent = "screen,input,audio" if args.audio else "screen,input"
    source = ["--consent", consent] if display else ["--source", "synthetic", "--size", "320x240"]
    command = [args.binary, "record", *source, *media(args), "--session", "s", "--json", "--out", out, *extra]
    env = environment(DISPLAY=display) if display else environment()
    with open(out / "out", "w") as stdout, open(out / "err", "w") as stderr:
        return subprocess.Popen(prompt(args, command), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=env)


def recording(out, child, frames=True):
    """Waits until the recorder says that it records, and has stored pictures."""
    video = out / "s/log/frames.mp4"

    def ready():
        check(child.poll() is None, f"the recorder ended with {child.returncode}: {(out / 'err').read_text()}")
        return "recording" in events((out / "out").read_text()) and (not frames or (video.exists() and video.stat().st_size > 3000))
    wait_for("the recording", ready)


def metadata(session):
    return json.loads((session / "metadata.json").read_text())


def finalize(args, session, timeout=60):
    code, _, err = run([args.binary, "finalize", session], timeout)
    check(code in (0, 3), f"finalize ended with {code}: {err}")
    return code


def verified(args, session):
    """The session's metadata, after `verify` found nothing."""
    code, _, err = run([args.binary, "verify", session])
    check(code == 0, f"verify ended with {code}: {err}")
    return metadata(session)


def children(pid):
    """The processes that a process has started, and that are there."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in task.read_text().split()]
    return found


def gone(pids):
    """Whether these processes have ended; one that nobody has waited for yet has."""
    def state(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return "Z"
    return all(state(pid) == "Z" for pid in pids)


def sound_end(session, meta):
    """When the last sound of a session ended; every click in it must be where the clock says, but where its time is a guess."""
    settings = meta["streams"]["audio"]["settings"]
    check("t0_ns" in settings, f"there is no sound: {meta['streams']['audio']}")
    code, out, err = run([sys.executable, ROOT / "tests/python/clicks.py", session / "audio.mp4"])
    check(code == 0, f"the sound cannot be read: {err}")
    heard = json.loads(out)
    if not settings.get("t0_is_guessed"):
        for click in heard["clicks"]:
            off = (settings["t0_ns"] + click * 1e9 + 250e6) % 500e6 - 250e6
            # One that was cut off by the begin, or by a gap, begins with it.
            check(abs(off) < 20e6 or meta["lost"] or click < 0.01, f"a click at {click:.3f} s is {off / 1e6:.1f} ms off")
    return settings["t0_ns"] + settings["samples"] * 1e9 / settings["rate_hz"]


def fingerprint(session):
    """Every file of a sealed session with its hash."""
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(session.iterdir()) if f.is_file()}


def holes(meta):
    """What is missing before the end of a log: what only a hole makes. (A frame behind the last record is at its end.)"""
    recovery = meta["recovery"] or {}
    found = {key: recovery[key] for key in ("holes", "missing_records", "cut_records", "copied_chunks", "torn_frames") if recovery.get(key)}
    return found | ({"partial_id": True} if recovery.get("partial_id") else {})


def in_order(expected, found):
    """Checks that what was recorded is the begin of what was injected, one by one; how many motions have no steps.

    A motion may be recorded without its steps: nothing in an event of XTEST's device tells steps from places, and in a long batch the way
    of the pointer need not prove them. (Steps of a mouse are always known.)
    """
    check(len(found) <= len(expected), f"{len(found)} inputs are recorded, {len(expected)} were injected")
    vague = 0
    for number, (want, have) in enumerate(zip(expected, found)):
        if want[0][0] == "rel" and have[0] == ("abs",):
            vague += 1
        else:
            check(want[0] == have[0], f"input {number}: injected {want[0]}, recorded {have[0]}")
    return vague


def spread(values):
    """p50, p90, p99 and the worst, and how many there are."""
    ordered = sorted(values)
    if not ordered:
        return {"of": 0}
    at = lambda part: ordered[min(len(ordered) - 1, int(part * len(ordered)))]
    return {"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "worst": ordered[-1], "of": len(ordered)}


def percentiles(values):
    found = spread(values)
    if not found["of"]:
        return "none measured"
    return ", ".join(f"{name} {found[name]:.1f}" for name in ("p50", "p90", "p99", "worst")) + f" (of {found['of']})"


class Campaign:
    """Runs, several at a time, and what came of them."""

    def __init__(self, name, args):
        self.name, self.args = name, args
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"chaos-{name}-", dir=args.dir))
        self.failures, self.faults, self.figures, self.lock = [], {}, {}, threading.Lock()
        self.calls = {}
        self.done, self.began = 0, time.monotonic()

    def fault(self, kind):
        with self.lock:
            self.faults[kind] = self.faults.get(kind, 0) + 1

    def figure(self, name, value):
        with self.lock:
            self.figures.setdefault(name, []).append(value)

    def one(self, number, work):
        rng = random.Random(f"{self.name} {self.args.seed} {number}")
        folder = self.folder / f"run{number}"
        folder.mkdir()
        try:
            work(number, rng, folder)
            shutil.rmtree(folder, ignore_errors=True)
        except Exception as error:
            with self.lock:
                self.failures.append(number)
            print(f"{self.name}: seed {self.args.seed} run {number}: {type(error).__name__}: {error}\n    kept in {folder}", file=sys.stderr, flush=True)
        with self.lock:
            self.done += 1
            if sys.stderr.isatty() or self.done % 50 == 0:
                print(f"{self.name}: {self.done} runs, {len(self.failures)} failures, {time.monotonic() - self.began:.0f} s", file=sys.stderr, flush=True)

    def runs(self, work, numbers=None):
        numbers = [self.args.only] if self.args.only is not None else (range(self.args.runs) if numbers is None else numbers)
        with concurrent.futures.ThreadPoolExecutor(self.args.workers) as pool:
            list(pool.map(lambda number: self.one(number, work), numbers))

    def report(self, *lines):
        """Prints what was measured and answers with the exit code."""
        print(f"{self.name}: {self.done} runs, seed {self.args.seed}, {len(self.failures)} failures, {time.monotonic() - self.began:.0f} s, "
              f"{self.args.binary.parent.name} build, in {self.args.dir}")
        print("  faults: " + ", ".join(f"{count} {kind}" for kind, count in sorted(self.faults.items())))
        for line in lines:
            print("  " + line)
        if self.failures:
            print(f"  failing runs (--seed {self.args.seed} --only N): {sorted(self.failures)}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        print(json.dumps({"campaign": self.name, "seed": self.args.seed, "runs": self.done, "failures": sorted(self.failures),
                          "faults": self.faults, "calls": self.calls, "figures": {k: spread(v) for k, v in self.figures.items()}}), flush=True)
        if self.args.raw:
            with open(self.args.raw, "a") as raw:
                raw.write(json.dumps({"campaign": self.name, "seed": self.args.seed, "in": str(self.args.dir), "figures": self.figures}) + "\n")
        if not self.done:
            print("  nothing was run", file=sys.stderr)
        return 1 if self.failures or not self.done else 0
