"""What the first gamepad of a session did in spans of time, from the rows of events.parquet alone, by the words of docs/EXPORTS.md.

usage: gamepads.py SESSION_DIR ACTIONS_PARQUET    compares an export of actions with --gamepad
"""
import json
import pathlib
import sys

BUTTONS = [
    "south", "east", "west", "north", "left_shoulder", "right_shoulder", "left_trigger", "right_trigger", "back", "start",
    "left_stick", "right_stick", "dpad_up", "dpad_down", "dpad_left", "dpad_right", "guide",
]
CONTROLS = BUTTONS + ["left_x", "left_y", "right_x", "right_y"]
NAMES = [f"gamepad_{name}" for name in CONTROLS]


def fold(rows, spans):
    """For each span (begin, end): where the controls were at its begin, and its action."""
    axis, down = dict.fromkeys(CONTROLS, 0.0), dict.fromkeys(BUTTONS, 0.0)

    def now(name):
        return max(axis[name], down.get(name, 0.0)) if name in down else axis[name]

    rows = [row for row in rows if row["event_type"] in ("gamepad_button", "gamepad_axis") and row["pad"] == 0 and row["control"]]
    at, out = 0, []
    for begin, end in spans:
        def take(until):
            nonlocal at
            while at < len(rows) and (until is None or rows[at]["t_ns"] < until):
                row = rows[at]
                (axis if row["event_type"] == "gamepad_axis" else down)[row["control"]] = row["value"]
                at += 1
                yield row["control"]

        for _ in take(begin):
            pass
        state = [now(name) for name in CONTROLS]
        most = {name: now(name) for name in BUTTONS}
        for name in take(end):
            if name in most:
                most[name] = max(most[name], now(name))
        out.append((state, [most[name] if name in most else now(name) for name in CONTROLS]))
    return out


def main():
    import pyarrow.parquet as pq

    session, path = pathlib.Path(sys.argv[1]), sys.argv[2]
    rows = pq.read_table(session / "events.parquet").to_pylist()
    table = pq.read_table(path)
    assert [name for name in table.column_names if name.startswith("gamepad_")] == NAMES, table.column_names
    steps = table.to_pylist()
    moved = 0
    for step, (_, action) in zip(steps, fold(rows, [(step["t_ns"], step["until_ns"]) for step in steps])):
        assert [step[name] for name in NAMES] == action, (step["step"], [step[name] for name in NAMES], action)
        assert step["known"], step["step"]
        moved += any(value != 0 for value in action)
    about = json.loads(pq.read_metadata(path).metadata[b"watchcap.export"])
    assert about["options"]["gamepad"] is True and not about.get("left_out"), about
    print(f"steps={len(steps)} moved={moved}")


if __name__ == "__main__":
    main()
