"""Verifies, checks and exports the sessions of a catalog, one after the other: what ray_sessions.py and spark_sessions.py do on many machines.

usage: one_session.py CATALOG --out DIR [--format actions] [--option=--fps=20]... [--watchcap watchcap]

What was made is in DIR, in a folder for each session under its path in the catalog, and DIR/results.parquet has a row for each session of the
catalog. A session that cannot be exported is named with its reason and stops no other; the exit code is then 3. Run again, it makes what is missing.
"""
import argparse
import hashlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
from typing import Any, TypedDict

import pyarrow as pa
import pyarrow.parquet as pq

# Of a row of the results. `made` and `kept` are good: `kept` was there already, and its manifest says that it is of this session.
GOOD = ("made", "kept")
RESULTS = pa.schema([
    ("path", pa.string()), ("outcome", pa.string()), ("problem", pa.string()), ("hint", pa.string()), ("integrity_sha256", pa.string()),
    ("frames", pa.int64()), ("not_checked", pa.string()), ("manifest", pa.string()), ("size_bytes", pa.int64()), ("seconds", pa.float64()),
    ("host", pa.string()), ("task", pa.string()),
])


class Job(TypedDict):
    """What a task is told: plain values, so that they travel to any machine. The folders are on a disk that all machines see."""
    path: str  # in the catalog
    session: str
    out: str
    seal: str | None  # integrity_sha256 as the catalog has it
    state: str
    format: str
    options: list[str]
    program: str


class Failed(Exception):
    """A step that a session did not pass: which, why, and what to do."""

    def __init__(self, outcome: str, problem: str, hint: str | None):
        super().__init__(problem)
        self.outcome, self.problem, self.hint = outcome, problem, hint


def jobs_of(catalog: pathlib.Path, out: pathlib.Path, format: str, options: list[str], program: str) -> list[Job]:
    """A job for each row of a catalog, or of rows that were chosen from one; exits when it is none."""
    try:
        rows = pq.read_table(catalog, columns=["path", "state", "integrity_sha256"]).to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        sys.exit(f"error: {catalog} is no catalog: {error}\nhint: make one with: watchcap catalog FOLDER")
    top, out = catalog.resolve().parent, out.resolve()
    for row in rows:
        if pathlib.PurePosixPath(row["path"]).is_absolute() or ".." in pathlib.PurePosixPath(row["path"]).parts:
            sys.exit(f"error: {catalog} names {row['path']}, which is not below its folder\nhint: watchcap catalog FOLDER makes one of a folder")
    return [Job(path=row["path"], session=str(top / row["path"]), out=str(out / row["path"]), seal=row["integrity_sha256"], state=row["state"],
                format=format, options=options, program=program) for row in rows]


