"""Reads audio.mp4 with PyAV: the times of its clicks (the first loud sample after silence), and what it says of itself; as JSON."""

import json
import sys

import av
import numpy as np

container = av.open(sys.argv[1])
stream = container.streams.audio[0]
clicks, count, quiet = [], 0, True
for frame in container.decode(stream):
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    count += frame.samples
    start = float(frame.pts * frame.time_base)
    for at, loud in enumerate(np.abs(samples[0].astype(np.int64)) > 8000):
        if loud and quiet:
            clicks.append(start + at / frame.sample_rate)
        quiet = not loud
print(json.dumps({"codec": stream.codec_context.name, "rate": stream.rate, "channels": stream.codec_context.layout.nb_channels,
                  "samples": count, "clicks": clicks}))
