"""How many rows a second are sealed and migrated, against pyarrow writing the same table; and how long a catalog takes.

    bench_tables.py [--program target/release/watchcap] [--minutes 10] [--sessions 10000] [--rounds 3] [--part all]

The log is that of `cargo bench --bench finalize`: 1000 inputs and 60 frame references a second. All sides run in turn, in processes of their
own; wall time and CPU time are those of the finished process. pyarrow reads the table before its clock starts, and makes no hashes.
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent

# What a table of this format asks of its writer.
ENCODINGS = {
    **{name: "DELTA_BINARY_PACKED" for name in ("t_ns", "frame_ref", "seq", "pts")},
    **{name: "BYTE_STREAM_SPLIT" for name in ("mouse_x", "mouse_y", "delta", "mouse_dx", "mouse_dy")},
}
TEXTS = ["event_type", "mouse_button", "window_id", "session_id", "source", "metadata.key_value.key", "metadata.key_value.value"]


def timed(command):
    """Wall and CPU seconds of a command, and what it printed."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command} failed: {done.stderr}")
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, done.stdout


def pyarrow_writes(source, same):
    """In a process of its own: reads the table, then times writing it; prints wall and CPU seconds."""
    table = pq.read_table(source)
    options = {"compression": "zstd", "row_group_size": 131_072}
    if same:
        options.update(use_dictionary=TEXTS, column_encoding=ENCODINGS, write_page_index=True)
    with tempfile.TemporaryDirectory(dir=Path(source).parent) as folder:
        cpu, began = time.process_time(), time.monotonic()
        pq.write_table(table, f"{folder}/t.parquet", **options)
        with open(f"{folder}/t.parquet", "rb+") as file:
            os.fsync(file.fileno())
        print(time.monotonic() - began, time.process_time() - cpu)


def row_hash_1_0(row):
    """FORMAT.md, "Row hash", for the columns of 1.0.0."""
    out = bytearray()

    def text(value):
        data = value.encode()
        return struct.pack("<I", len(data)) + data

    kinds = "qtiffTfqttm"
    names = ["t_ns", "event_type", "key_code", "mouse_x", "mouse_y", "mouse_button", "delta", "frame_ref", "window_id", "session_id"]
    for name, kind in zip([*names, "metadata"], kinds):
        value = row[name]
        if value is None:
            out.append(0)
        elif kind == "m":
            out += b"\x01" + struct.pack("<I", len(value)) + b"".join(text(k) + text(v) for k, v in sorted(value))
        else:
            out += b"\x01" + (text(value) if kind in "tT" else struct.pack(f"<{kind}", value))
    return hashlib.sha256(out).hexdigest()[:32]


def downgrade(session, to):
    """A session of 1.0.0 with the rows of one of 1.1.0: what the columns say goes back into the map."""
    to.mkdir(mode=0o700)
    table = pq.read_table(session / "events.parquet")
    rows = table.to_pylist()
    for row in rows:
        words = dict(row["metadata"])
        flags = {"pressed": row["pressed"] if row["event_type"] == "mouse_click" else None}
        flags |= {"keyframe": row["is_keyframe"] or None, "repeat": row["repeat"] or None}
        words |= {key: str(int(value)) for key, value in flags.items() if value is not None}
        for key, name in (("dx", "mouse_dx"), ("dy", "mouse_dy")):
            if row[name] is not None:
                words[key] = f"{row[name]:g}"
        words |= {key: str(row[key]) for key in ("pts", "source") if row[key] is not None}
        row["metadata"] = sorted(words.items())
        row["hash"] = row_hash_1_0(row)
    fields = [table.schema.field(n) for n in range(12)]
    schema = pa.schema(fields, metadata={"watchcap.format_version": "1.0.0", "watchcap.session_id": rows[0]["session_id"]})
    columns = [pa.array([row[field.name] for row in rows], field.type) for field in fields]
    pq.write_table(pa.table(columns, schema=schema), to / "events.parquet", compression="zstd", row_group_size=131_072)
    said = json.loads((session / "metadata.json").read_text())
    (to / "metadata.json").write_text(json.dumps({**said, "format_version": "1.0.0", "codec": said["codec_string"]}))
    shutil.copy(session / "frames.mp4", to / "frames.mp4")
    seal(to)


