"""Holds the loaders of `examples/` against the plain truth: every frame decoded in order, every row walked one by one.

usage: loaders.py SESSION [torch]

Without `torch`, the one for grain and JAX. Prints `ok:` lines, or exits with 1 and the first difference.
"""
import pathlib
import random
import sys

import av
import numpy as np
import pyarrow.parquet as pq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "examples"))
session, with_torch = sys.argv[1], sys.argv[2:] == ["torch"]
CLIP = 8


def check(fine, what):
    if not fine:
        print(f"FAILED: {what}", file=sys.stderr)
        sys.exit(1)


def actions(keys, frames):
    """What was done on seeing each frame, and which keys were down at any time until the next; row by row."""
    held, out = set(), np.zeros((frames, len(keys) + 3), np.float32)
    rows = [r for r in pq.read_table(f"{session}/events.parquet").to_pylist() if r["frame_ref"] is not None]
    at = 0
    for frame in range(frames):
        pressed = set()
        while at < len(rows) and rows[at]["frame_ref"] <= frame:
            row, at = rows[at], at + 1
            if row["event_type"] == "key_down":
                held.add(row["key_code"])
                pressed |= set() if row["repeat"] else {row["key_code"]}
            elif row["event_type"] == "key_up":
                held.discard(row["key_code"])
            for i, (name, of) in enumerate([("mouse_dx", "mouse_move"), ("mouse_dy", "mouse_move"), ("delta", "wheel")], len(keys)):
                if row["event_type"] == of:
                    out[frame, i] += np.nan if row[name] is None else row[name]
        out[frame, : len(keys)] = [code in held or code in pressed for code in keys]
    return out


def compare(name, clips, keys, as_array):
    check(len(clips) == len(pictures) - CLIP + 1, f"{name}: {len(clips)} clips of {len(pictures)} frames")
    truth = actions(list(keys), len(pictures))
    check(truth[:, : len(keys)].any() and truth[:, len(keys):].any(), "nothing was done in this session")
    # There and back, so that a decoder that only goes on would be seen.
    order = random.Random(1).sample(range(len(clips)), 20) + [len(clips) - 1, 0]
    for i in order:
        shown, done = as_array(clips[i])
        check(np.abs(shown.astype(int) - pictures[i : i + CLIP]).max() <= 2, f"{name}: clip {i} shows other pictures")
        check(np.allclose(done, truth[i : i + CLIP], atol=1e-3, equal_nan=True), f"{name}: clip {i} has other actions")
    print(f"ok: {name}: {len(order)} clips")


with av.open(f"{session}/frames.mp4") as video:
    pictures = np.stack([picture.to_ndarray(format="rgb24") for picture in video.decode(video=0)]).astype(int)
check(len({picture.tobytes() for picture in pictures}) == len(pictures), "two frames look alike, so nothing can be told apart")

if with_torch:
    import pytorch_loader as example
    for decoder in ("torchcodec", "pyav"):
        clips = example.Clips(session, CLIP, decoder)
        compare(decoder, clips, example.KEYS, lambda clip: (clip[0].permute(0, 2, 3, 1).numpy(), clip[1].numpy()))
else:
    import jax_grain as example
    compare("grain", example.Clips(session, CLIP), example.KEYS, lambda clip: (clip["pictures"], clip["actions"]))
