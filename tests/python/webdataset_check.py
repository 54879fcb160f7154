"""Reads `watchcap export webdataset` back with the webdataset package, PyAV and pyarrow, and compares it with the session.

usage: webdataset_check.py SESSION_DIR OUT_DIR

Prints `clip:N` with the frames of each clip, and `copied` when every packet is the session's.
"""
import hashlib
import io
import json
import os
import pathlib
import sys

import av
import pyarrow.parquet as pq
import webdataset as wds

session, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
metadata = json.loads((session / "metadata.json").read_text())
shards = sorted(str(path) for path in out.glob("*/*.tar"))
assert shards and len({pathlib.Path(path).parent for path in shards}) == 1, f"one session on two sides: {shards}"
with av.open(str(session / "frames.mp4")) as video:
    packets = [bytes(packet) for packet in video.demux(video=0) if packet.size]
rows = pq.read_table(session / "events.parquet", columns=["event_type", "t_ns", "pts"]).to_pylist()
frames = [row for row in rows if row["event_type"] == "frame"]

copied, clips, seen, split = True, 0, set(), None
for sample in wds.WebDataset(shards, shardshuffle=False, empty_check=False):
    info = json.loads(sample["json"])
    split = info["split"]
    assert sample["__key__"] == f"{metadata['session_id']}-{clips:06}" and info["clip"] == clips, sample["__key__"]
    assert pathlib.Path(sample["__url__"]).parent.name == split
    assert info["export"]["consent"] == metadata["consent"] and info["export"]["privacy"] == metadata["privacy"]
    own = range(info["first_frame"], info["first_frame"] + info["frames"])
    assert not seen & set(own), "a frame is in two clips"
    seen |= set(own)
    with av.open(io.BytesIO(sample["mp4"])) as video:
        found = [(packet.pts, packet.is_keyframe, bytes(packet)) for packet in video.demux(video=0) if packet.size]
    begin = frames[own[0]]["pts"]
    assert found[0][1] and [pts for pts, _, _ in found] == [frames[k]["pts"] - begin for k in own], "times are not the session's"
    copied &= [data for _, _, data in found] == [packets[k] for k in own]
    with av.open(io.BytesIO(sample["mp4"])) as video:
        decoded = [(frame.width, frame.height) for frame in video.decode(video=0)]
    assert decoded == [(info["width"], info["height"])] * len(own), f"{len(decoded)} of {len(own)} frames decode"
    actions = pq.read_table(io.BytesIO(sample["actions.parquet"])).to_pylist()
    assert [row["frame_ref"] for row in actions] == list(own) and [row["step"] for row in actions] == list(range(len(own)))
    assert [row["t_ns"] for row in actions] == [frames[k]["t_ns"] for k in own]
    print(f"clip:{len(own)}")
    clips += 1
place = int.from_bytes(hashlib.sha256(metadata["session_id"].encode()).digest()[:8], "big") / 2**64
percent = info["export"]["options"]["val_percent"]
assert split == ("val" if place * 100 < (10 if percent is None else percent) else "train")
manifest = json.loads(next(out.glob("*.webdataset.export.json")).read_text())
assert sum(file["samples"] for file in manifest["files"]) == clips
assert sorted(file["name"] for file in manifest["files"]) == [str(pathlib.Path(path).relative_to(out)) for path in shards]
print(f"clips={clips} {'copied' if copied else 'encoded'}", flush=True)
# Everything was checked. A thread of pyarrow's pool may still hold a Python object, and one that waits for the interpreter while that
# ends aborts the process: so it does not end, it stops.
os._exit(0)
