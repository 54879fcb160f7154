"""Has the `lerobot` package itself read an export, and do with it what people do: read every item, shuffled; compute its statistics; train ACT and
diffusion for some steps; normalize as pi0.5 does; delete, split and merge episodes.

usage: lerobot_package.py DATASET_DIR SCRATCH_DIR [read|train|tools]...     in .venv-consumers: make test-consumers
"""
import json
import os
import pathlib
import random
import shutil
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import torchcodec
from importlib.metadata import version
from lerobot.datasets import dataset_tools
from lerobot.datasets.compute_stats import aggregate_stats, compute_episode_stats, get_feature_stats, sample_indices
from lerobot.datasets.lerobot_dataset import LeRobotDataset

VIDEO = "observation.images.screen"
STATS = ("min", "max", "mean", "std", "q01", "q10", "q50", "q90", "q99")
CHUNK = 8


def opened(root, **more):
    return LeRobotDataset("test/desktop", root=root, **more)


def rows_of(root):
    """Every row, by its own number: what LeRobot's order must be."""
    files = (pathlib.Path(root) / "data").glob("*/*.parquet")
    return pa.concat_tables(pq.read_table(file) for file in files).sort_by("index").to_pylist()


def pictures_of(dataset, root, episode):
    """The pictures of an episode, decoded in order by another library."""
    place = dataset.meta.episodes[episode]
    start = place[f"videos/{VIDEO}/from_timestamp"]
    end = place[f"videos/{VIDEO}/to_timestamp"]
    with av.open(str(pathlib.Path(root) / dataset.meta.get_video_file_path(episode, VIDEO))) as video:
        stream = video.streams.video[0]
        for frame in video.decode(stream):
            time = float(frame.pts * stream.time_base)
            if start - 1e-6 < time < end - 1e-6:
                yield frame.to_ndarray(format="rgb24")


def is_it(got, pictures, episode, number):
    """Whether of the pictures about there the one of this number is the nearest. Decoders round, and take matrices of colours, differently."""
    around = [pictures[episode, k] for k in range(number - 2, number + 3) if (episode, k) in pictures]
    distance = lambda picture: np.abs(got - picture.astype(np.float64)).mean()
    best = min(map(distance, around))
    return distance(pictures[episode, number]) <= best and best < 12


def read(root):
    """Every item, in a shuffled order, by either backend, is the row and the picture of its own moment."""
    rows = rows_of(root)
    chunk = {"action": [k for k in range(CHUNK)]}
    counts = []
    for backend in ("torchcodec", "pyav"):
        fps = json.loads((pathlib.Path(root) / "meta/info.json").read_text())["fps"]
        data = opened(root, video_backend=backend, delta_timestamps={k: [i / fps for i in v] for k, v in chunk.items()})
        assert len(data) == len(rows) == data.meta.total_frames
        assert list(data.hf_dataset.with_format(None)["index"]) == list(range(len(rows))), "rows are out of place"
        pictures = {(n, k): p for n in range(data.meta.total_episodes) for k, p in enumerate(pictures_of(data, root, n))}
        assert len(pictures) == len(rows)
        order = list(range(len(rows)))
        random.Random(1).shuffle(order)
        wrong = 0
        for i in order if backend == "torchcodec" else order[:60]:
            item, row = data[i], rows[i]
            assert (int(item["index"]), int(item["episode_index"]), int(item["frame_index"])) == (i, row["episode_index"], row["frame_index"])
            last = max(j for j in range(i, min(i + CHUNK, len(rows))) if rows[j]["episode_index"] == row["episode_index"])
            want = torch.tensor([rows[min(i + k, last)]["action"] for k in range(CHUNK)])
            assert torch.equal(item["action"], want), f"another moment's actions at {i}"
            assert int(item["action_is_pad"].sum()) == i + CHUNK - 1 - last
            assert item["task"] == data.meta.episodes[row["episode_index"]]["tasks"][0]
            got = (item[VIDEO].permute(1, 2, 0).numpy() * 255).round()
            wrong += not is_it(got.astype(np.float64), pictures, row["episode_index"], row["frame_index"])
        assert wrong == 0, f"{wrong} wrong pictures by {backend}"
        counts.append(f"{backend}={len(order) if backend == 'torchcodec' else min(60, len(order))}")
    print(f"read: {len(rows)} rows in {data.meta.total_episodes} episodes, shuffled, 0 wrong:", *counts)


