#!/usr/bin/env python3
"""Hours of recording in parts: whether memory, open files, threads and CPU time stay flat, and whether every input is there at the end.

    scripts/soak.py [--minutes 120] [--split 30m] [--fps 30] [--every 60] [--binary target/release/watchcap] [--dir /var/tmp]

A real X server (1280x720), a client that paints a new barcode 50 times a second over all of it, and inputs injected through XTEST all the time, each of
them logged. `--every` seconds the recorder's own figures are read from /proc (its encoder is in its process). At the end every part is verified, and the
injected inputs are compared with those of all parts, one by one, in order. What seals a part is a process of its own, and not in these figures.
"""
import argparse, json, os, pathlib, shutil, signal, statistics, sys, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "chaos"))
import common
from common import Broken, check
import truth

TICK = os.sysconf("SC_CLK_TCK")


def used(pid):
    """Resident MB, open files, threads, CPU seconds so far."""
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    files = len(os.listdir(f"/proc/{pid}/fd"))
    return int(status["VmRSS"].split()[0]) / 1024, files, int(status["Threads"]), (int(fields[11]) + int(fields[12])) / TICK


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--split", default="30m")
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--every", type=float, default=60, help="seconds between two readings")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--binary", type=pathlib.Path, default=common.ROOT / "target/release/watchcap")
    parser.add_argument("--clients", type=pathlib.Path, default=common.ROOT / "target/release/examples")
    parser.add_argument("--dir", type=pathlib.Path, default=pathlib.Path("/var/tmp"))
    args = parser.parse_args()
    args.realtime = False
    return args


def recorded(folder):
    """What was recorded in all parts, in order, without the rows themselves: hours of them would not fit."""
    found = []
    for part in sorted(path for path in folder.iterdir() if path.is_dir()):
        found += [(key, None) for key, _ in truth.recorded(truth.rows(part))]
    return found


def main():
    args = arguments()
    work = pathlib.Path(tempfile.mkdtemp(prefix="soak-", dir=args.dir))
    parts, log = work / "parts", work / "truth.jsonl"
    parts.mkdir()
    common.SIZE = (1280, 720)
    desk = common.Desk(args)
    command = [args.binary, "record", "--consent", "screen,input", "--session", "s", "--json", "--fps", args.fps, "--split", args.split,
               "--encoder", "openh264", "--out", parts]
    readings, script = [], None
    with open(work / "out", "w") as out, open(work / "err", "w") as err:
        recorder = common.subprocess.Popen([str(word) for word in command], stdin=common.subprocess.DEVNULL, stdout=out, stderr=err,
                                           env=common.environment(DISPLAY=desk.name))
    try:
        common.wait_for("the first part", (parts / "s-part0001/log/frames.mp4").exists)
        time.sleep(1)
        script = desk.script(args.seed, log, int(args.minutes * 60) + 600)
        began = time.monotonic()
        print("minute  resident MB  files  threads  CPU s a minute  parts", flush=True)
        before = used(recorder.pid)[3]
        while (passed := time.monotonic() - began) < args.minutes * 60:
            time.sleep(min(args.every, args.minutes * 60 - passed))
            check(recorder.poll() is None, f"it ended with {recorder.returncode}: {(work / 'err').read_text()[-2000:]}")
            check(script.poll() is None, "the input script ended")
            memory, files, threads, cpu = used(recorder.pid)
            minute = (time.monotonic() - began) / 60
            readings.append((minute, memory, files, threads, (cpu - before) * 60 / args.every))
            before = cpu
            print(f"{minute:6.1f}  {memory:11.1f}  {files:5}  {threads:7}  {readings[-1][4]:14.2f}  {len(list(parts.iterdir())):5}", flush=True)
        common.stop(script)
        time.sleep(1)
        recorder.send_signal(signal.SIGINT)
        recorder.wait(300)
    finally:
        common.end(recorder)
        if script:
            common.end(script)
        desk.close()
    check(recorder.returncode in (0, 3), f"it ended with {recorder.returncode}: {(work / 'err').read_text()[-2000:]}")
    folders = sorted(path for path in parts.iterdir() if path.is_dir())
    frames = dropped = events = 0
    for part in folders:
        code, _, told = common.run([args.binary, "verify", part], timeout=1800)
        check(code == 0, f"verify of {part} ended with {code}: {told}")
        meta = common.metadata(part)
        frames, dropped, events = frames + meta["frames"], dropped + meta["dropped_frames"], events + sum(meta["counts"].values())
    expected = truth.injected(log)
    found = recorded(parts)
    check(len(found) == len(expected), f"{len(found)} inputs are recorded, {len(expected)} were injected")
    vague = common.in_order(expected, found)
    quarter = max(1, len(readings) // 4)
    told = []
    for column, name in ((1, "resident MB"), (2, "files"), (3, "threads"), (4, "CPU s a minute")):
        first, last = (statistics.median(row[column] for row in rows) for rows in (readings[:quarter], readings[-quarter:]))
        told.append(f"{name} {first:.2f} -> {last:.2f}")
    print(f"{len(folders)} parts, all verified; {frames} frames, {dropped} dropped; {events} rows")
    print(f"{len(expected)} inputs injected, {len(expected)} recorded once and in order ({vague} motions without their steps)")
    print("median of the first quarter -> of the last quarter: " + "; ".join(told))
    print(json.dumps({"minutes": args.minutes, "parts": len(folders), "frames": frames, "dropped": dropped, "injected": len(expected), "vague": vague}))
    shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except Broken as broken:
        sys.exit(f"soak: {broken}")
