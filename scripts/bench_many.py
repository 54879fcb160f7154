#!/usr/bin/env python3
"""Sessions a minute through examples/one_session.py (a loop), ray_sessions.py and spark_sessions.py, in turns; and the same again, when all is there.

usage: .venv-consumers/bin/python scripts/bench_many.py WATCHCAP [--sessions 24] [--seconds 5] [--rounds 2]     after scripts/setup.sh consumers

Times are of whole processes, so the start of a cluster on this machine counts; `tasks` is without it, as the programs themselves say.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
WAYS = ("one_session", "ray_sessions", "spark_sessions")


def recorded(program: str, folder: pathlib.Path, sessions: int, seconds: int) -> pathlib.Path:
    """One recording of 1280x720 with text and motion, and copies of it; their catalog."""
    subprocess.run([program, "record", "--source", "synthetic", "--duration", f"{seconds}s", "--out", folder, "--session", "s0",
                    "--max-dropped", "100"], check=True, stdout=subprocess.DEVNULL)
    for number in range(1, sessions):
        shutil.copytree(folder / "s0", folder / f"s{number}")
    subprocess.run([program, "catalog", folder], check=True, stdout=subprocess.DEVNULL)
    size = sum(file.stat().st_size for file in (folder / "s0").iterdir())
    print(f"{sessions} sessions of {seconds} s, {size / 1e6:.1f} MB each; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    return folder / "catalog.parquet"


def timed(program: str, way: str, catalog: pathlib.Path, out: pathlib.Path, what: str) -> tuple[float, float]:
    """Seconds of the whole process and of its tasks; `what` is what must have become of each session."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, EXAMPLES / f"{way}.py", catalog, "--out", out, "--watchcap", program], capture_output=True, text=True)
    whole = time.monotonic() - began
    said = re.search(rf"(\d+) sessions: .*?\1 {what}.*?; ([\d.]+) s,", done.stdout)
    if done.returncode != 0 or not said:
        sys.exit(f"{way} failed:\n{done.stdout}{done.stderr}")
    return whole, float(said[2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("watchcap")
    parser.add_argument("--sessions", type=int, default=24)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    program = os.path.abspath(args.watchcap)
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        os.environ |= {"XDG_CONFIG_HOME": str(scratch / "config"), "RAY_TMPDIR": name, "SPARK_LOCAL_IP": "127.0.0.1"}
        catalog = recorded(program, scratch / "sessions", args.sessions, args.seconds)
        for turn in range(args.rounds):
            for way in WAYS:
                out = scratch / f"{way}-{turn}"
                for what in ("made", "kept"):
                    whole, tasks = timed(program, way, catalog, out, what)
                    print(f"round {turn}, {way}, {what}: whole {whole:.1f} s, {60 * args.sessions / whole:.0f} a minute; "
                          f"tasks {tasks:.1f} s, {60 * args.sessions / tasks:.0f} a minute; load {os.getloadavg()[0]:.1f}", flush=True)
                shutil.rmtree(out)


if __name__ == "__main__":
    main()
