"""Puts sessions into a bucket of a real S3 server and has examples/from_a_bucket.py read them there: rows by both ways of DuckDB, pictures by
both decoders, and refusals. What it prints must be what the files on disk say.

usage: bucket_check.py WATCHCAP SCRATCH     in .venv-consumers: make test-consumers
"""
import collections
import os
import pathlib
import re
import subprocess
import sys

import av
import numpy as np
import pyarrow.fs
import pyarrow.parquet as pq

import s3_server

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples/from_a_bucket.py"
sys.path.append(str(EXAMPLE.parent))
import from_a_bucket
INPUTS = ("key_down", "key_up", "mouse_move", "mouse_click", "wheel")


def recorded(program: str, folder: pathlib.Path) -> list[pathlib.Path]:
    """Two sessions and their catalog; the second has a video of some megabytes, of which one picture is a small part."""
    for name, more in [("one", ["--duration", "2s"]), ("two", ["--duration", "20s", "--bitrate-kbps", "4000"])]:
        subprocess.run([program, "record", "-q", "--source", "synthetic", *more, "--out", folder, "--session", name, "--max-dropped", "100"], check=True)
    subprocess.run([program, "catalog", "-q", folder], check=True)
    return [folder / "one", folder / "two"]


def expected(sessions: list[pathlib.Path]) -> tuple[dict[str, int], str]:
    """Inputs of each session, and its presses as the example prints them."""
    inputs: dict[str, int] = {}
    presses: collections.Counter = collections.Counter()
    for session in sessions:
        rows = pq.read_table(session / "events.parquet").to_pylist()
        inputs[rows[0]["session_id"]] = sum(row["event_type"] in INPUTS for row in rows)
        presses.update(dict(row["metadata"])["code"] for row in rows if row["event_type"] == "key_down" and not row["repeat"])
    return inputs, ", ".join(f"{code} {count}" for code, count in sorted(presses.items(), key=lambda item: (-item[1], item[0])))


def check_picture(s3: pyarrow.fs.S3FileSystem, session: pathlib.Path, decoder: str, number: int) -> None:
    """Of the pictures about there, decoded in order from the file on disk, the one that was fetched is that with this number. (Decoders take
    matrices of colours differently, so no two are the same to the byte.)"""
    frames = from_a_bucket.frames_of(s3, f"films/all/{session.name}/events.parquet")
    with s3.open_input_file(f"films/all/{session.name}/frames.mp4") as file:
        got = getattr(from_a_bucket, f"by_{decoder}")(from_a_bucket.Ranges(file), number, frames).astype(np.float64)
    with av.open(str(session / "frames.mp4")) as video:
        around = {n: frame.to_ndarray(format="rgb24") for n, frame in zip(range(number + 4), video.decode(video=0)) if n > number - 4}
    distances = {n: float(np.abs(got - frame).mean()) for n, frame in around.items()}
    assert min(distances, key=distances.__getitem__) == number and distances[number] < 6, (decoder, distances)


def run(folder: str, endpoint: str, environment: dict[str, str], *more: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(EXAMPLE), folder, "--endpoint", endpoint, *more], env=environment, capture_output=True, text=True)


def check_reads(sessions, endpoint, environment, decoder, duckdb) -> None:
    inputs, presses = expected(sessions)
    done = run("s3://films/all", endpoint, environment, "--decoder", decoder, *(["--duckdb", duckdb] if duckdb else []), "--frame", "47")
    assert done.returncode == 0, done.stdout + done.stderr
    for session_id, count in inputs.items():
        assert f"pyarrow: {session_id}: {count} inputs\n" in done.stdout, done.stdout
    way = {"httpfs": "httpfs", "arrow": "a pyarrow dataset"}.get(duckdb, "httpfs")
    assert f"duckdb by {way}: {presses}\n" in done.stdout, (presses, done.stdout)
    for session in sessions:
        found = re.search(rf"{decoder}: {session.name}: frame 47 \(720, 1280, 3\), mean [\d.]+, (\d+) requests, (\d+) of (\d+) bytes", done.stdout)
        assert found, done.stdout
        requests, fetched, size = map(int, found.groups())
        assert size == (session / "frames.mp4").stat().st_size
        assert session.name != "two" or fetched < size / 2, f"{fetched} of {size} bytes: that is no read of a range"
        print(f"ok: {decoder}, DuckDB by {way}: {session.name}: {requests} requests, {fetched} of {size} bytes")


def check_refusals(endpoint: str, environment: dict[str, str]) -> None:
    """What is not there, or not allowed, is said in a line with what to do."""
    for folder, changed, words in [
        ("s3://films/nothing", {}, ["has no catalog.parquet", "hint: run watchcap catalog"]),
        ("s3://films/all", {"AWS_SECRET_ACCESS_KEY": "wrong"}, ["cannot be read", "hint: check --endpoint"]),
        ("/films/all", {}, ["is no s3://BUCKET/FOLDER"]),
    ]:
        done = run(folder, endpoint, environment | changed)
        assert done.returncode != 0 and all(word in done.stderr for word in words) and "Traceback" not in done.stderr, done.stderr
    print("ok: refusals")


def main() -> None:
    program, scratch = sys.argv[1], pathlib.Path(sys.argv[2])
    os.environ["XDG_CONFIG_HOME"] = str(scratch / "config")  # nobody's settings
    sessions = recorded(program, scratch / "sessions")
    with s3_server.served(scratch) as (endpoint, environment):
        os.environ.update(environment)
        s3 = pyarrow.fs.S3FileSystem(endpoint_override=endpoint.removeprefix("http://"), scheme="http", region="us-east-1", allow_bucket_creation=True)
        s3.create_dir("films/all")
        pyarrow.fs.copy_files(str(scratch / "sessions"), "films/all", destination_filesystem=s3)
        for decoder, duckdb in [("pyav", "httpfs"), ("torchcodec", "arrow"), ("pyav", None)]:
            check_reads(sessions, endpoint, environment, decoder, duckdb)
        for session in sessions:
            for decoder in ("pyav", "torchcodec"):
                for number in (0, 20, 47):
                    check_picture(s3, session, decoder, number)
        print("ok: each picture is the one that was asked for")
        check_refusals(endpoint, environment)


if __name__ == "__main__":
    main()
