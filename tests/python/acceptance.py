"""Reads a sealed session with the tools that people train with, and with no code of ours.

usage: acceptance.py SESSION_DIR

Prints one `ok:` line per part and exits with 0, or prints what is wrong on stderr and exits with 1 at the first fault.
Needs nothing but the directory: pyarrow, pandas, Polars, DuckDB, PyAV, numpy, sha256sum.
"""
import json
import pathlib
import random
import subprocess
import sys
from fractions import Fraction

import av
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

INPUT = ["key_down", "key_up", "mouse_move", "mouse_click", "wheel", "gamepad_button", "gamepad_axis"]
RANDOM_FRAMES = 24
COLUMNS = [  # FORMAT.md, "Columns": name, type, nullable
    ("t_ns", pa.int64(), False), ("event_type", pa.string(), False), ("key_code", pa.int32(), True),
    ("mouse_x", pa.float32(), True), ("mouse_y", pa.float32(), True), ("mouse_button", pa.string(), True),
    ("delta", pa.float32(), True), ("frame_ref", pa.int64(), True), ("window_id", pa.string(), False),
    ("session_id", pa.string(), False), ("hash", pa.string(), False), ("metadata", pa.map_(pa.string(), pa.string()), False),
    ("seq", pa.int64(), False), ("pressed", pa.bool_(), True), ("mouse_dx", pa.float32(), True), ("mouse_dy", pa.float32(), True),
    ("pts", pa.int64(), True), ("is_keyframe", pa.bool_(), True), ("repeat", pa.bool_(), True), ("source", pa.string(), True),
]
PADS = [("pad", pa.int32(), True), ("control", pa.string(), True), ("value", pa.float32(), True)]  # from 1.3.0 on


def check(fine, what):
    if not fine:
        print(f"FAILED: {what}", file=sys.stderr)
        sys.exit(1)


def ok(part, detail=""):
    print(f"ok: {part}{': ' if detail else ''}{detail}", flush=True)


def integrity(session):
    listed = {line[66:] for line in (session / "integrity.sha256").read_text().splitlines()}
    done = subprocess.run(["sha256sum", "-c", "--strict", "--quiet", "integrity.sha256"], cwd=session, capture_output=True, text=True)
    check(done.returncode == 0, f"sha256sum -c --strict: {done.stdout}{done.stderr}")
    there = {str(path.relative_to(session)) for path in session.rglob("*") if path.is_file()}
    there = {name for name in there if name not in ("integrity.sha256", "review.jsonl") and not name.startswith("log/")}
    check(listed == there, f"sha256sum: sealed and present files differ: {sorted(listed ^ there)}")
    ok("sha256sum", f"{len(listed)} files")


def with_pyarrow(session, metadata):
    path = session / "events.parquet"
    file = pq.ParquetFile(path)
    found = [(field.name, field.type, field.nullable) for field in file.schema_arrow]
    columns = COLUMNS if metadata["format_version"] in ("1.0.0", "1.1.0", "1.2.0") else COLUMNS + PADS
    for index, column in enumerate(columns):
        check(index < len(found) and found[index] == column, f"column {index}: {found[index:index + 1]} instead of {column}")
    if metadata["format_version"] in ("1.1.0", "1.2.0", "1.3.0"):
        check(len(found) == len(columns), f"{len(found)} columns instead of {len(columns)}")
    paths = [file.schema.column(index).path for index in range(len(file.schema))]
    check("metadata.key_value.key" in paths and "metadata.key_value.value" in paths, f"map fields are named otherwise: {paths}")
    file_metadata = file.metadata.metadata or {}
    check(file_metadata.get(b"watchcap.format_version", b"").decode() == metadata["format_version"], "format version in the table")
    check(file_metadata.get(b"watchcap.session_id", b"").decode() == metadata["session_id"], "session id in the table")
    for group in range(file.metadata.num_row_groups):
        column = file.metadata.row_group(group).column(0)
        check(column.is_stats_set and column.statistics.has_min_max, f"row group {group}: no statistics on t_ns")
        check(column.compression == "ZSTD", f"row group {group}: compressed with {column.compression}")
        check("DELTA_BINARY_PACKED" in column.encodings, f"row group {group}: t_ns is encoded as {column.encodings}")
        check(column.has_column_index and column.has_offset_index, f"row group {group}: no page index on t_ns")
    table = file.read()
    times = table["t_ns"].to_numpy()
    check(bool((np.diff(times) >= 0).all()), "rows are not sorted by t_ns")
    check(bool((table["seq"].to_numpy() == np.arange(table.num_rows)).all()), "seq is not 0, 1, 2, …")
    counts = {entry["values"]: entry["counts"] for entry in table["event_type"].value_counts().to_pylist()}
    check(counts == metadata["counts"], f"counts: {counts} instead of {metadata['counts']}")
    ids = set(table["session_id"].unique().to_pylist())
    check(ids <= {metadata["session_id"]}, f"session_id: {len(ids)} different ones")
    ok("pyarrow", f"{table.num_rows} rows, {file.metadata.num_row_groups} row groups, schema as in FORMAT.md")
    script = pathlib.Path(__file__).with_name("row_hash.py")
    done = subprocess.run([sys.executable, script, path], capture_output=True, text=True)
    check(done.returncode == 0, f"row hashes: {done.stderr}")
    ok("row hashes", done.stdout.strip().removeprefix("ok: "))
    return table


