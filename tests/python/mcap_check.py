"""Reads `watchcap export mcap` with the mcap package and compares it with the session's table and its video.

usage: mcap_check.py SESSION_DIR MCAP_FILE
"""
import json
import pathlib
import sys

import av
import numpy as np
import pyarrow.parquet as pq
from mcap.reader import make_reader

session, path = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
metadata = json.loads((session / "metadata.json").read_text())
anchor = metadata["clock"]["anchors"][0]
zero = anchor["realtime_ns"] - anchor["monotonic_ns"]
size = (metadata["resolution"]["width"], metadata["resolution"]["height"])
table = pq.read_table(session / "events.parquet").to_pylist()

topics, schemas = {}, {}
with path.open("rb") as file:
    reader = make_reader(file, validate_crcs=True)
    assert reader.get_header().profile == "owa"
    summary = reader.get_summary()
    assert summary is not None and summary.statistics is not None
    for schema, channel, message in reader.iter_messages():
        assert schema.encoding == "jsonschema" and channel.message_encoding == "json"
        schemas[channel.topic] = (schema.name, json.loads(schema.data))
        assert message.log_time == message.publish_time
        topics.setdefault(channel.topic, []).append((message.log_time, message.sequence, json.loads(message.data)))
    manifest = json.loads(next(m.metadata["manifest"] for m in reader.iter_metadata() if m.name == "watchcap.export"))
    assert manifest["source"]["session_id"] == metadata["session_id"] and manifest["format"] == "mcap"
    assert manifest["consent"] == metadata["consent"]
assert sum(map(len, topics.values())) == summary.statistics.message_count

# What each schema requires is there, and nothing that it does not know; types of the simple properties hold.
KINDS = {"integer": int, "number": (int, float), "string": str, "boolean": bool, "array": list, "object": dict}
for topic, messages in topics.items():
    _, schema = schemas[topic]
    assert [sequence for _, sequence, _ in messages] == list(range(len(messages))), topic
    for _, _, message in messages:
        assert set(schema["required"]) <= set(message) <= set(schema["properties"]), (topic, message)
        for name, value in message.items():
            declared = schema["properties"][name]
            kinds = [k["type"] for k in declared.get("anyOf", [declared])]
            assert value is None and "null" in kinds or any(isinstance(value, KINDS[k]) for k in kinds if k != "null"), (topic, name, value)

# watchcap/row is the table.
rows = topics["watchcap/row"]
assert len(rows) == len(table)
for (time, _, message), row in zip(rows, table):
    assert time == row["t_ns"] + zero
    expected = {k: v for k, v in row.items() if v is not None and k not in ("hash", "session_id", "metadata")}
    expected["metadata"] = dict(row["metadata"])
    # The table's floats have 32 bits; JSON has their shortest decimal text.
    for name in ("mouse_x", "mouse_y", "mouse_dx", "mouse_dy", "delta"):
        if name in message:
            message[name] = float(np.float32(message[name]))
    assert message == expected, (message, expected)

# The other topics say the same in OWAMcap's words.
frames = [row for row in table if row["event_type"] == "frame"]
screen = topics["screen"]
assert len(screen) == len(frames)
with av.open(str(path.parent / screen[0][2]["media_ref"]["uri"])) as video:
    packets = [packet.pts for packet in video.demux(video.streams.video[0]) if packet.size]
for (time, _, message), row, pts in zip(screen, frames, packets, strict=True):
    assert time == message["utc_ns"] == row["t_ns"] + zero
    assert message["media_ref"]["pts_ns"] == row["pts"] * 1000 == pts * 1000 and message["shape"] == list(size)

VK = {0x04: 0x41, 0x1A: 0x57, 0x16: 0x53, 0x07: 0x44, 0x2C: 0x20, 0xE1: 0xA0, 0xE0: 0xA2, 0x28: 0x0D, 0x29: 0x1B}
keys = [row for row in table if row["event_type"] in ("key_down", "key_up") and row["key_code"] in VK]
said = [(time, m) for time, _, m in topics["keyboard"] if m["vk"] in VK.values()]
assert len(keys) == len(said) > 0
for row, (time, message) in zip(keys, said):
    assert (time, message["vk"]) == (row["t_ns"] + zero, VK[row["key_code"]])
    assert message["event_type"] == ("press" if row["event_type"] == "key_down" else "release")

moves = [row for row in table if row["event_type"] == "mouse_move" and row["mouse_x"] is not None]
said = [(time, m) for time, _, m in topics["mouse"] if m["event_type"] == "move"]
assert len(moves) == len(said) > 0
for row, (time, message) in zip(moves, said):
    assert time == row["t_ns"] + zero
    assert abs(message["x"] + 0.5 - row["mouse_x"] * size[0]) <= 0.51 and abs(message["y"] + 0.5 - row["mouse_y"] * size[1]) <= 0.51
clicks = [row for row in table if row["event_type"] == "mouse_click"]
said = [m for _, _, m in topics["mouse"] if m["event_type"] == "click"]
assert [(row["mouse_button"], row["pressed"]) for row in clicks] == [(m["button"], m["pressed"]) for m in said]

# Sums survive the rounding to whole numbers.
for column, name in (("mouse_dx", "last_x"), ("mouse_dy", "last_y")):
    truth = sum(row[column] or 0.0 for row in table if row["event_type"] == "mouse_move")
    assert abs(truth - sum(m[name] for _, _, m in topics["mouse/raw"])) < 1.0, column
print(" ".join(f"{topic}={len(messages)}" for topic, messages in sorted(topics.items())))
