"""Clips and actions of sessions through grain, with worker processes, into a jitted JAX function.

usage: jax_grain.py SESSION... [--clip 8] [--batch 4] [--workers 2]
"""
import argparse

import absl.flags
import av
import grain
import jax
import jax.numpy as jnp
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

KEYS = np.array([0x1A, 0x04, 0x16, 0x07, 0x2C])  # W A S D Space: USB HID usages
INPUTS = ["key_down", "key_up", "mouse_move", "mouse_click", "wheel"]


class Clips:
    """Clip i: frames i to i + clip of a session, and what was done on seeing each."""

    def __init__(self, session, clip):
        rows = pq.read_table(f"{session}/events.parquet", columns=["event_type", "frame_ref", "key_code", "pressed", "repeat",
                                                                   "mouse_dx", "mouse_dy", "delta", "pts"])
        self.session, self.clip, self.video = session, clip, None
        self.pts = rows.filter(pc.equal(rows["event_type"], "frame"))["pts"].to_numpy()
        kind = pc.is_in(rows["event_type"], value_set=pc.cast(INPUTS, "string"))
        inputs = rows.filter(pc.and_(kind, pc.is_valid(rows["frame_ref"])))
        column = lambda name, empty: pc.fill_null(inputs[name], empty).to_numpy()
        # One row for each frame: keys that were down at any time until the next, taps too; then mouse dx, dy, wheel. NaN: it moved, and no
        # row says by how much; mask it, since 0 would say that it stood still.
        self.actions = np.zeros((len(self.pts), len(KEYS) + 3), np.float32)
        frame, key, repeat = column("frame_ref", 0), column("key_code", -1), column("repeat", False)
        for i, code in enumerate(KEYS):
            change = np.where((key == code) & ~repeat, np.where(column("pressed", False), 1, -1), 0)
            np.add.at(self.actions[:, i], frame, change)
            self.actions[:, i] = self.actions[:, i].cumsum().clip(0, 1)
            self.actions[frame[change > 0], i] = 1
        what = inputs["event_type"].to_numpy(zero_copy_only=False)
        for i, (name, of) in enumerate([("mouse_dx", "mouse_move"), ("mouse_dy", "mouse_move"), ("delta", "wheel")], len(KEYS)):
            np.add.at(self.actions[:, i], frame[what == of], column(name, np.nan)[what == of])

    def __len__(self):
        return max(len(self.pts) - self.clip + 1, 0)

    def __getitem__(self, i):
        self.video = self.video or av.open(f"{self.session}/frames.mp4")  # once in each worker
        stream = self.video.streams.video[0]
        self.video.seek(int(self.pts[i]), stream=stream)  # to the keyframe at or before it
        pictures = []
        for picture in self.video.decode(stream):
            if picture.pts >= self.pts[i]:
                pictures.append(picture.to_ndarray(format="rgb24"))
            if len(pictures) == self.clip:
                return {"pictures": np.stack(pictures), "actions": self.actions[i : i + self.clip]}
        raise IndexError(i)

    def __getstate__(self):
        return {**self.__dict__, "video": None}


@jax.jit
def look(batch):
    """What a training step would begin with: pictures as floats, and a loss that uses both."""
    pictures = batch["pictures"].astype(jnp.float32) / 255
    return pictures.mean(), jnp.nansum(jnp.abs(batch["actions"]))


def loader(sessions, clip=8, batch=4, workers=2, seed=0):
    every = grain.MapDataset.concatenate([grain.MapDataset.source(Clips(session, clip)) for session in sessions])
    batches = every.shuffle(seed=seed).to_iter_dataset(grain.ReadOptions(num_threads=1)).batch(batch, drop_remainder=True)
    return batches.mp_prefetch(grain.MultiprocessingOptions(num_workers=workers)) if workers else batches


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sessions", nargs="+")
    parser.add_argument("--clip", type=int, default=8)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    absl.flags.FLAGS.mark_as_parsed()  # grain's worker processes look at flags that absl.app.run would have read
    count = 0
    for batch in loader(args.sessions, args.clip, args.batch, args.workers):
        brightness, done = look(batch)
        count += len(batch["actions"])
    print(f"{count} clips of {args.clip} frames, {batch['pictures'].shape}, brightness {brightness:.3f}, actions {done:.1f}")


if __name__ == "__main__":
    main()