def maps_of(table):
    return [dict(entries) for entries in table["metadata"].to_pylist()]


def with_pandas(session, table, maps):
    frame = pd.read_parquet(session / "events.parquet")
    check(list(frame.columns) == [name for name, _, _ in COLUMNS][: len(frame.columns)] or len(frame.columns) > len(COLUMNS), "pandas: columns")
    check(frame["t_ns"].dtype == np.int64, f"pandas: t_ns is {frame['t_ns'].dtype}")
    check(len(frame) == table.num_rows, f"pandas: {len(frame)} rows")
    check([dict(entries) for entries in frame["metadata"]] == maps, "pandas: maps differ from pyarrow's")
    ok("pandas", f"{len(frame)} rows, metadata as key-value pairs")


def with_polars(session, table, maps):
    frame = pl.read_parquet(session / "events.parquet")
    wanted = {"t_ns": pl.Int64, "event_type": pl.String, "key_code": pl.Int32, "mouse_x": pl.Float32, "mouse_y": pl.Float32,
              "mouse_button": pl.String, "delta": pl.Float32, "frame_ref": pl.Int64, "hash": pl.String, "seq": pl.Int64, "pressed": pl.Boolean,
              "mouse_dx": pl.Float32, "mouse_dy": pl.Float32, "pts": pl.Int64, "is_keyframe": pl.Boolean, "repeat": pl.Boolean, "source": pl.String}
    for name, kind in wanted.items():
        check(frame.schema[name] == kind, f"polars: {name} is {frame.schema[name]}")
    check(frame["t_ns"].to_list() == table["t_ns"].to_pylist(), "polars: t_ns differs from pyarrow's")
    # A dict, or a list of key-value structs in older releases.
    found = [value if isinstance(value, dict) else {e["key"]: e["value"] for e in value} for value in frame["metadata"].to_list()]
    check(found == maps, "polars: maps differ from pyarrow's")
    ok("polars", f"{len(frame)} rows, metadata is {frame.schema['metadata']}")


def with_duckdb(session, table, maps):
    path = str(session / "events.parquet").replace("'", "''")
    types = {name: kind for name, kind, *_ in duckdb.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall()}
    wanted = {"t_ns": "BIGINT", "event_type": "VARCHAR", "key_code": "INTEGER", "mouse_x": "FLOAT", "mouse_y": "FLOAT",
              "delta": "FLOAT", "frame_ref": "BIGINT", "metadata": "MAP(VARCHAR, VARCHAR)", "seq": "BIGINT", "pressed": "BOOLEAN",
              "mouse_dx": "FLOAT", "pts": "BIGINT", "is_keyframe": "BOOLEAN", "repeat": "BOOLEAN", "source": "VARCHAR"}
    for name, kind in wanted.items():
        check(types.get(name) == kind, f"duckdb: {name} is {types.get(name)}")
    for key in ("bytes", "code"):
        found = duckdb.sql(f"SELECT count(*) FROM '{path}' WHERE metadata['{key}'] IS NOT NULL").fetchall()[0][0]
        check(found == sum(key in entries for entries in maps), f"duckdb: metadata['{key}'] is set in {found} rows")
    by_type = dict(duckdb.sql(f"SELECT event_type, count(*) FROM '{path}' GROUP BY 1").fetchall())
    check(sum(by_type.values()) == table.num_rows, "duckdb: number of rows")
    ok("duckdb", f"{table.num_rows} rows, metadata['key'] works")


def decoded(frame):
    return hash(frame.to_ndarray().tobytes())


