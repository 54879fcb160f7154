"""Reads `watchcap export frames-json` as torchcodec does, and compares it with the packets that PyAV finds in the video.

usage: frames_json_check.py SESSION_DIR FRAMES_JSON
"""
import json
import pathlib
import sys

import av

mapping = json.loads(pathlib.Path(sys.argv[2]).read_text())
# torchcodec's own reading: these three keys of every frame, as integers.
found = [(int(frame["pts"]), bool(int(frame["key_frame"])), int(frame["duration"])) for frame in mapping["frames"]]
with av.open(f"{sys.argv[1]}/frames.mp4") as video:
    stream = video.streams.video[0]
    assert stream.time_base.numerator == 1 and stream.time_base.denominator == 1_000_000
    packets = [(packet.pts, packet.is_keyframe, packet.duration) for packet in video.demux(stream) if packet.size]
assert found == packets, next((i, a, b) for i, (a, b) in enumerate(zip(found, packets)) if a != b)
print(f"frames={len(found)} keyframes={sum(key for _, key, _ in found)}")
