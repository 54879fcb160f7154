"""Clips and actions of sessions as a PyTorch Dataset, loaded by workers; pictures by torchcodec or PyAV.

usage: pytorch_loader.py SESSION... [--decoder torchcodec|pyav] [--clip 8] [--batch 4] [--workers 2]
"""
import argparse

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from torch.utils.data import ConcatDataset, DataLoader, Dataset

KEYS = np.array([0x1A, 0x04, 0x16, 0x07, 0x2C])  # W A S D Space: USB HID usages
INPUTS = ["key_down", "key_up", "mouse_move", "mouse_click", "wheel"]


class Clips(Dataset):
    """Clip i: frames i to i + clip of a session (clip x 3 x height x width), and what was done on seeing each."""

    def __init__(self, session, clip, decoder):
        rows = pq.read_table(f"{session}/events.parquet", columns=["event_type", "frame_ref", "key_code", "pressed", "repeat",
                                                                   "mouse_dx", "mouse_dy", "delta", "pts"])
        self.path, self.clip, self.decoder, self.video = f"{session}/frames.mp4", clip, decoder, None
        self.pts = rows.filter(pc.equal(rows["event_type"], "frame"))["pts"].to_numpy()
        kind = pc.is_in(rows["event_type"], value_set=pc.cast(INPUTS, "string"))
        inputs = rows.filter(pc.and_(kind, pc.is_valid(rows["frame_ref"])))
        column = lambda name, empty: pc.fill_null(inputs[name], empty).to_numpy()
        # One row for each frame: keys that were down at any time until the next, taps too; then mouse dx, dy, wheel. NaN: it moved, and no
        # row says by how much; mask it, since 0 would say that it stood still.
        actions = np.zeros((len(self.pts), len(KEYS) + 3), np.float32)
        frame, key, repeat = column("frame_ref", 0), column("key_code", -1), column("repeat", False)
        for i, code in enumerate(KEYS):
            change = np.where((key == code) & ~repeat, np.where(column("pressed", False), 1, -1), 0)
            np.add.at(actions[:, i], frame, change)
            actions[:, i] = actions[:, i].cumsum().clip(0, 1)
            actions[frame[change > 0], i] = 1
        what = inputs["event_type"].to_numpy(zero_copy_only=False)
        for i, (name, of) in enumerate([("mouse_dx", "mouse_move"), ("mouse_dy", "mouse_move"), ("delta", "wheel")], len(KEYS)):
            np.add.at(actions[:, i], frame[what == of], column(name, np.nan)[what == of])
        self.actions = torch.from_numpy(actions)

    def __len__(self):
        return max(len(self.pts) - self.clip + 1, 0)

    def __getitem__(self, i):
        pictures = self.by_torchcodec(i) if self.decoder == "torchcodec" else self.by_pyav(i)
        return pictures, self.actions[i : i + self.clip]

    def by_torchcodec(self, i):
        if self.video is None:  # once in each worker
            from torchcodec.decoders import VideoDecoder
            # "exact" reads the index once, so that frame i is frame i whatever the frame rate did.
            self.video = VideoDecoder(self.path, seek_mode="exact", num_ffmpeg_threads=1)
        return self.video.get_frames_in_range(start=i, stop=i + self.clip).data

    def by_pyav(self, i):
        import av
        self.video = self.video or av.open(self.path)  # once in each worker
        stream = self.video.streams.video[0]
        self.video.seek(int(self.pts[i]), stream=stream)  # to the keyframe at or before it
        pictures = []
        for picture in self.video.decode(stream):
            if picture.pts >= self.pts[i]:
                pictures.append(picture.to_ndarray(format="rgb24"))
            if len(pictures) == self.clip:
                return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
        raise IndexError(i)


def loader(sessions, decoder="torchcodec", clip=8, batch=4, workers=2, seed=0):
    every = ConcatDataset([Clips(session, clip, decoder) for session in sessions])
    return DataLoader(every, batch_size=batch, shuffle=True, drop_last=True, num_workers=workers,
                      generator=torch.Generator().manual_seed(seed))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sessions", nargs="+")
    parser.add_argument("--decoder", choices=["torchcodec", "pyav"], default="torchcodec")
    parser.add_argument("--clip", type=int, default=8)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    count = 0
    for pictures, actions in loader(args.sessions, args.decoder, args.clip, args.batch, args.workers):
        count += len(actions)
    print(f"{count} clips of {args.clip} frames by {args.decoder}, {tuple(pictures.shape)}, {tuple(actions.shape)}")


if __name__ == "__main__":
    main()
