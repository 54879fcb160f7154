"""Hears the clicks of a file of sound with PyAV, each where it begins (the first loud sample after 50 ms of quiet), and what is silent; as JSON.

usage: clicks.py FILE [TRACK]
"""

import json
import sys

import av
import numpy as np

container = av.open(sys.argv[1])
stream = container.streams.audio[int(sys.argv[2]) if len(sys.argv) > 2 else 0]
rate = stream.rate
times, levels, begins_at = [], [], []
for frame in container.decode(stream):
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    level = np.abs(samples[0].astype(np.float64))
    if samples.dtype.kind == "i":
        level = level / 32768
    # By the container's own times: drift is in them.
    begins_at.append(frame.pts)
    times.append(float(frame.pts * frame.time_base) + np.arange(len(level)) / frame.sample_rate)
    levels.append(level)
time, level = np.concatenate(times), np.concatenate(levels)
loud = np.flatnonzero(level > 0.3)
begins = loud[np.diff(loud, prepend=-rate) > rate // 20]
print(json.dumps({"codec": stream.codec_context.name, "rate": rate, "samples": len(level), "clicks": [float(time[at]) for at in begins],
                  "end": float(time[-1]) if len(time) else 0.0, "steps_back": int((np.diff(begins_at) <= 0).sum())}))