def seal(session):
    names = sorted(path.name for path in session.iterdir() if path.name != "integrity.sha256")
    lines = [f"{hashlib.sha256((session / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (session / "integrity.sha256").write_text("".join(lines))


def many(session, folder, count):
    """Sessions with their own ids and seals in folders of a hundred, whose videos and tables are hard links to one."""
    said = json.loads((session / "metadata.json").read_text())
    hashes = {name: hashlib.sha256((session / name).read_bytes()).hexdigest() for name in ("events.parquet", "frames.mp4")}
    for n in range(count):
        copy = folder / f"{n // 100:04}" / f"session_{n:06}"
        copy.mkdir(parents=True, mode=0o700)
        for name in hashes:
            os.link(session / name, copy / name)
        text = json.dumps({**said, "session_id": str(uuid.UUID(int=n + 1))}, indent=2)
        (copy / "metadata.json").write_text(text)
        sums = {**hashes, "metadata.json": hashlib.sha256(text.encode()).hexdigest()}
        (copy / "integrity.sha256").write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)))


def cold():
    """Lets the system forget what it has of the disk; whether it did."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        return False
    return True


def tables(arguments, folder):
    log = folder / "log"
    bench = ["cargo", "bench", "--locked", "-q", "--bench", "finalize", "--", "--make", str(log), str(arguments.minutes)]
    if arguments.maker:
        bench = [arguments.maker, "--make", str(log), str(arguments.minutes)]
    subprocess.run(bench, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    results = {}
    sealed, old = folder / "sealed", folder / "old"
    for turn in range(arguments.rounds):
        session = folder / f"s{turn}"
        shutil.copytree(log, session)
        os.sync()
        results.setdefault("watchcap finalize", []).append(timed([arguments.program, "finalize", session])[:2])
        if turn == 0:
            shutil.copytree(session, sealed)
            downgrade(sealed, old)
            counted = pq.ParquetFile(sealed / "events.parquet").metadata.num_rows
        shutil.rmtree(session)
        results.setdefault("watchcap migrate", []).append(timed([arguments.program, "migrate", old])[:2])
        shutil.rmtree(folder / "old_1_2_0")
        for name, same in (("pyarrow, same encodings", "1"), ("pyarrow, its own encodings", "")):
            command = [sys.executable, __file__, "--write", str(sealed / "events.parquet"), "--same", same]
            wall, cpu = map(float, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
            results.setdefault(name, []).append((wall, cpu))
    print(f"\n{counted} rows, {arguments.minutes} minutes, {arguments.rounds} rounds: least and median wall time, CPU of the least")
    for name, runs in results.items():
        runs.sort()
        wall, cpu = runs[0]
        median = statistics.median(run[0] for run in runs)
        print(f"| {name} | {wall:.2f} s | {median:.2f} s | {cpu:.2f} s | {counted / wall / 1e6:.2f} million rows/s |")


def catalog(arguments, folder):
    golden = ROOT / "tests/golden/session-1.0.0"
    small, sessions = folder / "small", folder / "sessions"
    shutil.copytree(golden, small)
    many(small, sessions, arguments.sessions)
    forgotten = cold()
    run = [arguments.program, "catalog", "--json", str(sessions)]
    print(f"\n{arguments.sessions} sessions of {sum(f.stat().st_size for f in small.iterdir())} bytes")
    first = timed(run)
    again = timed(run)
    changed = sessions / "0000" / "session_000000"
    said = json.loads((changed / "metadata.json").read_text())
    (changed / "metadata.json").write_text(json.dumps({**said, "game": "another"}))
    seal(changed)
    one = timed(run)
    what = "caches dropped" if forgotten else "caches as they were"
    for name, (wall, cpu, out) in ((f"first ({what})", first), ("nothing changed", again), ("one changed", one)):
        told = json.loads(out)
        print(f"| {name} | {wall:.2f} s | {cpu:.2f} s | {told['read']} read, {told['known']} known |")
    table = pq.read_table(sessions / "catalog.parquet")
    assert len(table) == arguments.sessions and pc.count_distinct(table["session_id"]).as_py() == arguments.sessions
    try:
        import duckdb
    except ImportError:
        return
    began = time.monotonic()
    duckdb.sql(f"select game, count(*), sum(hours), sum(frames) from '{sessions}/catalog.parquet' group by game").fetchall()
    size = (sessions / "catalog.parquet").stat().st_size
    print(f"| DuckDB, hours and frames by game | {time.monotonic() - began:.3f} s | | the catalog has {size} bytes |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=str(ROOT / "target/release/watchcap"))
    parser.add_argument("--maker", help="the built benchmark, to make the log without cargo")
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", choices=["tables", "catalog", "all"], default="all")
    parser.add_argument("--write", help=argparse.SUPPRESS)
    parser.add_argument("--same", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write:
        return pyarrow_writes(arguments.write, bool(arguments.same))
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as folder:
        if arguments.part != "catalog":
            tables(arguments, Path(folder))
        if arguments.part != "tables":
            catalog(arguments, Path(folder))


main()
