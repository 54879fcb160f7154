"""Looks for task, subtasks, outcome and marks of a session in its exports, with each reader's own package.

usage: study_check.py SESSION_DIR OTHER_SESSION_DIR OUT_DIR     OTHER has a game and no task; OUT_DIR has a folder for each format

Prints how many marks and subtasks it found.
"""
import io
import json
import os
import pathlib
import sys

import pandas as pd
import pyarrow.parquet as pq
import webdataset as wds
from mcap.reader import make_reader

session, other, out = (pathlib.Path(path) for path in sys.argv[1:4])
metadata = json.loads((session / "metadata.json").read_text())
task = metadata["task"]
rows = pq.read_table(session / "events.parquet").to_pylist()
marks = [(row["t_ns"], dict(row["metadata"])["text"]) for row in rows if row["event_type"] == "mark"]
assert marks == [(marks[0][0], "the letter is open")]
lines = [json.loads(line) for line in (session / "annotations.jsonl").read_text().splitlines()]
subtasks = [part for line in lines for part in line["subtasks"]]
assert [part["text"] for part in subtasks] == ["open it", "type"]


def subtask_at(t_ns):
    found = [part["text"] for part in subtasks if part["from_ns"] <= t_ns <= part["until_ns"]]
    return found[-1] if found else None


def check(about):
    assert about["task"] == task and about["participant"] == "P-017", about
    assert about["tags"] == {"condition": "a=b c", "rater": "kim", "visit": "2"}
    assert (about["outcome"], about["note"]) == ("success", "in one go")
    assert about["subtasks"] == subtasks
    assert [(mark["t_ns"], mark["text"]) for mark in about["marks"]] == marks, about["marks"]


# Every manifest says it.
for path in out.glob(f"*/{session.name}.*.export.json"):
    check(json.loads(path.read_text())["about"])
assert len(list(out.glob(f"*/{session.name}.*.export.json"))) == 9
for path in out.glob(f"*/{other.name}.*.export.json"):
    about = json.loads(path.read_text())["about"]
    assert about["task"] is None and about["game"] == "chess" and about["marks"] == [] and about["outcome"] is None


def table_is_right(table):
    for row in table:
        assert row["task"] == task and row["subtask"] == subtask_at(row["t_ns"]), row
    found = [row for row in table if row["marks"]]
    assert len(found) == 1 and found[0]["marks"] == 1
    assert found[0]["t_ns"] <= marks[0][0] and (found[0]["until_ns"] is None or marks[0][0] < found[0]["until_ns"])


for folder in ("actions", "dense"):
    path = out / folder / f"{session.name}.actions.parquet"
    table_is_right(pq.read_table(path).to_pylist())
    check(json.loads(pq.read_metadata(path).metadata[b"watchcap.export"])["about"])
plain = pq.read_table(out / "actions" / f"{other.name}.actions.parquet").to_pylist()
assert all(row["task"] is None and row["subtask"] is None and row["marks"] == 0 for row in plain)
check(json.loads(pq.read_metadata(out / "video" / f"{session.name}.video.parquet").metadata[b"watchcap.export"])["about"])
check(json.loads((out / "frames-json" / f"{session.name}.frames.json").read_text())["watchcap"]["about"])

for line in (out / "computer-use" / f"{session.name}.computer-use.jsonl").read_text().splitlines():
    line = json.loads(line)
    assert line["task"] == task and line["subtask"] == subtask_at(line["t_ns"])
lines = [json.loads(line) for line in (out / "vpt" / f"{session.name}.jsonl").read_text().splitlines()]
assert all(line["task"] == task and line["subtask"] == subtask_at(line["t_ns"]) for line in lines)
assert [text for line in lines for text in line["marks"]] == ["the letter is open"]

found = 0
for sample in wds.WebDataset(sorted(str(path) for path in out.glob("webdataset/train/*.tar")), shardshuffle=False):
    info = json.loads(sample["json"])
    if info["export"]["source"]["session_id"] != metadata["session_id"]:
        assert info["task"] is None and info["marks"] == [] and info["subtasks"] == []
        continue
    assert info["task"] == task
    check(info["export"]["about"])
    end = info["until_ns"] or 2**63
    inside = [part for part in subtasks if part["from_ns"] < end and part["until_ns"] >= info["t_ns"]]
    assert info["subtasks"] == inside and inside
    found += len(info["marks"])
    for row in pq.read_table(io.BytesIO(sample["actions.parquet"])).to_pylist():
        assert row["task"] == task and row["subtask"] == subtask_at(row["t_ns"])
assert found == 1

# As LeRobot reads them: the text is the index, by its place.
root = out / "lerobot"
tasks, parts = pd.read_parquet(root / "meta/tasks.parquet"), pd.read_parquet(root / "meta/subtasks.parquet")
assert list(tasks.index) == ["chess", task] and list(tasks["task_index"]) == [0, 1]
assert list(parts.index) == ["unspecified", "open it", "type"] and list(parts["subtask_index"]) == [0, 1, 2]
assert parts.index.name == "subtask"
features = json.loads((root / "meta/info.json").read_text())["features"]
assert features["subtask_index"] == {"dtype": "int64", "shape": [1], "names": None} and "marks" in features
data = [row for path in sorted(root.glob("data/*/*.parquet")) for row in pq.read_table(path).to_pylist()]
first = min(row["episode_index"] for row in data if row["task_index"] == 1)
for row in data:
    mine = row["task_index"] == 1
    wanted = subtask_at(row["src_t_ns"]) if mine else None
    assert parts.iloc[row["subtask_index"]].name == (wanted or "unspecified"), row
    assert mine == (row["episode_index"] >= first)
assert sum(row["marks"] for row in data) == 1
episodes = pq.read_table(root / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
assert [row["tasks"] for row in episodes] == [[task] if row["episode_index"] >= first else ["chess"] for row in episodes]

for name in (f"{session.name}.mcap", f"{session.name}.foxglove.mcap"):
    with (out / "mcap" / name).open("rb") as file:
        reader = make_reader(file)
        check(json.loads(next(m.metadata["manifest"] for m in reader.iter_metadata() if m.name == "watchcap.export"))["about"])
        if "foxglove" in name:
            said = [json.loads(message.data) for _, _, message in reader.iter_messages(topics=["watchcap/row"])]
            assert [(row["t_ns"], row["metadata"]["text"]) for row in said if row["event_type"] == "mark"] == marks
print(f"marks={len(marks)} subtasks={len(subtasks)}", flush=True)
# A thread of pyarrow's pool that waits for the interpreter while that ends aborts the process: so it does not end, it stops.
os._exit(0)
