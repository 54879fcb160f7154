"""Reads `watchcap export mcap` with the mcap package and with OWA's own reader, and compares it with the session's table and its video.

usage: mcap_check.py SESSION_DIR MCAP_FILE

Prints how many messages each topic has, and `picture=FRAMES` when OWA's messages gave the pictures of the video.
"""
import json
import pathlib
import sys

import av
import numpy as np
import pyarrow.parquet as pq
from mcap.reader import make_reader
from mcap_owa.highlevel import OWAMcapReader
from owa.core import MESSAGES

session, path = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
metadata = json.loads((session / "metadata.json").read_text())
anchor = metadata["clock"]["anchors"][0]
zero = anchor["realtime_ns"] - anchor["monotonic_ns"]
table = pq.read_table(session / "events.parquet").to_pylist()
frames = [row for row in table if row["event_type"] == "frame"]
with av.open(str(session / "frames.mp4")) as video:
    size = (video.streams.video[0].width, video.streams.video[0].height)

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

# OWA's reader knows every topic, and its messages take every one of them.
with OWAMcapReader(path) as reader:
    assert set(reader.topics) == {"screen", "keyboard", "mouse", "mouse/raw", "window"}, reader.topics
    assert set(reader.schemas) <= set(MESSAGES.keys()), reader.schemas
    counts = {}
    for message in reader.iter_messages():
        assert type(message.decoded)._type == message.message_type
        counts[message.topic] = counts.get(message.topic, 0) + 1
    assert counts == {topic: len(messages) for topic, messages in topics.items()}, counts

# Every frame is said when it was taken, and again while it stays: OWA's filters take a second without one for a pause.
stays = metadata["duration_ns"] + metadata["clock"]["t0_ns"]
pauses, since = [], None
for row in table:
    if row["event_type"] == "pause":
        since = row["t_ns"]
    elif row["event_type"] == "resume":
        pauses.append((since, row["t_ns"]))
        since = None
if since is not None:
    pauses.append((since, stays))
held = [(row["t_ns"], int(dict(row["metadata"])["until_ns"])) for row in table if row["event_type"] == "gap" and dict(row["metadata"])["stream"] == "screen"]
unknown = pauses + held
times = {row["t_ns"] + zero: row for row in frames}
screen, again = [], 0
for time, sequence, message in topics["screen"]:
    if time in times:
        screen.append((time, sequence, message))
    else:
        again += 1
        assert message["media_ref"] == screen[-1][2]["media_ref"] and message["utc_ns"] == time
        assert not any(begin <= time - zero <= end for begin, end in unknown), "a picture is said in a pause or a gap"
assert len(screen) == len(frames)
shown_at = [time - zero for time, _, _ in topics["screen"]] + [max(stays, table[-1]["t_ns"])]
for a, b in zip(shown_at, shown_at[1:]):
    assert b - a <= 1e9 or any(begin <= b and end >= a for begin, end in unknown), f"{(b - a) / 1e9} s without a picture"
with av.open(str(path.parent / screen[0][2]["media_ref"]["uri"])) as video:
    packets = [packet.pts for packet in video.demux(video.streams.video[0]) if packet.size]
for (time, _, message), row, pts in zip(screen, frames, packets, strict=True):
    assert time == message["utc_ns"] == row["t_ns"] + zero
    assert message["media_ref"]["pts_ns"] == row["pts"] * 1000 == pts * 1000 and message["shape"] == list(size)

VK = {0x04: 0x41, 0x1A: 0x57, 0x16: 0x53, 0x07: 0x44, 0x2C: 0x20, 0xE1: 0xA0, 0xE0: 0xA2, 0x28: 0x0D, 0x29: 0x1B}
keys = [row for row in table if row["event_type"] in ("key_down", "key_up") and row["key_code"] in VK]
said = [(time, m) for time, _, m in topics.get("keyboard", []) if m["vk"] in VK.values()]
assert len(keys) == len(said)
for row, (time, message) in zip(keys, said):
    assert (time, message["vk"]) == (row["t_ns"] + zero, VK[row["key_code"]])
    assert message["event_type"] == ("press" if row["event_type"] == "key_down" else "release")

moves = [row for row in table if row["event_type"] == "mouse_move" and row["mouse_x"] is not None]
said = [(time, m) for time, _, m in topics.get("mouse", []) if m["event_type"] == "move"]
assert len(moves) == len(said)
for row, (time, message) in zip(moves, said):
    assert time == row["t_ns"] + zero
    assert abs(message["x"] + 0.5 - row["mouse_x"] * size[0]) <= 0.51 and abs(message["y"] + 0.5 - row["mouse_y"] * size[1]) <= 0.51
clicks = [row for row in table if row["event_type"] == "mouse_click"]
said = [m for _, _, m in topics.get("mouse", []) if m["event_type"] == "click"]
assert [(row["mouse_button"], row["pressed"]) for row in clicks] == [(m["button"], m["pressed"]) for m in said]

# Sums survive the rounding to whole numbers.
for column, name in (("mouse_dx", "last_x"), ("mouse_dy", "last_y")):
    truth = sum(row[column] or 0.0 for row in table if row["event_type"] == "mouse_move")
    assert abs(truth - sum(m[name] for _, _, m in topics.get("mouse/raw", []))) < 1.0, column

# The active window: when it became one, and each second while it was.
focus = [row for row in table if row["event_type"] == "focus"]
windows = {time: message for time, _, message in topics.get("window", [])}
for row in focus:
    message = windows[row["t_ns"] + zero]
    assert message["title"] == dict(row["metadata"]).get("title", "")
titles = [message["title"] for _, message in sorted(windows.items())]
assert len(focus) == 0 or len(titles) >= (shown_at[-1] - focus[0]["t_ns"]) / 1e9 - 1 - sum((e - b) / 1e9 + 1 for b, e in unknown), (len(titles), len(focus))

# OWA's own way to a picture: the reference in the message, from the folder of the file.
with av.open(str(session / "frames.mp4")) as video:
    truth = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
with OWAMcapReader(path) as reader:
    shown = [m.decoded.resolve_relative_path(str(path)) for m in reader.iter_messages(topics=["screen"])]
every = max(len(shown) // 10, 1)
for message in shown[::every]:
    pts = [row["pts"] * 1000 for row in frames].index(message.media_ref.pts_ns)
    assert np.abs(message.to_rgb_array().astype(int) - truth[pts]).max() <= 3, f"OWA shows another picture than frame {pts}"
print(f"picture={len(shown[::every])} again={again}", end=" ")
print(" ".join(f"{topic}={len(messages)}" for topic, messages in sorted(topics.items())))
