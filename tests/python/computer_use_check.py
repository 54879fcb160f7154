"""Compares the pictures of `watchcap export computer-use` with the session's video, and the pixels of its lines with their fractions.

usage: computer_use_check.py SESSION_DIR LIST

Prints the colours of the middle of the pictures before and after the first action.
"""
import json
import math
import pathlib
import sys

import av
import numpy as np
import pyarrow.parquet as pq
from PIL import Image

session, path = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
lines = [json.loads(line) for line in path.read_text().splitlines()]
frames = [row for row in pq.read_table(session / "events.parquet").to_pylist() if row["event_type"] == "frame"]
with av.open(str(session / "frames.mp4")) as video:
    decoded = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
assert len(decoded) == len(frames)
named, middles = set(), []
before_t = None
for line in lines:
    assert line["t_ns"] <= line["until_ns"] and (before_t is None or before_t <= line["t_ns"]), "out of order"
    before_t = line["t_ns"]
    for name in ("before", "after"):
        shot = line[name]
        frame = frames[shot["frame_ref"]]
        assert frame["t_ns"] == shot["t_ns"]
        named.add(shot["image"])
        picture = Image.open(path.parent / shot["image"])
        assert picture.mode == "RGB" and picture.format == "PNG"
        found = np.asarray(picture).astype(float)
        truth = decoded[shot["frame_ref"]][:, :, :].astype(float)
        scale = truth.shape[0] // found.shape[0]
        truth = truth[: found.shape[0] * scale, : found.shape[1] * scale]
        truth = truth.reshape(found.shape[0], scale, found.shape[1], scale, 3).mean((1, 3))
        assert np.abs(found - truth).mean() < 3, (shot, np.abs(found - truth).mean())
        if line is lines[0]:
            middles.append(",".join(f"{round(v / 16) * 16:02x}" for v in found[found.shape[0] // 2 + 20, found.shape[1] // 2 + 40]))
    if line["action"] != "wait":
        # No picture before shows what came later: it is the last one at or before the begin.
        assert line["before"]["t_ns"] <= line["t_ns"]
        assert line["before"]["frame_ref"] == max(f["frame_ref"] for f in frames if f["t_ns"] <= line["t_ns"])
        assert line["after"]["t_ns"] >= line["before"]["t_ns"]
        height, width = found.shape[:2]
        for axis, side in (("x", width), ("y", height)):
            for prefix in ("", "to_"):
                if f"{prefix}{axis}" in line:
                    assert line[f"{prefix}{axis}"] == math.floor(line[f"{prefix}{axis}_fraction"] * side + 1e-3)
folder = path.parent / path.name.removesuffix(".jsonl")
assert {str(file.relative_to(path.parent)) for file in folder.iterdir()} == named, "a picture that no line names"
print(f"lines={len(lines)} pictures={len(named)} before={middles[0]} after={middles[1]}")
