"""Has the programs of examples/ verify and export a catalog of whole and damaged sessions: in a loop, on Ray Data and on PySpark. All three must
make the same, name what is damaged, stop at nothing, and do only what is missing when they run again.

usage: many_sessions.py WATCHCAP SCRATCH [one_session|ray_sessions|spark_sessions]...     in .venv-consumers: make test-consumers
"""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pyarrow.parquet as pq

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
# What becomes of each session that `recorded` leaves.
WHOLE = ["more/one", "one", "three", "two"]
BAD = {"flipped": ("not_verified", "frames.mp4: its SHA-256 is not the sealed one"), "gone": ("not_verified", "is no folder"),
       "replaced": ("not_verified", "not the one that was expected"), "unsealed": ("not_verified", "integrity.sha256: the session has no seal")}


def watchcap(program: str, *arguments: object) -> None:
    subprocess.run([program, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def recorded(program: str, folder: pathlib.Path) -> pathlib.Path:
    """Whole sessions, two of one name, and what happens to sessions: before the catalog was made, and after. Returns the catalog."""
    for name in ("one", "two", "three"):
        watchcap(program, "record", "-q", "--source", "synthetic", "--size", "320x240", "--duration", "1s", "--out", folder, "--session", name, "--max-dropped", 100)
    for source, copy in [("two", "more/one"), ("one", "flipped"), ("one", "gone"), ("one", "replaced"), ("one", "unsealed")]:
        shutil.copytree(folder / source, folder / copy)
    (folder / "unsealed/integrity.sha256").unlink()
    subprocess.run([program, "catalog", "-q", folder], stdout=subprocess.DEVNULL, check=False)
    video = bytearray((folder / "flipped/frames.mp4").read_bytes())
    video[len(video) // 2] ^= 1
    (folder / "flipped/frames.mp4").write_bytes(video)
    shutil.rmtree(folder / "gone")
    shutil.rmtree(folder / "replaced")
    shutil.copytree(folder / "three", folder / "replaced")
    return folder / "catalog.parquet"


def run(program: str, example: str, catalog: pathlib.Path, out: pathlib.Path, *more: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(EXAMPLES / f"{example}.py"), str(catalog), "--out", str(out), "--watchcap", program, *more]
    return subprocess.run(command, capture_output=True, text=True, cwd="/")


def outcomes(done: subprocess.CompletedProcess, out: pathlib.Path, code: int, of_whole: dict[str, str]) -> list[dict]:
    """The rows of the results, which must be these: bad ones with reasons and hints, the others as said."""
    assert done.returncode == code, f"exit {done.returncode}:\n{done.stdout}{done.stderr}"
    rows = pq.read_table(out / "results.parquet").to_pylist()
    expected = dict(sorted((of_whole | {path: what for path, (what, _) in BAD.items()}).items()))
    assert {row["path"]: row["outcome"] for row in rows} == expected, f"{rows}\n{done.stderr}"
    for row in rows:
        if row["path"] in BAD:
            assert BAD[row["path"]][1] in row["problem"] and row["hint"] and row["manifest"] is None, row
            assert f"error: {row['path']}: {row['problem']}\nhint: {row['hint']}" in done.stderr, done.stderr
        else:
            assert row["problem"] is None and pathlib.Path(row["manifest"]).is_file(), row
            manifest = json.loads(pathlib.Path(row["manifest"]).read_text())
            assert manifest["source"]["integrity_sha256"] == row["integrity_sha256"], row
            assert row["size_bytes"] == sum(file["size_bytes"] for file in manifest["files"]), row
            assert (row["frames"] is None) == (row["outcome"] == "kept"), row
    return rows


def contents(out: pathlib.Path) -> dict[str, tuple[str, int]]:
    """Hash and time of each file that was made, by its path."""
    made = (file for file in out.rglob("*") if file.is_file() and file.name != "results.parquet")
    return {str(file.relative_to(out)): (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns) for file in made}


def check(program: str, example: str, catalog: pathlib.Path, out: pathlib.Path) -> dict[str, str]:
    """All of it, again, again with one missing, and without the program. Returns the hashes of what was made."""
    rows = outcomes(run(program, example, catalog, out), out, 3, dict.fromkeys(WHOLE, "made"))
    tasks = {row["task"] for row in rows}
    assert tasks == {None} if example == "one_session" else len(tasks) == len(rows) and None not in tasks, f"not a task for each: {tasks}"
    first = contents(out)

    outcomes(run(program, example, catalog, out), out, 3, dict.fromkeys(WHOLE, "kept"))
    assert contents(out) == first, "what was there was made again"

    for file in (out / "two").iterdir():
        file.unlink()
    outcomes(run(program, example, catalog, out), out, 3, dict.fromkeys(WHOLE, "kept") | {"two": "made"})
    again = contents(out)
    assert {name: hashed for name, (hashed, _) in again.items()} == {name: hashed for name, (hashed, _) in first.items()}
    assert all(again[name] == first[name] for name in first if not name.startswith("two/")), "more than the missing one was made"

    done = run("/nothing/watchcap", example, catalog, out.with_name(out.name + "-none"))
    assert done.returncode == 3 and "cannot run /nothing/watchcap" in done.stderr and "hint: install watchcap on every machine" in done.stderr, done.stderr
    print(f"ok: {example}: {len(WHOLE)} made, {len(BAD)} bad ones named, again nothing, again the missing one")
    return {name: hashed for name, (hashed, _) in first.items()}


def main() -> None:
    program, scratch = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    # Nobody's settings; what Ray keeps of a run goes with the scratch folder; Spark listens on loopback.
    os.environ |= {"XDG_CONFIG_HOME": str(scratch / "config"), "RAY_TMPDIR": str(scratch), "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": ""}
    catalog = recorded(program, scratch / "sessions")
    made = {example: check(program, example, catalog, scratch / example) for example in sys.argv[3:] or ["one_session", "ray_sessions", "spark_sessions"]}
    assert len({json.dumps(hashes, sort_keys=True) for hashes in made.values()}) == 1, "they did not make the same"


if __name__ == "__main__":
    main()
