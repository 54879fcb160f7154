"""Holds readers of videos against the frames of a session: what docs/EXPORTS.md says of each, on the session's own video, whose frames are where
they were taken, and on the copy at a constant rate that `watchcap export video` makes.

usage: readers_check.py SESSION COPY.mp4 TABLE.parquet [torchcodec]

The session is synthetic (its pictures carry their number) and was held up while it recorded. With `torchcodec`, that reader; else OpenCV, imageio and
ffmpeg.
"""
import json
import pathlib
import random
import subprocess
import sys

import av
import numpy as np
import pyarrow.parquet as pq

session, copy, table = sys.argv[1:4]
width, height = json.loads((pathlib.Path(session) / "metadata.json").read_text())["resolution"]
own = f"{session}/frames.mp4"


def number(luma):
    cell = min(max(width // 48, 2), 16)
    bits = [luma[int(cell * 1.5), int(cell * (1.5 + i))] >= 128 for i in range(32)]
    return sum(bool(bit) << (31 - i) for i, bit in enumerate(bits))


def decoded(path):
    with av.open(path) as video:
        return [number(frame.to_ndarray(format="gray")) for frame in video.decode(video=0)]


rows = pq.read_table(table).to_pylist()
frames = [row for row in pq.read_table(f"{session}/events.parquet").to_pylist() if row["event_type"] == "frame"]
truth = {own: decoded(own), copy: decoded(copy)}
assert len(truth[own]) == len(frames) == len(set(truth[own])), "two frames look alike, so nothing can be told apart"
assert max(b["pts"] - a["pts"] for a, b in zip(frames, frames[1:])) > 300_000, "the rate is constant"

# The table is true, and the copy's times are those of a constant rate.
options = json.loads(pq.read_metadata(table).metadata[b"watchcap.export"])["options"]
fps = options["fps"]
assert len(rows) == len(truth[copy]) and [row["frame"] for row in rows] == list(range(len(rows)))
grid = {frames[0]["t_ns"] + n * 10**9 // fps for n in range(10**4)}
for row, shown in zip(rows, truth[copy]):
    frame = frames[row["frame_ref"]]
    assert shown == truth[own][row["frame_ref"]] and row["frame_t_ns"] == frame["t_ns"] <= row["t_ns"]
    # Where pictures are missing for long there is no step: times jump, places do not.
    assert row["t_ns"] in grid
    later = frames[row["frame_ref"] + 1] if row["frame_ref"] + 1 < len(frames) else None
    assert later is None or later["t_ns"] > row["t_ns"]
assert [row["is_repeat"] for row in rows] == [i > 0 and rows[i - 1]["frame_ref"] == row["frame_ref"] for i, row in enumerate(rows)]
with av.open(copy) as video:
    stream = video.streams.video[0]
    assert stream.average_rate == fps and all(frame.pts * stream.time_base * fps == i for i, frame in enumerate(video.decode(stream)))


def orders(path):
    """All frames, in an order in which hardly any follows the one before."""
    order = list(range(len(truth[path])))
    random.Random(0).shuffle(order)
    return order


def wrong(path, get):
    """How many frames are not those that were asked for."""
    count = 0
    for i in orders(path):
        try:
            count += get(i) != truth[path][i]
        except (IndexError, OSError, RuntimeError, StopIteration, TypeError, ValueError):
            count += 1
    return count


def say(reader, bad, good, constant):
    """`bad` of the session's own video, which must not be right; `good` the right call; `constant` the bad call on the copy."""
    print(f"{reader}: {bad} of {len(truth[own])} wrong, right call {good} wrong, on the copy {constant} of {len(truth[copy])}")
    assert bad > 0, f"{reader} is right now: the document says otherwise"
    assert good == 0 and constant == 0, reader


if sys.argv[4:] == ["torchcodec"]:
    from torchcodec.decoders import VideoDecoder

    def torchcodec(path, **how):
        decoder = VideoDecoder(path, **how)
        return wrong(path, lambda i: number(decoder[i].float().mean(dim=0).numpy()))

    say("torchcodec, seek_mode=approximate", torchcodec(own, seek_mode="approximate"), torchcodec(own, seek_mode="exact"),
        torchcodec(copy, seek_mode="approximate"))
    sys.exit()

import cv2
import imageio.v3 as iio


def opencv(path, by):
    video = cv2.VideoCapture(path)
    pts = [frame["pts"] / 1000 for frame in frames]

    def get(i):
        video.set(cv2.CAP_PROP_POS_FRAMES if by == "frames" else cv2.CAP_PROP_POS_MSEC, i if by == "frames" else pts[i])
        return number(cv2.cvtColor(video.read()[1], cv2.COLOR_BGR2GRAY))
    return wrong(path, get)


def opencv_in_order(path):
    video, shown = cv2.VideoCapture(path), []
    while (read := video.read())[0]:
        shown.append(number(cv2.cvtColor(read[1], cv2.COLOR_BGR2GRAY)))
    return sum(a != b for a, b in zip(shown, truth[path])) + abs(len(shown) - len(truth[path]))


def ffmpeg(path, *how):
    """Number of pictures that are not the frame of their place, or too many or few."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", path, *how, "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    made = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.uint8).reshape(-1, height, width)
    shown = [number(picture) for picture in made]
    return sum(a != b for a, b in zip(shown, truth[path])) + abs(len(shown) - len(truth[path]))


in_order = opencv_in_order(own)
say("OpenCV, CAP_PROP_POS_FRAMES", opencv(own, "frames"), in_order, opencv(copy, "frames"))
say("OpenCV, CAP_PROP_POS_MSEC", opencv(own, "msec"), in_order, 0)
say("imageio, index=", wrong(own, lambda i: number(iio.imread(own, index=i, plugin="pyav").mean(axis=2))),
    sum(number(picture.mean(axis=2)) != n for picture, n in zip(iio.imiter(own, plugin="pyav"), truth[own], strict=True)),
    wrong(copy, lambda i: number(iio.imread(copy, index=i, plugin="pyav").mean(axis=2))))
say("ffmpeg", ffmpeg(own), ffmpeg(own, "-fps_mode", "passthrough"), ffmpeg(copy))
