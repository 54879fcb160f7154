#!/usr/bin/env python3
"""Holds the parts of a recording that was split against what really happened.

    split_check.py FOLDER FPS [TRUTH.jsonl PAINTS.jsonl]

FOLDER holds the parts and nothing else. TRUTH is the log of `xtest_script`, PAINTS that of `barcode_client`, whose window covers the
recorded surface. Checks that the parts follow each other without a gap in their frames, that no row of a part is of the time of another one, that
each part states what is held at its begin, and with the logs: that every injected event is in exactly one part, in order, and that each frame shows
what was on the screen at its time. Prints what it found. Exits with 1 and the first contradiction otherwise.
"""
import json, pathlib, sys

import av
import numpy as np

import truth

folder, fps = pathlib.Path(sys.argv[1]), float(sys.argv[2])
SLACK_NS = 50_000


def fail(text):
    print(f"split_check: {text}", file=sys.stderr)
    sys.exit(1)


parts = sorted(path for path in folder.iterdir() if path.is_dir())
meta = [json.loads((part / "metadata.json").read_text()) for part in parts]
tables = [truth.rows(part) for part in parts]
if len(parts) < 2:
    fail(f"{len(parts)} parts")

# --- each says which part it is
for n, this in enumerate(meta):
    series = this["series"]
    before = meta[n - 1]["session_id"] if n else None
    if series != {"part_of": meta[0]["session_id"], "index": n + 1, "previous": before}:
        fail(f"part {n + 1} says {series}")
    if (this["end_reason"] == "split") != (n + 1 < len(meta)):
        fail(f"part {n + 1} of {len(meta)} ended by {this['end_reason']}")
    for key in ("task", "consent", "privacy", "target", "resolution", "surface", "encoder"):
        if this.get(key) != meta[0].get(key):
            fail(f"part {n + 1} has another {key}")
if len({this["session_id"] for this in meta}) != len(meta):
    fail("two parts have one id")

# --- times: each part begins where the one before ends
for n in range(1, len(parts)):
    last, first = max(row["t_ns"] for row in tables[n - 1]), min(row["t_ns"] for row in tables[n])
    if last > first:
        fail(f"part {n} has a row {(last - first) / 1e6:.3f} ms behind the begin of part {n + 1}")
    if meta[n]["clock"]["t0_ns"] > first:
        fail(f"part {n + 1} has a row before its t0_ns")

# --- frames: numbered from 0, an IDR first, one at every deadline over all seams
period, seams, times, lost = 1e9 / fps, [], [], 0
for n, rows in enumerate(tables):
    frames = [row for row in rows if row["event_type"] == "frame"]
    if [row["frame_ref"] for row in frames] != list(range(len(frames))):
        fail(f"part {n + 1} is not numbered from 0")
    if not frames or not frames[0]["is_keyframe"] or frames[0]["pts"] != 0:
        fail(f"part {n + 1} does not begin with a keyframe")
    if n:
        seams.append((frames[0]["t_ns"] - times[-1]) / 1e6)
    times += [row["t_ns"] for row in frames]
    gaps = [row["metadata"] for row in rows if row["event_type"] == "gap" and row["metadata"].get("stream") == "screen"]
    lost += sum(int(gap.get("lost", 0)) for gap in gaps)
due = round((times[-1] - times[0]) / period) + 1
if abs(len(times) + lost - due) > 1:
    fail(f"{len(times)} frames and {lost} dropped of {due} that were due")
if np.diff(times).min() <= 0:
    fail("frames of two parts are of one time")

# --- what is held at a seam is released at the end of one part and stated at the begin of the next
stated = 0
for n, rows in enumerate(tables):
    held = {}
    for row in rows:
        what = {"key_down": ("key", True), "key_up": ("key", False)}.get(row["event_type"])
        if row["event_type"] == "mouse_click":
            what = ("button", row["pressed"])
        if what is None or row["repeat"]:
            continue
        name = (what[0], row["metadata"].get("native") or row["mouse_button"])
        if what[1] == (name in held):
            fail(f"part {n + 1}: {name} is {'pressed' if what[1] else 'released'} twice at {row['t_ns']}")
        if what[1]:
            held[name] = row
        else:
            del held[name]
    if held:
        fail(f"part {n + 1}: {list(held)} held at its end")
    begin = [row for row in rows if row["metadata"].get("held") and row["event_type"] == "key_down" and row["t_ns"] <= meta[n]["clock"]["t0_ns"]]
    stated += len(begin) if n else 0
    told = meta[n]["initial_state"]["keys"]
    if n and told is not None and len(told) != len(begin):
        fail(f"part {n + 1}: initial_state has {told}, rows state {len(begin)} keys")

seams = ", ".join(f"{ms:.1f}" for ms in seams)
print(f"{len(parts)} parts, {len(times)} frames and {lost} dropped of {due} due, over the seams {seams} ms; {stated} held keys stated")
if len(sys.argv) < 5:
    sys.exit(0)

# --- every injected event, in order, in exactly one part
truth_path, paints_path = map(pathlib.Path, sys.argv[3:5])
rows = [row for table in tables for row in table]
expected, found = truth.injected(truth_path), truth.recorded(rows)
unproven = 0
for i, (want, have) in enumerate(zip(expected, found)):
    if want[0][0] == "rel" and have[0] == ("abs",):
        unproven += 1
    elif want[0] != have[0]:
        fail(f"event {i} of {len(expected)}: injected {want[0]}, found {have[0]} (t_ns {have[1]['t_ns']}, injected at {want[1]['before']})")
if len(expected) != len(found) or not expected:
    fail(f"{len(expected)} events were injected, {len(found)} are in the tables")
if unproven > 0.02 * sum(key[0] == "rel" for key, _ in expected):
    fail(f"{unproven} steps of the mouse are in the tables without their distance")
without_frame = sum(have["frame_ref"] is None for _, have in found)
print(f"events injected {len(expected)} found {len(found)} lost 0 twice 0; {without_frame} before the first frame of their part")

# --- each frame shows what was on the screen
painted = {}
for line in paints_path.read_text().splitlines():
    paint = json.loads(line)
    if paint["kind"] == "paint":
        painted.setdefault(paint["frame"], paint)


def crc8(number):
    crc = 0
    for byte in number.to_bytes(4, "big"):
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc


read, shown = 0, set()
for part, table in zip(parts, tables):
    frame_rows = [row for row in table if row["event_type"] == "frame"]
    with av.open(str(part / "frames.mp4")) as video:
        for row, frame in zip(frame_rows, video.decode(video=0), strict=True):
            luma = np.frombuffer(frame.planes[0], np.uint8).reshape(-1, frame.planes[0].line_size)
            bits = [int(luma[8, 8 + 16 * i] > 125) for i in range(40)]
            number = int("".join(map(str, bits[:32])), 2)
            # The pointer is drawn over some.
            if crc8(number) != int("".join(map(str, bits[32:])), 2):
                continue
            read += 1
            began = row["t_ns"] - int(row["metadata"]["capture_us"]) * 1000 - 1000
            if painted[number]["before"] > row["t_ns"] + SLACK_NS:
                fail(f"frame {row['frame_ref']} of {part.name} shows paint {number} of later")
            later = painted.get(number + 1)
            if later is not None and later["after"] < began - SLACK_NS:
                fail(f"frame {row['frame_ref']} of {part.name} shows paint {number}, which was replaced before")
            shown.add(number)
if read < 0.8 * len(times) or len(shown) < read // 3:
    fail(f"{read} of {len(times)} barcodes were read, {len(shown)} different")
print(f"{read} barcodes of {len(times)} frames are those of their times")
