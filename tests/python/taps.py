"""Puts ten taps of KeyJ of one millisecond into a session, each within a thirtieth of a second from its first frame on, and takes the distance out
of the motion of one such step. Nothing else of the session presses KeyJ.

usage: taps.py SESSION_DIR     row hashes and the seal do not hold afterwards
"""
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq

path = pathlib.Path(sys.argv[1]) / "events.parquet"
table = pq.read_table(path)
rows = table.to_pylist()
frames = [row for row in rows if row["event_type"] == "frame"]
first = frames[0]["t_ns"]


def step(n):
    return first + n * 10**9 // 30


def shown(t):
    return max(row["frame_ref"] for row in frames if row["t_ns"] <= t)


example = next(row for row in rows if row["event_type"] == "key_down")
for n in range(10, 30, 2):
    for at, kind in ((5, "key_down"), (6, "key_up")):
        t = step(n) + at * 10**6
        rows.append({**example, "t_ns": t, "event_type": kind, "key_code": 13, "pressed": kind == "key_down", "frame_ref": shown(t),
                     "repeat": False if kind == "key_down" else None})
for row in rows:
    if row["event_type"] == "mouse_move" and step(35) <= row["t_ns"] < step(36):
        row["mouse_dx"] = row["mouse_dy"] = None
rows.sort(key=lambda row: row["t_ns"])
for n, row in enumerate(rows):
    row["seq"] = n
pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path, compression="zstd")
