#!/usr/bin/env python3
"""How soon a pause holds, and how fast a session is redacted.

Records an X server of its own, with a program that repaints all the time and a script of mouse movements, and pauses it many times through the
control socket. Then reads the session: the time from writing the request to the last picture and the last input that were kept
(negative: both lie before it), to the moment that the recorder named, and to its answer. Then redacts spans of that session.

    scripts/bench_control.py [--binary target/release/watchcap] [--pauses 50] [--size 1920x1080]
"""
import argparse, json, os, pathlib, signal, socket, statistics, subprocess, sys, tempfile, time

import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).resolve().parent.parent


def ask(path, verb):
    """Times around one request, and its answer."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(path))
        before = time.monotonic_ns()
        s.sendall(json.dumps({"watchcap": 1, "do": verb}).encode() + b"\n")
        answer = b""
        while part := s.recv(65536):
            answer += part
        after = time.monotonic_ns()
    answer = json.loads(answer)
    assert answer["ok"], answer
    return before, after, answer["t_ns"]


def spread(name, values):
    values = sorted(v / 1e6 for v in values)
    print(f"  {name}: median {statistics.median(values):.2f} ms, least {values[0]:.2f}, most {values[-1]:.2f} ({len(values)})")


def watchcap(args, *command):
    """Runs it; frames that a busy machine lost are no failure here (exit code 3)."""
    done = subprocess.run([args.binary, *command], capture_output=True, text=True)
    if done.returncode not in (0, 3):
        sys.exit(f"{command[0]} failed with {done.returncode}: {done.stderr}")
    return done.stdout


def record(args, folder, env):
    examples = args.binary.parent / "examples"
    width, height = args.size.split("x")
    painter = subprocess.Popen([examples / "barcode_client", "--display", env["DISPLAY"], "--width", width, "--height", height,
                                "--log", folder / "paints.jsonl"], stdout=subprocess.DEVNULL)
    hand = subprocess.Popen([examples / "xtest_script", "--display", env["DISPLAY"], "--seconds", "600", "--only", "relative"],
                            stdout=subprocess.DEVNULL)
    recorder = subprocess.Popen([args.binary, "record", "--consent", "screen,input", "--session", "s", "--out", folder, "--fps", "60",
                                 "--no-finalize"], env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    path = folder / "control" / f"{recorder.pid}.sock"
    until = time.monotonic() + 20
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(2)
    pauses = []
    for _ in range(args.pauses):
        pauses.append(ask(path, "pause"))
        time.sleep(0.15)
        ask(path, "resume")
        time.sleep(0.35)
    time.sleep(2)
    recorder.send_signal(signal.SIGINT)
    code = recorder.wait()
    hand.terminate(), painter.terminate(), hand.wait(), painter.wait()
    assert code in (0, 3), code
    watchcap(args, "finalize", folder / "s")
    return pauses


def latency(folder, pauses):
    rows = pq.read_table(folder / "s/events.parquet", columns=["t_ns", "event_type", "metadata", "source"]).to_pylist()
    taken = [r for r in rows if r["source"] not in (None, "recorder") or r["event_type"] == "frame"]
    kept = {"picture": [], "input": []}
    for before, after, t in pauses:
        assert any(r["event_type"] == "pause" and r["t_ns"] == t for r in rows)
        resumed = next(r["t_ns"] for r in rows if r["event_type"] == "resume" and r["t_ns"] > t)
        late = [r for r in taken if t <= r["t_ns"] < resumed]
        assert not late, f"{len(late)} rows in a pause"
        for name, is_it in (("picture", lambda r: r["event_type"] == "frame"), ("input", lambda r: r["event_type"] != "frame")):
            kept[name].append(max(r["t_ns"] for r in taken if is_it(r) and r["t_ns"] < t) - before)
    print(f"{len(pauses)} pauses, {len(taken)} rows beside them; from writing the request to")
    spread("the moment of the pause", [t - before for before, _, t in pauses])
    spread("the last picture that was kept", kept["picture"])
    spread("the last input that was kept", kept["input"])
    spread("the answer", [after - before for before, after, _ in pauses])


def redact(args, folder):
    session = folder / "s"
    info = json.loads((session / "metadata.json").read_text())
    rows, frames = sum(info["counts"].values()), info["frames"]
    seconds = info["duration_ns"] / 1e9
    print(f"{info['dropped_frames']} frames were dropped while recording")
    print(f"redacting {rows} rows, {frames} frames of {'x'.join(map(str, info['resolution']))}:")
    for name, extra in (("keys of all of it", ["--keys"]),
                        ("an area of all of it", ["--mask", "0.1,0.1,0.3,0.3"]),
                        ("an area of a second in the middle", ["--mask", "0.1,0.1,0.3,0.3"])):
        whole = "all" in name
        span = ("0", "9:00:00") if whole else (f"{seconds / 2:.3f}", f"{seconds / 2 + 1:.3f}")
        begun, cpu = time.monotonic(), sum(os.times()[2:4])
        out = watchcap(args, "redact", session, "--from", span[0], "--to", span[1], "--json", *extra)
        took, cpu = time.monotonic() - begun, sum(os.times()[2:4]) - cpu
        told = json.loads(out.splitlines()[-1])
        encoded = told.get("frames_encoded", 0)
        print(f"  {name}: {took:.2f} s, {rows / took:.0f} rows/s, {encoded} frames encoded, {encoded / took:.0f}/s; "
              f"{cpu:.2f} s CPU, per second of it {rows / cpu:.0f} rows, {encoded / cpu:.0f} frames encoded")
        subprocess.run(["rm", "-r", told["session"]], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, default=HERE / "target/release/watchcap")
    parser.add_argument("--pauses", type=int, default=50)
    parser.add_argument("--size", default="1920x1080")
    args = parser.parse_args()
    if not args.binary.exists():
        sys.exit(f"{args.binary} is missing: cargo build --release --bins --examples")
    display = subprocess.Popen(["Xvfb", "-displayfd", "1", "-screen", "0", f"{args.size}x24", "-nolisten", "tcp", "-noreset"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            env = dict(os.environ, DISPLAY=f":{display.stdout.readline().strip()}", WATCHCAP_CONTROL_DIR=str(folder / "control"),
                       XDG_CONFIG_HOME="/nonexistent")
            pauses = record(args, folder, env)
            latency(folder, pauses)
            redact(args, folder)
    finally:
        display.terminate()
        display.wait()


if __name__ == "__main__":
    main()