def call(job: Job, *arguments: str) -> tuple[int, str, str]:
    """Runs watchcap: its exit code, results and messages."""
    try:
        done = subprocess.run([job["program"], *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        where = f"{job['program']} on {socket.gethostname()}"
        raise Failed("failed", f"cannot run {where}: {error}", "install watchcap on every machine, or say where it is: --watchcap") from error
    return done.returncode, done.stdout, done.stderr


def said(code: int, messages: str) -> tuple[str, str | None]:
    """The reason and the hint of a watchcap that failed."""
    lines = messages.splitlines()
    begin = next((n for n, line in enumerate(lines) if line.startswith("error: ")), None)
    if begin is None:
        return f"watchcap ended with {code}: {messages.strip()[-500:]}", "a negative code is a signal: 9 is what ends programs where memory is short"
    reasons = [lines[begin].removeprefix("error: ")]
    for line in lines[begin + 1:]:
        if not line.startswith("  "):
            break
        reasons.append(line.strip())
    hint = next((line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")), None)
    return "; ".join(reasons), hint


def seal_of(session: str) -> str | None:
    """What stands for every byte of a session: the SHA-256 of its seal."""
    try:
        return hashlib.sha256(pathlib.Path(session, "integrity.sha256").read_bytes()).hexdigest()
    except OSError:
        return None


def was_made(job: Job) -> bool:
    """Whether a manifest says that this very session was exported: only what was verified is."""
    manifest = pathlib.Path(job["out"], f"{pathlib.Path(job['session']).name}.{job['format']}.export.json")
    try:
        source = json.loads(manifest.read_text())["source"]
        return source["integrity_sha256"] == job["seal"] == seal_of(job["session"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def verify(job: Job) -> dict[str, Any]:
    """Every file, row and frame of the session, and that it is the one of the catalog; its report."""
    if job["state"] not in ("sealed", "damaged"):
        raise Failed("no_session", f"it is a log ({job['state']})", f"make a session of it first: watchcap finalize {job['session']}")
    expected = ["--expect", job["seal"]] if job["seal"] else []
    code, report, messages = call(job, "verify", "--json", *expected, job["session"])
    if code != 0:
        raise Failed("not_verified", *said(code, messages))
    return json.loads(report)


def export(job: Job) -> dict[str, Any]:
    """Makes what is missing of the export; the line that says what is there now."""
    code, made, messages = call(job, "export", job["format"], "--json", *job["options"], "--out", job["out"], "--", job["session"])
    if code != 0:
        raise Failed("not_exported", *said(code, messages))
    if not made.strip():
        raise Failed("not_exported", "nothing of it is asked for", "the options leave all of it out (--only-accepted, --from, --to)")
    return json.loads(made)


def do(job: Job, task: str | None = None) -> dict[str, Any]:
    """One session, from its seal to its export. Never raises because of a session: its row says what is wrong with it."""
    began = time.monotonic()
    row: dict[str, Any] = dict.fromkeys(RESULTS.names) | {
        "path": job["path"], "integrity_sha256": job["seal"], "host": socket.gethostname(), "task": task}
    try:
        report = {} if was_made(job) else verify(job)
        row |= {"frames": report.get("frames"), "not_checked": report.get("not_checked")}
        made = export(job)
        row |= {"outcome": "kept" if made["kept"] else "made", "manifest": str(pathlib.Path(made["manifest"])),
                "size_bytes": sum(file["size_bytes"] for file in made["files"])}
    except Failed as failed:
        row |= {"outcome": failed.outcome, "problem": failed.problem, "hint": failed.hint}
    return row | {"seconds": time.monotonic() - began}


def finish(rows: list[dict[str, Any]], out: pathlib.Path, began: float) -> int:
    """Writes the results, names the bad ones, and says how fast it was. Returns the exit code."""
    out.mkdir(parents=True, exist_ok=True)
    rows = sorted(rows, key=lambda row: row["path"])
    begun = out / f"results.parquet.{os.getpid()}.tmp"
    pq.write_table(pa.Table.from_pylist(rows, schema=RESULTS), begun)
    begun.replace(out / "results.parquet")
    bad = [row for row in rows if row["outcome"] not in GOOD]
    for row in bad:
        print(f"error: {row['path']}: {row['problem']}" + (f"\nhint: {row['hint']}" if row["hint"] else ""), file=sys.stderr)
    for row in rows:
        if row["not_checked"]:
            print(f"note: {row['path']}: not checked: {row['not_checked']}", file=sys.stderr)
    counts = ", ".join(f"{sum(row['outcome'] == what for row in rows)} {what}" for what in GOOD)
    seconds = time.monotonic() - began
    print(f"{len(rows)} sessions: {counts}, {len(bad)} bad; {seconds:.1f} s, {60 * len(rows) / seconds:.0f} sessions a minute; {out / 'results.parquet'}")
    return 3 if bad else 0


def arguments(about: str | None) -> tuple[argparse.ArgumentParser, Any]:
    """The options that all three programs have."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalog", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--format", default="actions", choices=["actions", "frames-json", "video", "vpt", "webdataset", "mcap"])
    parser.add_argument("--option", dest="options", action="append", default=[], help="of watchcap export: --option=--fps=20")
    parser.add_argument("--watchcap", default="watchcap", help="the program, where it is on every machine")
    # A name is looked for on each machine, a path is the same on all of them.
    program = lambda args: os.path.abspath(args.watchcap) if os.sep in args.watchcap else args.watchcap
    return parser, lambda args: jobs_of(args.catalog, args.out, args.format, args.options, program(args))


def main() -> int:
    parser, jobs = arguments(__doc__)
    args = parser.parse_args()
    began = time.monotonic()
    return finish([do(job) for job in jobs(args)], args.out, began)


if __name__ == "__main__":
    sys.exit(main())
