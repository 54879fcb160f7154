"""Makes `watchcap export actions` once more from events.parquet, by the words of docs/EXPORTS.md, and compares every column.

usage: actions_check.py SESSION_DIR ACTIONS_PARQUET

Prints how many steps and events it compared, or what differs first, and exits with 1.
"""
import json
import pathlib
import sys

import numpy as np
import pyarrow.parquet as pq

BUTTONS = ["left", "right", "middle", "x1", "x2"]
INPUT = {"key_down", "key_up", "mouse_move", "mouse_click", "wheel"}


def spans(rows, begin, end):
    """Pauses: from a row of the type `begin` to the next one of the type `end`."""
    out, since = [], None
    for row in rows:
        if row["event_type"] == begin and since is None:
            since = row["t_ns"]
        if row["event_type"] == end and since is not None:
            out.append((since, row["t_ns"]))
            since = None
    return out + ([(since, 2**63 - 1)] if since is not None else [])


def touched(spans, start, end):
    return any(a < end and b >= start for a, b in spans)


def expected(session):
    rows = pq.read_table(session / "events.parquet").to_pylist()
    for row in rows:
        row["metadata"] = dict(row["metadata"])
    metadata = json.loads((session / "metadata.json").read_text())
    marks = [row["t_ns"] for row in rows if row["event_type"] == "mark"]
    initial = json.loads((session / "metadata.json").read_text())["initial_state"]
    frames = [row for row in rows if row["event_type"] == "frame"]
    inputs = [row for row in rows if row["event_type"] in INPUT]
    pauses = spans(rows, "pause", "resume")
    gaps = [(row["t_ns"], int(row["metadata"].get("until_ns", row["t_ns"]))) for row in rows
            if row["event_type"] == "gap" and row["metadata"].get("stream") in ("input", "log")]
    by_frame = {}
    for row in inputs:
        by_frame.setdefault(row["frame_ref"], []).append(row)
    keys = {key for key in initial["keys"] or [] if 0 <= key < 256}
    buttons = {BUTTONS.index(button) for button in initial["buttons"] or []}
    place = tuple(np.float32(v) for v in initial["pointer"]) if initial["pointer"] else (None, None)

    def packed(codes):
        bits = np.zeros(256, np.uint8)
        bits[sorted(codes)] = 1
        return np.packbits(bits, bitorder="little").tolist()

    def hold(row):
        nonlocal place
        code = row["key_code"]
        if row["event_type"].startswith("key_") and code is not None and 0 <= code < 256:
            (keys.add if row["event_type"] == "key_down" else keys.discard)(code)
        if row["event_type"] == "mouse_click":
            (buttons.add if row["pressed"] else buttons.discard)(BUTTONS.index(row["mouse_button"]))
        if row["mouse_x"] is not None and row["mouse_y"] is not None:
            place = (np.float32(row["mouse_x"]), np.float32(row["mouse_y"]))

    for row in by_frame.get(None, []):
        hold(row)
    out = []
    for k, frame in enumerate(frames):
        assert frame["frame_ref"] == k
        own = by_frame.get(k, [])
        for row in own:
            hold(row)
        done = [row for row in own if "held" not in row["metadata"]]
        downs = [row for row in done if row["event_type"] == "key_down" and not row["repeat"]]
        ups = [row for row in done if row["event_type"] == "key_up"]
        clicks = [row for row in done if row["event_type"] == "mouse_click"]
        moves = [row for row in own if row["event_type"] == "mouse_move"]
        wheels = [row for row in own if row["event_type"] == "wheel"]
        by_device = [row for row in moves if row["metadata"].get("origin") != "warp"]

        def total(values):
            return None if None in values else float(np.float32(sum(values)))

        def motion(column):
            return None if moves and not by_device else total([row[column] for row in by_device])

        def wheel(horizontal):
            return total([r["delta"] for r in wheels if (r["metadata"].get("axis") == "horizontal") == horizontal])

        def codes(rows):
            return packed({row["key_code"] for row in rows if row["key_code"] is not None and 0 <= row["key_code"] < 256})

        def mask(indices):
            return sum(1 << index for index in indices)

        until = frames[k + 1]["t_ns"] if k + 1 < len(frames) else None
        end = until if until is not None else 2**63 - 1
        out.append({
            "step": k, "frame_ref": k, "t_ns": frame["t_ns"], "until_ns": until, "frame_t_ns": frame["t_ns"], "pts": frame["pts"],
            "is_keyframe": frame["is_keyframe"], "dup": frame["metadata"].get("dup") == "1",
            "keys": packed(keys), "keys_pressed": codes(downs), "keys_released": codes(ups),
            "key_presses": len(downs), "key_releases": len(ups),
            "key_repeats": sum(row["event_type"] == "key_down" and bool(row["repeat"]) for row in done),
            "keys_unknown": sum(row["key_code"] is None for row in downs + ups),
            "buttons": mask(buttons),
            "buttons_pressed": mask({BUTTONS.index(row["mouse_button"]) for row in clicks if row["pressed"]}),
            "buttons_released": mask({BUTTONS.index(row["mouse_button"]) for row in clicks if not row["pressed"]}),
            "button_presses": sum(row["pressed"] for row in clicks), "button_releases": sum(not row["pressed"] for row in clicks),
            "buttons_unknown": sum(row["pressed"] is None or row["mouse_button"] not in BUTTONS for row in clicks),
            "mouse_dx": motion("mouse_dx"), "mouse_dy": motion("mouse_dy"),
            "mouse_x": None if place[0] is None else float(place[0]), "mouse_y": None if place[1] is None else float(place[1]),
            "wheel_x": wheel(True), "wheel_y": wheel(False), "events": len(done),
            "input_gap": touched(gaps, frame["t_ns"], end), "paused": touched(pauses, frame["t_ns"], end),
            "marks": sum(frame["t_ns"] <= t < end for t in marks), "task": metadata.get("task"), "subtask": None,
        })
    return out


def main():
    session, path = pathlib.Path(sys.argv[1]), sys.argv[2]
    wanted, table = expected(session), pq.read_table(path)
    found = table.to_pylist()
    assert table.column_names == list(wanted[0]), f"columns {table.column_names}"
    assert len(found) == len(wanted), f"{len(found)} steps instead of {len(wanted)}"
    for one, other in zip(found, wanted):
        for name in other:
            assert one[name] == other[name], f"step {other['step']} {name}: {one[name]} instead of {other[name]}"
    about = json.loads(pq.read_metadata(path).metadata[b"watchcap.export"])
    metadata = json.loads((session / "metadata.json").read_text())
    assert about["source"]["session_id"] == metadata["session_id"] and about["consent"] == metadata["consent"]
    # The picture of the documentation: the unpacked bits are the sets.
    packed_keys = table["keys"].combine_chunks().flatten().to_numpy().reshape(-1, 32)
    assert np.unpackbits(packed_keys, axis=1, bitorder="little").sum() == sum(bin(b).count("1") for row in found for b in row["keys"])
    print(f"steps={len(found)} events={sum(row['events'] for row in found)} held={sum(any(row['keys']) for row in found)}")


main()
