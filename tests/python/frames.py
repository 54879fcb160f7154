#!/usr/bin/env python3
"""Every frame of a session as PyAV decodes it, scaled to WIDTH x HEIGHT: raw RGB, one frame behind the other, to OUT.

    frames.py SESSION WIDTH HEIGHT OUT
"""
import pathlib, sys

import av
import numpy as np

session, width, height, out = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), pathlib.Path(sys.argv[4])


def shrink(rgb, to, axis):
    """Means of parts of equal size, whatever the sizes are: the integral, read at fractional places."""
    total = np.insert(np.cumsum(rgb, axis=axis, dtype=np.float64), 0, 0, axis=axis)
    places = np.linspace(0, rgb.shape[axis], to + 1)
    low = np.floor(places).astype(int).clip(0, rgb.shape[axis] - 1)
    shape = [-1 if n == axis else 1 for n in range(rgb.ndim)]
    part = (places - low).reshape(shape)
    read = np.take(total, low, axis) * (1 - part) + np.take(total, low + 1, axis) * part
    return np.diff(read, axis=axis) / (rgb.shape[axis] / to)


with av.open(session / "frames.mp4") as video, out.open("wb") as file:
    count = 0
    for picture in video.decode(video=0):
        rgb = picture.to_ndarray(format="rgb24")
        file.write(shrink(shrink(rgb, height, 0), width, 1).round().astype(np.uint8).tobytes())
        count += 1
print(count)