def statistics(root):
    """Statistics are what LeRobot's own functions make of the same rows."""
    data, rows = opened(root, video_backend="torchcodec"), rows_of(root)
    told = pq.read_table(sorted((pathlib.Path(root) / "meta/episodes").glob("*/*.parquet"))).to_pylist()
    every = []
    for number, episode in enumerate(told):
        inside = rows[episode["dataset_from_index"] : episode["dataset_to_index"]]
        columns = {k: np.array([row[k] for row in inside]) for k in data.features if k != VIDEO}
        columns = {k: v.astype(np.float64) for k, v in columns.items()}
        features = {k: {"dtype": "float32" if v["dtype"] != "video" else "video", "shape": v["shape"]} for k, v in data.features.items()}
        theirs = compute_episode_stats(columns, {k: v for k, v in features.items() if k != VIDEO})
        first = episode["dataset_from_index"]
        shown = [data[first + i][VIDEO].numpy() for i in sample_indices(len(inside))]
        sampled = (np.stack(shown) * 255).round()
        longer = max(sampled.shape[2:])
        if longer >= 300:
            sampled = sampled[:, :, :: longer // 150, :: longer // 150]
        of_pictures = get_feature_stats(sampled, axis=(0, 2, 3), keepdims=True)
        theirs[VIDEO] = {k: v if k == "count" else np.squeeze(v / 255.0, axis=0) for k, v in of_pictures.items()}
        ours = {}
        for feature, stats in theirs.items():
            ours[feature] = {k: np.array(episode[f"stats/{feature}/{k}"]) for k in (*STATS, "count")}
            assert list(ours[feature]["count"]) == list(stats["count"]), (feature, ours[feature]["count"], stats["count"])
            span = np.abs(stats["max"] - stats["min"]).max()
            for name in STATS:
                assert ours[feature][name].shape == stats[name].shape, (feature, name, ours[feature][name].shape)
                # Pictures are counted before they are encoded; quantiles are of a histogram of 5,000 bins there.
                bound = 0.25 if name in ("min", "max") else 0.05
                slack = bound if feature == VIDEO else 3e-4 * span + 1e-6 * np.abs(stats["max"]).max() + 1e-6
                assert np.abs(ours[feature][name] - stats[name]).max() <= slack, (number, feature, name, ours[feature][name], stats[name])
        every.append(ours)
    merged = aggregate_stats(every)
    for feature, stats in merged.items():
        for name in (*STATS, "count"):
            got = data.meta.stats[feature][name]
            scale = max(1.0, np.abs(stats["max"]).max())
            assert got.shape == stats[name].shape and np.abs(got - stats[name]).max() <= 1e-6 * scale, (feature, name, got, stats[name])
    print(f"statistics: {len(merged)} features of {len(told)} episodes are as lerobot computes them")


def train(root):
    """ACT and diffusion take steps, and pi0.5's normalization gives numbers, on shuffled batches of a loader with workers."""
    from lerobot.configs.types import FeatureType, NormalizationMode
    from lerobot.policies.act.configuration_act import ACTConfig
    from lerobot.policies.diffusion.configuration_diffusion import DiffusionConfig
    from lerobot.policies.factory import make_policy, make_pre_post_processors
    from lerobot.processor.normalize_processor import NormalizerProcessorStep

    meta = opened(root).meta
    fps = meta.fps
    small = {"device": "cpu", "push_to_hub": False}
    act = ACTConfig(chunk_size=CHUNK, n_action_steps=CHUNK, pretrained_backbone_weights=None, dim_model=64, n_heads=2, dim_feedforward=64, n_encoder_layers=1, n_vae_encoder_layers=1, **small)
    diffusion = DiffusionConfig(pretrained_backbone_weights=None, horizon=8, n_action_steps=4, down_dims=(32, 64), diffusion_step_embed_dim=32, spatial_softmax_num_keypoints=8, **small)
    for config in (act, diffusion):
        torch.manual_seed(1)
        policy = make_policy(config, ds_meta=meta)
        policy.train()
        names = {"action": config.action_delta_indices, "observation.state": config.observation_delta_indices, VIDEO: config.observation_delta_indices}
        deltas = {name: [i / fps for i in indices] for name, indices in names.items() if indices is not None}
        data = opened(root, delta_timestamps=deltas)
        loader = torch.utils.data.DataLoader(data, batch_size=4, shuffle=True, num_workers=2, multiprocessing_context="spawn")
        before, _ = make_pre_post_processors(config, dataset_stats=meta.stats)
        steps = torch.optim.AdamW(policy.parameters(), lr=1e-4)
        losses = []
        for batch in loader:
            loss, _ = policy.forward(before(batch))
            assert torch.isfinite(loss), f"{config.type}: loss {loss}"
            loss.backward()
            steps.step()
            steps.zero_grad()
            losses.append(float(loss))
            if len(losses) == 5:
                break
        assert len(losses) == 5
        print(f"train: {config.type} {len(losses)} steps, loss {losses[0]:.3f} to {losses[-1]:.3f}")

    from lerobot.configs.types import PolicyFeature

    # pi0.5 normalizes state and action by quantiles.
    features = {name: PolicyFeature(type=kind, shape=tuple(meta.features[name]["shape"])) for name, kind in (("action", FeatureType.ACTION), ("observation.state", FeatureType.STATE))}
    for mode in (NormalizationMode.QUANTILES, NormalizationMode.MIN_MAX):
        step = NormalizerProcessorStep(features=features, norm_map={FeatureType.ACTION: mode, FeatureType.STATE: mode}, stats=meta.stats)
        actions = torch.tensor([row["action"] for row in rows_of(root)])
        normal = step._apply_transform(actions, "action", FeatureType.ACTION)
        back = step._apply_transform(normal, "action", FeatureType.ACTION, inverse=True)
        assert torch.isfinite(normal).all() and torch.allclose(back, actions, atol=1e-2), mode
        if mode == NormalizationMode.MIN_MAX:
            assert normal.min() >= -1.001 and normal.max() <= 1.001
    print("train: pi0.5's normalization is finite and goes back")


def tools(root, scratch):
    """What LeRobot's tools make of an export holds what it held."""
    data, rows = opened(root), rows_of(root)
    count = data.meta.total_episodes
    assert count >= 2
    scratch = pathlib.Path(scratch)
    shutil.rmtree(scratch, ignore_errors=True)
    plain = lambda rows: [(row["src_t_ns"], row["src_frame_ref"], row["action"]) for row in rows]

    def check(root, episodes, what):
        made, kept = rows_of(root), [row for e in episodes for row in rows if row["episode_index"] == e]
        assert plain(made) == plain(kept), f"{what}: rows differ"
        read(root)

    dataset_tools.delete_episodes(data, [0], output_dir=scratch / "deleted", repo_id="test/deleted")
    check(scratch / "deleted", range(1, count), "delete")
    half = count // 2
    dataset_tools.split_dataset(data, {"train": list(range(half, count)), "val": list(range(half))}, output_dir=scratch / "split")
    check(scratch / "split/train", range(half, count), "split")
    check(scratch / "split/val", range(half), "split")
    parts = [opened(scratch / "split/val"), opened(scratch / "split/train")]
    dataset_tools.merge_datasets(parts, "test/merged", output_dir=scratch / "merged")
    check(scratch / "merged", range(count), "merge")
    dataset_tools.merge_datasets([data, opened(scratch / "split/val")], "test/both", output_dir=scratch / "both")
    check(scratch / "both", [*range(count), *range(half)], "merge of two exports")
    print(f"tools: delete, split and merge of {count} episodes hold")


if __name__ == "__main__":
    root, scratch, wanted = sys.argv[1], sys.argv[2], sys.argv[3:] or ["read", "train", "tools"]
    print("lerobot", version("lerobot"), "torch", torch.__version__, "torchcodec", torchcodec.__version__)
    if "read" in wanted:
        read(root)
        statistics(root)
    if "train" in wanted:
        train(root)
    if "tools" in wanted:
        tools(root, scratch)
