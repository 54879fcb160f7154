"""Opens a LeRobotDataset v3.0 the way lerobot's loader does, without torch: files in the order of their paths, `index` for the number of a row,
frames by torchcodec's arithmetic. Reads every index with PyAV, and compares it with the sessions.

usage: lerobot_check.py DATASET_DIR SESSION_DIR...

What the package itself says of an export: lerobot_package.py.
"""
import glob
import json
import pathlib
import sys

import av
import datasets
import gamepads
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import seek

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

# The loader takes the `index` of a row for its place in the sorted files: 0, 1, 2, ... as they come.
assert data["index"][:] == list(range(len(data))), "rows are out of place"
# A group of rows is an episode.
groups = [file.metadata.row_group(g).num_rows for file in map(pq.ParquetFile, paths) for g in range(file.metadata.num_row_groups)]
assert groups == episodes["length"][:], groups
assert not [name for name in info["features"] if name.startswith("action") and name != "action"], "a second action to predict"
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
    assert seek.check(path, fps) == episode["length"]
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
        # torchcodec's way: the frame of this number by the mean rate, which `seek` looks for.
        assert round(float(np.float32(asked)) * fps) == index - first
        assert tasks.iloc[columns["task_index"][index]].name == episode["tasks"][0]
        read += 1
assert read == len(data)

# Statistics are those of the data: of each episode, and of all of them.
STATS = ("min", "max", "mean", "std", "q01", "q10", "q50", "q90", "q99")
weights = np.array(episodes["length"][:], dtype=np.float64)
for name in features:
    values = columns[name].astype(np.float64).reshape(len(data), -1)
    scale = max(1.0, np.abs(values).max())
    told = {stat: np.array(episodes[f"stats/{name}/{stat}"][:]) for stat in STATS}
    for number, (first, last) in enumerate(zip(episodes["dataset_from_index"][:], episodes["dataset_to_index"][:])):
        part = values[first:last]
        truth = [part.min(0), part.max(0), part.mean(0), part.std(0)]
        truth += [np.quantile(part, q, axis=0, method="inverted_cdf") for q in (0.01, 0.10, 0.50, 0.90, 0.99)]
        for stat, of_part in zip(STATS, truth):
            assert np.allclose(told[stat][number], of_part, atol=1e-6 * scale), (name, stat, number)
        assert episodes[f"stats/{name}/count"][number] == [last - first]
    truth = [values.min(0), values.max(0), values.mean(0), values.std(0)]
    truth += [np.average(told[stat], axis=0, weights=weights) for stat in STATS[4:]]
    for stat, of_all in zip(STATS, truth):
        assert np.allclose(np.array(stats[name][stat]), of_all, atol=1e-6 * scale), (name, stat)
    assert stats[name]["count"] == [len(data)]
for stat in STATS:
    assert np.array(stats[video_key][stat]).shape == (3, 1, 1)
    of_episodes = np.array(episodes[f"stats/{video_key}/{stat}"][:])
    assert of_episodes.shape == (len(episodes), 3, 1, 1) and (of_episodes >= 0).all() and (of_episodes <= 1).all()

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
    # Nothing that is known is left out, and an action that is not known is no row (0 would say that nothing was done).
    assert all(columns["known_action"][i] for i in steps) and not np.isnan(columns["action"][steps]).any()
    events = [row for row in table if row["event_type"] in ("key_down", "mouse_move", "wheel", "mouse_click")]
    has_pad = gamepads.NAMES[0] in names
    ends = [int(columns["src_t_ns"][steps[0]]) + (n + 1) * 1_000_000_000 // fps for n in range(len(steps))]
    pads = gamepads.fold(table, [(int(columns["src_t_ns"][i]), end) for i, end in zip(steps, ends)])
    for i, (pad_state, pad_action) in zip(steps, pads):
        begin = columns["src_t_ns"][i]
        frame = columns["src_frame_ref"][i]
        assert shown[frame] <= begin and (frame + 1 == len(shown) or shown[frame + 1] > begin)
        end = columns["src_t_ns"][steps[0]] + (i - steps[0] + 1) * 1_000_000_000 // fps
        before = [row for row in table if row["t_ns"] < begin and row["mouse_x"] is not None]
        place = [before[-1]["mouse_x"], before[-1]["mouse_y"]] if before else metadata["initial_state"]["pointer"]
        state = [*place, 1.0] if place else [0.0, 0.0, 0.0]
        if has_pad:
            state += pad_state
            first = names.index(gamepads.NAMES[0])
            assert names[first : first + len(pad_action)] == gamepads.NAMES
            assert np.allclose(columns["action"][i][first : first + len(pad_action)], pad_action, atol=1e-6), (i, pad_action)
            assert info["features"]["observation.state"]["names"][3:] == gamepads.NAMES
        assert np.allclose(columns["observation.state"][i], state, atol=1e-6), (i, columns["observation.state"][i], state)
        inside = [row for row in events if begin <= row["t_ns"] < end and not dict(row["metadata"]).get("held")]
        if "mouse_dx" in names:
            dx = sum(row["mouse_dx"] or 0.0 for row in inside if row["event_type"] == "mouse_move")
            assert abs(columns["action"][i][names.index("mouse_dx")] - dx) < 1e-3
        for row in inside:
            if row["event_type"] == "key_down" and row["key_code"] is not None:
                code = dict(row["metadata"])["code"]
                if code in names:
                    assert columns["action"][i][names.index(code)] == 1.0
                else:
                    assert columns["other_input"][i]
            if row["event_type"] == "mouse_click" and row["pressed"] and "button_left" in names:
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
