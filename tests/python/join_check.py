#!/usr/bin/env python3
"""Holds a session that was joined against the parts that it is of.

    join_check.py FOLDER JOINED

FOLDER holds the parts and nothing else. By a rule of its own: the rows of all parts in their order, less what a seam states (`held`=1 at the last
instant of a part and at the first of the next, of the same key; the active window and gamepads, said again), are the rows of the joined session, each
once, with frames counted over all. Every frame decodes to the picture that its part has. Each file of sound has the packets of all parts once, and
what is heard in it stands where it stood on the clock of `t_ns`. Prints what it found. Exits with 1 and the first contradiction otherwise.
"""
import collections
import hashlib
import json
import pathlib
import sys

import av
import numpy as np

import truth

folder, joined = map(pathlib.Path, sys.argv[1:3])


def fail(text):
    print(f"join_check: {text}", file=sys.stderr)
    sys.exit(1)


parts = sorted(path for path in folder.iterdir() if path.is_dir())
meta = [json.loads((part / "metadata.json").read_text()) for part in parts]
whole = json.loads((joined / "metadata.json").read_text())
tables = [truth.rows(part) for part in parts]

# --- rows
DOWN = {"key_down", "key_up"}


def name(row):
    """What a row is of, where it states that something is held."""
    kind = "key" if row["event_type"] in DOWN else row["event_type"]
    data = row["metadata"]
    return kind, row["key_code"], data.get("native"), data.get("redacted"), row["mouse_button"], row["pad"], row["control"]


def down(row):
    if row["event_type"] == "gamepad_axis":
        return row["value"] != 0
    return row["event_type"] != "key_up" and row["pressed"]


expected, frames, dropped, restated = [], 0, 0, 0
for n, rows in enumerate(tables):
    begin, end = meta[n]["clock"]["t0_ns"], rows[-1]["t_ns"]
    skip = set()
    if n:
        before = tables[n - 1]
        releases = collections.Counter(name(row) for row in before if row["metadata"].get("held") and row["t_ns"] == before[-1]["t_ns"] and not down(row))
        active = [row for row in before if row["event_type"] == "focus"]
        paused = [row["event_type"] for row in before if row["event_type"] in ("pause", "resume")][-1:] == ["pause"]
        for at, row in enumerate(rows):
            if row["t_ns"] > begin:
                break
            if row["metadata"].get("held") and down(row) and row["event_type"] != "gamepad_connect" and releases[name(row)]:
                releases[name(row)] -= 1
                skip.add(at)
            if row["event_type"] == "focus" and row["source"] == "recorder" and active:
                skip.add(at)
            if row["event_type"] == "gamepad_connect" and row["metadata"].get("held"):
                skip.add(at)
            if row["event_type"] == "pause" and paused:
                skip.add(at)
        restated += len(skip)
    if n + 1 < len(tables):
        after = tables[n + 1]
        stated = collections.Counter(
            name(row) for row in after if row["metadata"].get("held") and down(row) and row["t_ns"] == meta[n + 1]["clock"]["t0_ns"]
        )
        for at in reversed(range(len(rows))):
            row = rows[at]
            if row["t_ns"] != end:
                break
            if row["metadata"].get("held") and not down(row) and stated[name(row)]:
                stated[name(row)] -= 1
                skip.add(at)
                dropped += 1
    for at, row in enumerate(rows):
        if at in skip:
            continue
        row = dict(row)
        row["frame_ref"] = frames + row["frame_ref"] if row["frame_ref"] is not None else (frames - 1 if frames else None)
        expected.append(row)
    frames += sum(row["event_type"] == "frame" for row in rows)

found = truth.rows(joined)
SAME = ("t_ns", "event_type", "key_code", "mouse_x", "mouse_y", "mouse_button", "delta", "frame_ref", "metadata", "pressed", "mouse_dx", "mouse_dy", "is_keyframe", "repeat", "source", "pad", "control", "value")
if len(expected) != len(found):
    fail(f"{len(found)} rows, {len(expected)} expected")
t0, window = None, ""
for at, (want, have) in enumerate(zip(expected, found)):
    for key in SAME:
        if want[key] != have[key]:
            fail(f"row {at} ({have['event_type']}, t_ns {have['t_ns']}): {key} is {have[key]!r}, {want[key]!r} expected")
    if have["seq"] != at or have["session_id"] != whole["session_id"]:
        fail(f"row {at} has seq {have['seq']} and session_id {have['session_id']}")
    if have["event_type"] == "frame":
        t0 = have["t_ns"] if t0 is None else t0
        if have["pts"] != (have["t_ns"] - t0 + 500) // 1000:
            fail(f"row {at}: pts {have['pts']} of a frame {have['t_ns'] - t0} ns behind the first")
    if have["event_type"] == "focus":
        window = have["window_id"]
    if have["window_id"] != window:
        fail(f"row {at}: window_id {have['window_id']!r} while {window!r} is active")
held = {}
for row in found:
    if row["event_type"] in DOWN | {"mouse_click"} and not row["repeat"]:
        if bool(down(row)) == (name(row) in held):
            fail(f"{name(row)} is {'pressed' if down(row) else 'released'} twice at {row['t_ns']}")
        held.pop(name(row), None) if not down(row) else held.update({name(row): row})
if held:
    fail(f"{list(held)} held at the end")

