#!/usr/bin/env python3
"""Holds a recorded session against what really happened: the injected inputs and the painted frames.

    alignment.py SESSION TRUTH.jsonl PAINTS.jsonl

TRUTH is the log of `xtest_script`, PAINTS that of `barcode_client`, whose window covers the recorded surface. Checks, with
pyarrow and PyAV only: every injected event is in the table, in order, none twice; no row is stamped before its event; what
frame i shows was on the screen at the `t_ns` of row i; a key's patch changes on the right side of its row; the colour
patch. The pointer is drawn over all that: what it may cover in a frame is not looked at there. Prints the stamp errors. Exits with 1 and the first contradiction otherwise.
"""
import bisect, json, pathlib, sys

import av
import numpy as np

import truth

session, truth_path, paints_path = map(pathlib.Path, sys.argv[1:4])
# What a clock read in two processes may differ by: both read CLOCK_MONOTONIC, so only the rounding of a stamp.
SLACK_NS = 50_000


def fail(text):
    print(f"alignment: {text}", file=sys.stderr)
    sys.exit(1)


rows = truth.rows(session)
paints_log = [json.loads(line) for line in paints_path.read_text().splitlines()]

# --- every injected event, in order, none twice
expected, found = truth.injected(truth_path), truth.recorded(rows)

# XTEST motion has steps only where the pointer's way proves that its numbers were steps: on a machine without time for it, now and then
# one has its place alone, as if it had been absolute.
unproven = 0
for i, (want, have) in enumerate(zip(expected, found)):
    if want[0][0] == "rel" and have[0] == ("abs",):
        unproven += 1
    elif want[0] != have[0]:
        fail(f"event {i} of {len(expected)}: injected {want[0]}, found {have[0]} (t_ns {have[1]['t_ns']}, injected at {want[1]['before']})")
if len(expected) != len(found):
    fail(f"{len(expected)} events were injected, {len(found)} are in the table")
if not expected:
    fail("nothing was injected")
if unproven > 0.02 * sum(key[0] == "rel" for key, _ in expected):
    fail(f"{unproven} steps of the mouse are in the table without their distance")

errors = np.array([have["t_ns"] - want["before"] for (_, want), (_, have) in zip(expected, found)]) / 1e6
if errors.min() < -SLACK_NS / 1e6:
    fail(f"a row is stamped {-errors.min():.3f} ms before its event was injected")
kinds = {}
for key, _ in expected:
    kinds[key[0]] = kinds.get(key[0], 0) + 1
p50, p99 = np.percentile(errors, [50, 99])
print(f"events injected {len(expected)} found {len(found)} lost 0 twice 0: " + ", ".join(f"{n} {k}" for k, n in sorted(kinds.items())) + f"; {unproven} steps without their distance")
print(f"stamp error ms p50 {p50:.3f} p99 {p99:.3f} max {errors.max():.3f}")

# --- down and up are balanced, so that no loader sees a stuck key
held = set()
for row in rows:
    if row["event_type"] in ("key_down", "key_up") and not row["repeat"]:
        code = row["metadata"]["native"]
        if (code in held) == (row["event_type"] == "key_down"):
            fail(f"key rows are not balanced at t_ns {row['t_ns']}")
        (held.add if row["event_type"] == "key_down" else held.discard)(code)
if held:
    fail("a key is still down at the end")

# --- frames against paints
paints = [p for p in paints_log if p["kind"] in ("paint", "key")]
paints.sort(key=lambda p: p["before"])
painted = {}
for paint in paints:
    if paint["kind"] == "paint":
        painted.setdefault(paint["frame"], paint)
key_paints = [p for p in paints if p["kind"] == "key"]
key_before, key_after = [p["before"] for p in key_paints], [p["after"] for p in key_paints]

# The paint that each injected press caused: the first with its code that was read after it.
presses = []
for (key, want), (_, have) in zip(expected, found):
    if key[0] == "key" and key[2]:
        cause = next((n for n, p in enumerate(key_paints) if p["code"] == key[1] and p["read"] >= want["before"]), None)
        if cause is not None:
            presses.append((have["t_ns"], cause + 1))
if len(presses) < 5:
    fail(f"only {len(presses)} key presses reached the client")


def crc8(number):
    crc = 0
    for byte in number.to_bytes(4, "big"):
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc


def rgb_at(frame, x, y):
    planes = [np.frombuffer(p, np.uint8).reshape(-1, p.line_size) for p in frame.planes]
    luma, u, v = planes[0][y, x], planes[1][y // 2, x // 2], planes[2][y // 2, x // 2]
    l, cb, cr = (int(luma) - 16) * 255 / 219, (int(u) - 128) * 255 / 224, (int(v) - 128) * 255 / 224
    return [l + 1.5748 * cr, l - 0.1873 * cb - 0.4681 * cr, l + 1.8556 * cb]


# Where the pointer was, by time. The server's own is 17 pixels wide around its place; encoding spreads its edges over a macroblock.
size = json.loads((session / "metadata.json").read_text())["resolution"]
places = [
    (row["t_ns"], row["mouse_x"] * size[0], row["mouse_y"] * size[1]) for row in rows if row["mouse_x"] is not None
]
place_times = [place[0] for place in places]
REACH, LATE_NS = 9 + 16, 5_000_000


def pointer_in(box, began, t):
    """Whether the pointer may cover a part of `box` (left, top, right, bottom) in what was grabbed from `began` to `t`."""
    first = max(bisect.bisect_right(place_times, began - LATE_NS) - 1, 0)
    return any(
        box[0] - REACH <= x <= box[2] + REACH and box[1] - REACH <= y <= box[3] + REACH
        for _, x, y in places[first : bisect.bisect_right(place_times, t + LATE_NS)]
    )


frame_rows = [row for row in rows if row["event_type"] == "frame"]
looked_at = {"barcode": 0, "key patch": 0, "colour patch": 0}
worst_colour, shown_numbers = 0.0, set()
with av.open(str(session / "frames.mp4")) as video:
    for row, frame in zip(frame_rows, video.decode(video=0), strict=True):
        t, began = row["t_ns"], row["t_ns"] - int(row["metadata"]["capture_us"]) * 1000 - 1000
        if not pointer_in((0, 0, 640, 16), began, t):
            looked_at["barcode"] += 1
            luma = np.frombuffer(frame.planes[0], np.uint8).reshape(-1, frame.planes[0].line_size)
            bits = [int(luma[8, 8 + 16 * i] > 125) for i in range(40)]
            number = int("".join(map(str, bits[:32])), 2)
            if crc8(number) != int("".join(map(str, bits[32:])), 2):
                fail(f"the barcode of frame {row['frame_ref']} cannot be read")
            if number not in painted:
                fail(f"frame {row['frame_ref']} shows paint {number}, which is not in the log")
            if painted[number]["before"] > t + SLACK_NS:
                fail(f"frame {row['frame_ref']} at {t} shows paint {number}, painted {(painted[number]['before'] - t) / 1e6:.3f} ms later")
            later = painted.get(number + 1)
            if later is not None and later["after"] < began - SLACK_NS:
                fail(f"frame {row['frame_ref']} shows paint {number}, replaced {(began - later['after']) / 1e6:.3f} ms before its grab began")
            shown_numbers.add(number)
        # The key patch: how many changes may be shown, by the log, and whether the colour is one of them.
        if not pointer_in((112, 64, 112, 64), began, t):
            looked_at["key patch"] += 1
            least, most = bisect.bisect_right(key_after, began - SLACK_NS), bisect.bisect_right(key_before, t + SLACK_NS)
            red, _, blue = rgb_at(frame, 80 + 32, 32 + 32)
            parity = int(red > blue)
            candidates = [n for n in range(least, most + 1) if n % 2 == parity]
            if not candidates:
                fail(f"frame {row['frame_ref']} shows key state {parity}, the log allows {least} to {most} changes")
            for t_key, change in presses:
                if t_key > t + SLACK_NS and candidates[0] >= change:
                    fail(f"frame {row['frame_ref']} shows the effect of a key whose row is {(t_key - t) / 1e6:.3f} ms later")
        if not pointer_in((32, 64, 32, 64), began, t):
            looked_at["colour patch"] += 1
            red, green, blue = rgb_at(frame, 32, 32 + 32)
            worst_colour = max(worst_colour, abs(red - 200), abs(green - 40), abs(blue - 0))
for what, frames in looked_at.items():
    if frames < 0.8 * len(frame_rows):
        fail(f"the pointer covered the {what} in {len(frame_rows) - frames} of {len(frame_rows)} frames")
if worst_colour > 3:
    fail(f"the colour patch is off by {worst_colour:.1f} levels")
if len(shown_numbers) < len(frame_rows) // 3:
    fail(f"{len(frame_rows)} frames show only {len(shown_numbers)} different paints")
for row in rows:
    if row["frame_ref"] is not None and row["event_type"] != "frame" and frame_rows[row["frame_ref"]]["t_ns"] > row["t_ns"]:
        fail(f"the row at {row['t_ns']} refers to a later frame")
print(f"frames {len(frame_rows)}, where the pointer left it to be seen ({looked_at}), show what was on the screen at their t_ns; {len(presses)} key presses on the right side")
print(f"colour patch off by at most {worst_colour:.2f} levels")
