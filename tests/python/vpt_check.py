"""Reads `watchcap export vpt` the way the loaders of OpenAI's Video-Pre-Training do, and compares it with the session's actions on the same grid.

usage: vpt_check.py SESSION_DIR MP4 JSONL ACTIONS_PARQUET

What the loader does with a line is written down here once more: which keys are actions, what a mouse does, what is no action.
"""
import json
import pathlib
import sys
from fractions import Fraction

import av
import numpy as np
import pyarrow.parquet as pq
import seek

KEYS = {"key.keyboard.w": "forward", "key.keyboard.a": "left", "key.keyboard.s": "back", "key.keyboard.d": "right", "key.keyboard.space": "jump"}
HID = {0x1A: "key.keyboard.w", 0x04: "key.keyboard.a", 0x16: "key.keyboard.s", 0x07: "key.keyboard.d", 0x2C: "key.keyboard.space"}

session, mp4, jsonl, actions = sys.argv[1:5]
# As the loader: all lines joined to one list.
lines = json.loads("[" + ",".join(pathlib.Path(jsonl).read_text().splitlines()) + "]")
table = pq.read_table(actions).to_pylist()
assert len(lines) == len(table) > 20, (len(lines), len(table))
metadata = json.loads(pathlib.Path(f"{session}/metadata.json").read_text())


def barcode(frame, scale):
    luma = frame.to_ndarray(format="gray")
    cell = min(max(metadata["resolution"][0] // 48, 2), 16) * scale
    bits = [luma[int(cell * 1.5), int(cell * (1.5 + i))] >= 128 for i in range(32)]
    return sum(bool(bit) << (31 - i) for i, bit in enumerate(bits))


with av.open(f"{session}/frames.mp4") as video:
    shown = [barcode(frame, 1) for frame in video.decode(video=0)]
with av.open(mp4) as video:
    stream = video.streams.video[0]
    frames = [(frame.pts * stream.time_base, barcode(frame, frame.width / metadata["resolution"][0])) for frame in video.decode(stream)]
assert len(frames) == len(lines), f"{len(frames)} frames and {len(lines)} lines"
assert [pts for pts, _ in frames] == [Fraction(n, 20) for n in range(len(frames))], "not 20 frames per second"
assert seek.check(mp4, 20) == len(lines)
acting, last_hotbar = 0, 0
for n, (line, row, (_, number)) in enumerate(zip(lines, table, frames)):
    assert number == shown[row["frame_ref"]], f"picture {n} is not frame {row['frame_ref']}"
    assert (line["tick"], line["t_ns"], line["frame_ref"]) == (n, row["t_ns"], row["frame_ref"])
    down = {u for u in range(256) if (row["keys"][u // 8] | row["keys_pressed"][u // 8]) >> (u % 8) & 1}
    assert line["keyboard"]["keys"] == [HID[u] for u in sorted(down)], line["keyboard"]
    new = {u for u in range(256) if row["keys_pressed"][u // 8] >> (u % 8) & 1}
    assert line["keyboard"]["newKeys"] == [HID[u] for u in sorted(new)]
    mouse = line["mouse"]
    assert np.float32(mouse["dx"]) == np.float32(row["mouse_dx"]) and np.float32(mouse["dy"]) == np.float32(row["mouse_dy"])
    assert np.float32(mouse["dwheel"]) == np.float32(row["wheel_y"])
    assert mouse["buttons"] == [b for b in range(5) if (row["buttons"] | row["buttons_pressed"]) >> b & 1]
    assert mouse["newButtons"] == [b for b in range(5) if row["buttons_pressed"] >> b & 1]
    # The loader's own words.
    action = {KEYS[key]: 1 for key in line["keyboard"]["keys"] if key in KEYS}
    null = not action and mouse["dx"] == 0 and mouse["dy"] == 0 and not {0, 1, 2} & set(mouse["buttons"])
    if line["hotbar"] != last_hotbar:
        action[f"hotbar.{line['hotbar'] + 1}"] = 1
    assert not line["isGuiOpen"]
    acting += not null
anchor = metadata["clock"]["anchors"][0]
wall = (anchor["realtime_ns"] + lines[0]["t_ns"] - anchor["monotonic_ns"]) / 1e6
assert abs(lines[0]["milli"] - wall) < 2, (lines[0]["milli"], wall)
print(f"lines={len(lines)} acting={acting}")