# --- metadata
if "series" in whole or whole["frames"] != frames or whole["end_reason"] != meta[-1]["end_reason"]:
    fail("metadata: series, frames or end_reason")
if whole["duration_ns"] != meta[-1]["clock"]["t0_ns"] + meta[-1]["duration_ns"] - meta[0]["clock"]["t0_ns"]:
    fail("metadata: duration_ns")
for key in ("captured_at", "initial_state", "target", "resolution", "surface", "encoder", "env"):
    if whole[key] != meta[0][key]:
        fail(f"metadata: {key}")
for key in ("dropped_frames", "duplicate_frames"):
    if whole[key] != sum(part[key] for part in meta):
        fail(f"metadata: {key}")
seals = [hashlib.sha256((part / "integrity.sha256").read_bytes()).hexdigest() for part in parts]
steps = [step for step in whole["lineage"] if step["reason"] == "joined"]
if [step["integrity_sha256"] for step in steps] != seals:
    fail("lineage does not name the parts")

# --- pictures
if frames:
    with av.open(str(joined / "frames.mp4")) as video:
        together = ((frame.pts, hashlib.sha256(frame.to_ndarray().tobytes()).digest()) for frame in video.decode(video=0))
        times = iter([row["pts"] for row in found if row["event_type"] == "frame"])
        for part in parts:
            with av.open(str(part / "frames.mp4")) as alone:
                for n, frame in enumerate(alone.decode(video=0)):
                    pts, picture = next(together)
                    if picture != hashlib.sha256(frame.to_ndarray().tobytes()).digest():
                        fail(f"frame {n} of {part.name} is another picture")
                    if pts != next(times):
                        fail(f"frame {n} of {part.name} has another time")
        if next(together, None) is not None:
            fail("there are more pictures than frames of the parts")

# --- sound


def hear(session, told, file):
    """The samples of a file, each with its time on the clock of the session; packets by their times and bytes."""
    settings = told["streams"]["audio"]["settings"]
    settings = settings["microphone"] if file == "audio_mic.mp4" else settings
    with av.open(str(session / file)) as container:
        stream = container.streams.audio[0]
        packets = [(packet.pts, bytes(packet)) for packet in container.demux(stream) if packet.size]
    times, levels = [], []
    with av.open(str(session / file)) as container:
        for frame in container.decode(container.streams.audio[0]):
            samples = frame.to_ndarray()
            samples = samples if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels).T
            level = samples[0].astype(np.float64) / (32768 if samples.dtype.kind == "i" else 1)
            times.append(settings["t0_ns"] + (float(frame.pts * frame.time_base) + np.arange(len(level)) / frame.sample_rate) * 1e9)
            levels.append(level)
    return settings, packets, np.concatenate(times), np.concatenate(levels)


def clicks(time, level):
    """Where it becomes loud behind 50 ms of quiet."""
    loud = np.flatnonzero(np.abs(level) > 0.3)
    return [time[at] for at in loud if np.abs(level[max(0, at - 2400) : at]).max(initial=0) <= 0.3]


said = ""
for file in ("audio.mp4", "audio_mic.mp4"):
    with_it = [n for n, part in enumerate(parts) if (part / file).exists()]
    if bool(with_it) != (joined / file).exists():
        fail(f"{file} is there or not")
    if not with_it:
        continue
    settings, packets, time, level = hear(joined, whole, file)
    rate, alone = settings["rate_hz"], [hear(parts[n], meta[n], file) for n in with_it]
    # Each packet of a part once, at its time to two samples; what a part begins with is the end of the one before.
    twice = sum(len(theirs) for _, theirs, _, _ in alone) - len(packets)
    have = [settings["t0_ns"] + pts / rate * 1e9 for pts, _ in packets]
    if min(np.diff(have)) < 0.5 * 1e9 * 400 / rate:
        fail(f"{file}: two packets are of one time")
    for own, theirs, _, _ in alone:
        for pts, packet in theirs:
            t = own["t0_ns"] + pts / rate * 1e9
            near = int(np.argmin(np.abs(np.array(have) - t)))
            if abs(have[near] - t) > 2.5e9 / rate or packets[near][1] != packet:
                fail(f"{file}: a packet of {t:.0f} is not there, or moved by {have[near] - t:.0f} ns")
    if len(packets) != settings["packets"] or len(level) != settings["samples"]:
        fail(f"{file}: {len(packets)} packets and {len(level)} samples, the metadata say {settings['packets']} and {settings['samples']}")
    # Samples follow each other without a hole.
    steps = np.diff(time)
    if steps.max() > 2.5e9 / rate:
        fail(f"{file}: {steps.max() / 1e6:.3f} ms between two samples")
    there, here = clicks(time, level), sorted(t for _, _, time_of, level_of in alone for t in clicks(time_of, level_of))
    # One that lies in what two parts have is heard in both.
    here = [t for at, t in enumerate(here) if at == 0 or t - here[at - 1] > 5e6]
    if len(there) != len(here) or (here and np.abs(np.array(there) - np.array(here)).max() > 1e9 * 30 / rate):
        fail(f"{file}: clicks at {there}, in the parts at {here}")
    said += f"; {file}: {len(packets)} packets ({twice} of two parts), {len(level)} samples, {len(there)} clicks where they were"

print(f"{len(parts)} parts: {len(found)} rows, {dropped} releases and {restated} statements left out at seams, {frames} frames{said}")
