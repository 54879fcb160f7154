"""Reads the file that `watchcap export mcap` makes for Foxglove, with the packages of Foxglove's schemas, and compares it with the session.

usage: foxglove_check.py SESSION_DIR MCAP_FILE [PART]

With PART, only some of the frames need to be there. Decodes the messages as a player does that begins at any keyframe.
"""
import json
import pathlib
import sys

import av
import numpy as np
import pyarrow.parquet as pq
from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory
from mcap_protobuf.schema import build_file_descriptor_set

session, path, part = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), len(sys.argv) > 3
metadata = json.loads((session / "metadata.json").read_text())
anchor = metadata["clock"]["anchors"][0]
zero = anchor["realtime_ns"] - anchor["monotonic_ns"]
table = pq.read_table(session / "events.parquet").to_pylist()
frames = {row["t_ns"] + zero: row for row in table if row["event_type"] == "frame"}
with av.open(str(session / "frames.mp4")) as video:
    truth = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]

rows, units = [], []
with path.open("rb") as file:
    reader = make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
    topics = {channel.topic: reader.get_summary().schemas[channel.schema_id] for channel in reader.get_summary().channels.values()}
    assert set(topics) == {"watchcap/row", "screen/video"}, topics
    schema = topics["screen/video"]
    assert (schema.name, schema.encoding) == ("foxglove.CompressedVideo", "protobuf")
    assert schema.data == build_file_descriptor_set(CompressedVideo).SerializeToString(), "it is not Foxglove's schema"
    for schema, channel, message, video in reader.iter_decoded_messages(topics=["screen/video"]):
        time = message.log_time
        assert video.timestamp.seconds * 10**9 + video.timestamp.nanos == time and time in frames
        assert (video.frame_id, video.format) == ("screen", metadata["codec"])
        units.append((frames[time], video.data))
    for schema, channel, message in reader.iter_messages(topics=["watchcap/row"]):
        rows.append((message.log_time, json.loads(message.data)))
    manifest = json.loads(next(m.metadata["manifest"] for m in reader.iter_metadata() if m.name == "watchcap.export"))
    assert manifest["source"]["session_id"] == metadata["session_id"] and manifest["consent"] == metadata["consent"]

# watchcap/row is the table.
by_seq = {row["seq"]: row for row in table}
assert part or len(rows) == len(table)
for time, message in rows:
    row = by_seq[message["seq"]]
    assert time == row["t_ns"] + zero
    expected = {k: v for k, v in row.items() if v is not None and k not in ("hash", "session_id", "metadata")}
    expected["metadata"] = dict(row["metadata"])
    # The table's floats have 32 bits; JSON has their shortest decimal text.
    for name in ("mouse_x", "mouse_y", "mouse_dx", "mouse_dy", "delta"):
        if name in message:
            message[name] = float(np.float32(message[name]))
    assert message == expected, (message, expected)

# Annex B with one picture a message, and the parameter sets before each that a decoder may begin with.
assert part or len(units) == len(frames)
kinds = []


def obu_kinds(data):
    """Types of the units of AV1 in a temporal unit, each with its size (section 5.3 of its specification)."""
    found = []
    while data:
        assert data[0] & 0x87 == 2, "a unit with a layer, or without a size"
        size = at = shift = 0
        while True:
            at += 1
            size |= (data[at] & 127) << shift
            shift += 7
            if data[at] < 128:
                break
        found.append(data[0] >> 3)
        data = data[at + 1 + size :]
    return found


# Of H.264 an IDR and the sets before it; of H.265 the same, with a set more. Of AV1 a temporal unit, with the sequence header in key frames.
is_av1 = metadata["codec"] == "av1"
is_265 = metadata["codec"] == "h265"
idrs, sets = ({19, 20}, [32, 33, 34]) if is_265 else ({5}, [7, 8])
kind_of = (lambda nal: nal[0] >> 1 & 63) if is_265 else (lambda nal: nal[0] & 31)
for row, data in units:
    if is_av1:
        kinds_found = obu_kinds(data)
        assert kinds_found[0] == 2 and (1 in kinds_found) == row["is_keyframe"], (kinds_found, row)
        kinds.append(row["is_keyframe"])
        continue
    assert data.startswith(b"\0\0\0\1"), "no start code"
    nals = [kind_of(nal) for nal in data.split(b"\0\0\0\1")[1:]]
    assert bool(idrs & set(nals)) == row["is_keyframe"], (nals, row)
    assert nals[: len(sets)] == sets if row["is_keyframe"] else not set(sets) & set(nals), nals
    kinds.append(row["is_keyframe"])
assert kinds[0], "the first message is no keyframe"


def shown(units):
    decoder = av.CodecContext.create("libdav1d" if is_av1 else "hevc" if is_265 else "h264", "r")
    pictures = [frame for _, data in units for frame in decoder.decode(av.Packet(data))] + decoder.decode(None)
    return [picture.to_ndarray(format="rgb24") for picture in pictures]


starts = [i for i, key in enumerate(kinds) if key]
for start in (starts[0], starts[-1]):
    pictures = shown(units[start:])
    assert len(pictures) == len(units) - start
    for (row, _), picture in zip(units[start:], pictures):
        assert np.array_equal(picture, truth[row["frame_ref"]]), f"frame {row['frame_ref']} is another picture"
print(f"rows={len(rows)} frames={len(units)} keyframes={len(starts)}")