def with_pyav(session, table, maps, metadata):
    types = table["event_type"].to_pylist()
    times = table["t_ns"].to_numpy()
    refs = table["frame_ref"].to_pylist()
    rows = [index for index, kind in enumerate(types) if kind == "frame"]
    row_pts, row_keyframes = table["pts"].to_pylist(), table["is_keyframe"].to_pylist()
    check(len(rows) == metadata["frames"], f"{len(rows)} frame rows, metadata.json says {metadata['frames']}")
    if not rows:
        check(not (session / "frames.mp4").exists(), "a video without frame rows")
        return ok("packets", "no frames"), ok("decode", "no frames"), with_windows(table, np.array([], np.int64))
    check([refs[row] for row in rows] == list(range(len(rows))), "frame_ref of the frame rows is not 0, 1, 2, …")
    path = str(session / "frames.mp4")
    frame_times = times[rows]
    t0 = int(frame_times[0])
    with av.open(path) as container:
        stream = container.streams.video[0]
        check(stream.time_base == Fraction(1, 1_000_000), f"timescale: {stream.time_base}")
        check(stream.codec_context.name in ("h264", "hevc", "libdav1d"), f"codec: {stream.codec_context.name}")
        check(stream.codec_context.pix_fmt == "yuv420p", f"pixel format: {stream.codec_context.pix_fmt}")
        size = metadata["resolution"]
        size = [size["width"], size["height"]] if isinstance(size, dict) else size  # as in 1.0.0 and 1.1.0
        check([stream.width, stream.height] == size, f"{stream.width}x{stream.height}, not {size}")
        packets = [packet for packet in container.demux(stream) if packet.size]
        check(len(packets) == len(rows), f"{len(packets)} packets, {len(rows)} frame rows")
        for index, (packet, row) in enumerate(zip(packets, rows)):
            expected = (int(times[row]) - t0 + 500) // 1000
            check(packet.pts == expected, f"frame {index}: pts {packet.pts}, its row says {expected}")
            check(packet.dts == packet.pts, f"frame {index}: dts {packet.dts} is not its pts {packet.pts}")
            check(row_pts[row] == expected, f"frame {index}: pts in its row is {row_pts[row]}")
            check(packet.is_keyframe is row_keyframes[row], f"frame {index}: keyframe flags differ")
            check(maps[row].get("bytes") == str(packet.size), f"frame {index}: {packet.size} bytes, its row says {maps[row].get('bytes')}")
        pts = [packet.pts for packet in packets]
        check(pts[0] == 0 and all(a < b for a, b in zip(pts, pts[1:])), "pts do not begin at 0 and grow")
        check(packets[0].is_keyframe, "frame 0 is no keyframe")
    ok("packets", f"{len(pts)} frames, times and keyframes as in their rows")
    with av.open(path) as container:
        pictures = []
        for frame in container.decode(video=0):
            check(frame.pts == pts[len(pictures)] if len(pictures) < len(pts) else False, f"decoded frame {len(pictures)} has pts {frame.pts}")
            if not pictures:
                tags = container.streams.video[0].codec_context
                found = tuple(int(tag) for tag in (tags.color_primaries, tags.color_trc, tags.colorspace, tags.color_range))
                check(found == (1, 1, 1, 1), f"colour tags (primaries, transfer, matrix, range) are {found}, not BT.709 limited (1, 1, 1, 1)")
            pictures.append(decoded(frame))
        check(len(pictures) == len(pts), f"{len(pictures)} of {len(pts)} frames decode")
    some = random.Random(1).sample(range(len(pts)), min(RANDOM_FRAMES, len(pts)))
    with av.open(path) as container:
        stream = container.streams.video[0]
        for index in some:
            container.seek(pts[index], stream=stream, backward=True, any_frame=False)
            frame = next((frame for frame in container.decode(stream) if frame.pts >= pts[index]), None)
            check(frame is not None and frame.pts == pts[index], f"frame {index}: seeking to it lands elsewhere")
            check(decoded(frame) == pictures[index], f"frame {index}: reached by seeking it is another picture than in sequence")
    ok("decode", f"{len(pictures)} frames in sequence, {len(some)} at random, BT.709 limited range")
    with_windows(table, frame_times)


def with_windows(table, frame_times):
    """action[i] = the input rows with frame_ref == i: each at or after frame i and before frame i + 1."""
    mask = np.isin(np.array(table["event_type"].to_pylist()), INPUT)
    times = table["t_ns"].to_numpy()[mask]
    refs = table["frame_ref"].fill_null(-1).to_numpy()[mask]
    expected = np.searchsorted(frame_times, times, side="right") - 1
    wrong = np.flatnonzero(refs != expected)
    check(len(wrong) == 0, f"input row {wrong[:1]}: frame_ref is {refs[wrong[:1]]}, the last frame at or before it is {expected[wrong[:1]]}")
    per_frame = pd.Series(refs[refs >= 0]).value_counts()
    ok("causal", f"{len(times)} input rows in {len(per_frame)} action windows")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    session = pathlib.Path(sys.argv[1])
    check((session / "integrity.sha256").is_file(), f"sha256sum: {session} is not a sealed session")
    integrity(session)
    metadata = json.loads((session / "metadata.json").read_text())
    table = with_pyarrow(session, metadata)
    maps = maps_of(table)
    with_pandas(session, table, maps)
    with_polars(session, table, maps)
    with_duckdb(session, table, maps)
    with_pyav(session, table, maps, metadata)


if __name__ == "__main__":
    main()
