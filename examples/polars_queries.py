"""Lazy queries over the tables of many sessions with Polars.

usage: polars_queries.py SESSION...
"""
import sys

import polars as pl

INPUTS = ["key_down", "key_up", "mouse_move", "mouse_click", "wheel"]

rows = pl.scan_parquet([f"{session}/events.parquet" for session in sys.argv[1:]])
inputs = rows.filter(pl.col("event_type").is_in(INPUTS))
presses = rows.filter((pl.col("event_type") == "key_down") & ~pl.col("repeat"))

# How long each session is, and how much was done in it.
print(rows.group_by("session_id").agg(
    seconds=(pl.max("t_ns") - pl.min("t_ns")) / 1e9,
    frames=(pl.col("event_type") == "frame").sum(),
    inputs=pl.col("event_type").is_in(INPUTS).sum(),
).sort("session_id").collect())

# Which keys were pressed, and how often. Values of the map `metadata` are reached by their key.
code = pl.col("metadata").cast(pl.List(pl.Struct({"key": pl.String, "value": pl.String}))).list.filter(
    pl.element().struct.field("key") == "code").list.first().struct.field("value")
print(presses.group_by(code=code).len("presses").sort("presses", "code", descending=[True, False]).collect())

def known(column, kind):
    """Its sum; null where a row of that kind does not say by how much, which is not 0."""
    unknown = (pl.col(column).is_null() & (pl.col("event_type") == kind)).any()
    return pl.when(unknown).then(None).otherwise(pl.sum(column))


# What was done on seeing each frame: one row for each; `pressed` is null where nothing was done.
frames = rows.filter(pl.col("event_type") == "frame").select("session_id", "frame_ref", "t_ns", "pts", "is_keyframe")
actions = inputs.filter(pl.col("frame_ref").is_not_null()).group_by("session_id", "frame_ref").agg(
    dx=known("mouse_dx", "mouse_move"), dy=known("mouse_dy", "mouse_move"), wheel=known("delta", "wheel"),
    pressed=pl.col("key_code").filter((pl.col("event_type") == "key_down") & ~pl.col("repeat")),
)
print(frames.join(actions, on=["session_id", "frame_ref"], how="left").sort("session_id", "frame_ref").collect())

# What is missing.
print(rows.filter(pl.col("event_type").is_in(["gap", "redact"])).select("session_id", "t_ns", "event_type", "metadata").collect())
