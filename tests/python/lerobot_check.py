"""Opens a LeRobotDataset v3.0 the way lerobot 0.4's loader does, without torch, reads every index with PyAV, and compares it with the sessions.

usage: lerobot_check.py DATASET_DIR SESSION_DIR...
"""
import glob
import json
import pathlib
import sys

import av
import datasets
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

TOLERANCE_S = 1e-4  # lerobot's default
root, sessions = pathlib.Path(sys.argv[1]), [pathlib.Path(path) for path in sys.argv[2:]]

info = json.loads((root / "meta/info.json").read_text())
assert info["codebase_version"] == "v3.0"
tasks = pd.read_parquet(root / "meta/tasks.parquet")
stats = json.loads((root / "meta/stats.json").read_text())
fps = info["fps"]
features = {}
for name, feature in info["features"].items():
    shape = tuple(feature["shape"])
    if feature["dtype"] == "video":
        assert len(shape) == 3 and len(feature["names"]) == 3
        continue
    if shape == (1,):
        features[name] = datasets.Value(feature["dtype"])
    else:
        features[name] = datasets.Sequence(length=shape[0], feature=datasets.Value(feature["dtype"]))
        assert len(feature["names"]) == shape[0]
paths = sorted(glob.glob(str(root / "data/*/*.parquet")))
assert len(paths) == len(sessions)
data = datasets.Dataset.from_parquet(paths, features=datasets.Features(features), cache_dir=str(root.parent / "hf-cache"))
episodes = datasets.Dataset.from_parquet(sorted(glob.glob(str(root / "meta/episodes/*/*.parquet"))), cache_dir=str(root.parent / "hf-cache"))
assert len(data) == info["total_frames"] and len(episodes) == info["total_episodes"] and len(tasks) == info["total_tasks"]
assert info["splits"] == {"train": f"0:{len(episodes)}"}

# The loader addresses rows by `index` in the order of the files it finds, so rows are sorted by it here; it must be 0, 1, 2, ...
data = data.sort("index")
assert data["index"][:] == list(range(len(data)))
video_key = next(name for name, feature in info["features"].items() if feature["dtype"] == "video")


def frames_of(path):
    with av.open(str(path)) as video:
        stream = video.streams.video[0]
        assert (stream.height, stream.width, 3) == tuple(info["features"][video_key]["shape"])
        assert stream.codec_context.name == "h264" and stream.pix_fmt == "yuv420p"
        return [(float(frame.pts * stream.time_base), frame.to_ndarray(format="rgb24")) for frame in video.decode(stream)]


columns = {name: np.array(data[name][:]) for name in features}
read = 0
for number, episode in enumerate(episodes):
    assert episode["episode_index"] == number and episode["length"] <= 15 * 60 * fps
    first, last = episode["dataset_from_index"], episode["dataset_to_index"]
    assert last - first == episode["length"]
    path = root / info["video_path"].format(
        video_key=video_key, chunk_index=episode[f"videos/{video_key}/chunk_index"], file_index=episode[f"videos/{video_key}/file_index"]
    )
    pictures = frames_of(path)
    assert len(pictures) == episode["length"]
    times = np.array([time for time, _ in pictures])
    start = episode[f"videos/{video_key}/from_timestamp"]
    assert abs(episode[f"videos/{video_key}/to_timestamp"] - start - episode["length"] / fps) < 1e-9
    for index in range(first, last):
        assert columns["episode_index"][index] == number and columns["frame_index"][index] == index - first
        # lerobot: the frame nearest to the timestamp, which must be nearer than the tolerance.
        asked = start + columns["timestamp"][index]
        assert abs(columns["timestamp"][index] - (index - first) / fps) < TOLERANCE_S
        distance = np.abs(times - asked)
        assert distance.min() < TOLERANCE_S and distance.argmin() == index - first
        # torchcodec's way: the frame of this number by the mean rate.
        assert round(float(asked) * fps) == index - first
        assert tasks.iloc[columns["task_index"][index]].name == episode["tasks"][0]
        read += 1
assert read == len(data)

# Statistics are those of the data.
for name in features:
    values = columns[name].astype(np.float64).reshape(len(data), -1)
    for stat, truth in (("min", values.min(0)), ("max", values.max(0)), ("mean", values.mean(0)), ("std", values.std(0))):
        scale = max(1.0, np.abs(values).max())
        assert np.allclose(np.array(stats[name][stat]), truth, atol=1e-6 * scale), (name, stat)
    assert stats[name]["count"] == [len(data)]
assert np.array(stats[video_key]["mean"]).shape == (3, 1, 1)

# What the sessions say: pictures, actions and their sums.
number = 0
names = info["features"]["action"]["names"]
for at, session in enumerate(sessions):
    table = pq.read_table(session / "events.parquet").to_pylist()
    metadata = json.loads((session / "metadata.json").read_text())
    assert info["watchcap"]["sessions"][at]["source"]["session_id"] == metadata["session_id"]
    assert info["watchcap"]["sessions"][at]["consent"] == metadata["consent"]
    shown = [row["t_ns"] for row in table if row["event_type"] == "frame"]
    with av.open(str(session / "frames.mp4")) as video:
        source = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    # The sessions here have one episode each: nothing was paused or cut out.
    steps = [i for i in range(len(data)) if columns["episode_index"][i] == number]
    assert steps
    events = [row for row in table if row["event_type"] in ("key_down", "mouse_move", "wheel", "mouse_click")]
    for i in steps:
        begin = columns["src_t_ns"][i]
        frame = columns["src_frame_ref"][i]
        assert shown[frame] <= begin and (frame + 1 == len(shown) or shown[frame + 1] > begin)
        end = columns["src_t_ns"][steps[0]] + (i - steps[0] + 1) * 1_000_000_000 // fps
        inside = [row for row in events if begin <= row["t_ns"] < end and not dict(row["metadata"]).get("held")]
        dx = sum(row["mouse_dx"] or 0.0 for row in inside if row["event_type"] == "mouse_move")
        assert abs(columns["action"][i][names.index("mouse_dx")] - dx) < 1e-3
        for row in inside:
            if row["event_type"] == "key_down" and row["key_code"] is not None:
                assert columns["action"][i][row["key_code"]] == 1.0
            if row["event_type"] == "mouse_click" and row["pressed"]:
                assert columns["action"][i][names.index(f"button_{row['mouse_button']}")] == 1.0
    # The picture is the one that src_frame_ref names: nearer to it than to one that shows something else.
    path = root / info["video_path"].format(
        video_key=video_key, chunk_index=episodes[number][f"videos/{video_key}/chunk_index"], file_index=episodes[number][f"videos/{video_key}/file_index"]
    )
    for i, (_, picture) in list(zip(steps, frames_of(path)))[:: max(1, len(steps) // 12)]:
        truth = source[columns["src_frame_ref"][i]].astype(np.float64)
        if picture.shape == truth.shape:
            error = np.abs(picture - truth).mean()
            other = np.abs(picture - source[(columns["src_frame_ref"][i] + len(source) // 2) % len(source)]).mean()
            assert error < 8 and error < other, (i, error, other)
    number = 1 + max(columns["episode_index"][i] for i in steps)
print(f"episodes={len(episodes)} frames={len(data)} tasks={len(tasks)}")
