"""What was injected and what was recorded, in one shape, so that both can be compared one by one.

Not a program: `alignment.py` and the campaigns of `scripts/chaos` use it. An event is a pair of its key (what happened, comparable)
and where it comes from (the line of `xtest_script`, or the row of the table).
"""
import json

import pyarrow.parquet as pq

BUTTONS = {1: "left", 2: "middle", 3: "right", 8: "x1", 9: "x2"}
WHEEL = {4: (None, 1.0), 5: (None, -1.0), 6: ("horizontal", -1.0), 7: ("horizontal", 1.0)}


def rows(session):
    """The rows of a session's table, their metadata as dictionaries."""
    rows = pq.read_table(session / "events.parquet", use_threads=False).to_pylist()
    for row in rows:
        row["metadata"] = dict(row["metadata"])
    return rows


def injected(path):
    """The events that a log of `xtest_script` says were injected, in order. A line that is cut off is left out."""
    expected = []
    for text in path.read_text().splitlines(keepends=True):
        if not text.endswith("\n"):
            break
        line = json.loads(text)
        kind = line["kind"]
        if kind == "key":
            expected.append((("key", line["code"], line["down"]), line))
        elif kind == "button" and line["code"] in BUTTONS:
            expected.append((("button", BUTTONS[line["code"]], line["down"]), line))
        elif kind == "button" and line["code"] in WHEEL and line["down"]:
            expected.append((("wheel", *WHEEL[line["code"]]), line))
        elif kind == "rel":
            expected.append((("rel", float(line["dx"]), float(line["dy"])), line))
        elif kind == "abs":
            expected.append((("abs",), line))
    return expected


def recorded(rows):
    """The same events as the table has them, in its order; what is stated as held, and repeats, are not events."""
    found = []
    for row in rows:
        data, kind = row["metadata"], row["event_type"]
        if data.get("held") or row["repeat"]:
            continue
        if kind in ("key_down", "key_up"):
            found.append((("key", int(data["native"]), kind == "key_down"), row))
        elif kind == "mouse_click":
            found.append((("button", row["mouse_button"], row["pressed"]), row))
        elif kind == "wheel":
            found.append((("wheel", data.get("axis"), row["delta"]), row))
        elif kind == "mouse_move":
            found.append(((("rel", row["mouse_dx"], row["mouse_dy"]) if row["mouse_dx"] is not None else ("abs",)), row))
    return found
