"""Compares the sound of two files sample by sample, as PyAV decodes it: how loud it is in a span, and how far it is from what it was outside of a wider
one; as JSON. Spans are seconds of the container's own time."""

import json
import sys

import av
import numpy as np

old, new = sys.argv[1], sys.argv[2]
begin, end, margin = (float(value) for value in sys.argv[3:6])


def decoded(path):
    container = av.open(path)
    stream = container.streams.audio[0]
    times, samples = [], []
    for frame in container.decode(stream):
        values = frame.to_ndarray()
        if not frame.format.is_planar:
            values = values.reshape(-1, frame.layout.nb_channels).T
        values = values.astype(np.float64) / (32768 if values.dtype.kind == "i" else 1)
        times.append(float(frame.pts * frame.time_base) + np.arange(values.shape[1]) / frame.sample_rate)
        samples.append(values)
    return np.concatenate(times), np.concatenate(samples, axis=1)


(time, was), (time_now, now) = decoded(old), decoded(new)
same_times = len(time) == len(time_now) and bool((time == time_now).all())
inside = (time >= begin) & (time <= end)
outside = (time < begin - margin) | (time > end + margin)
print(json.dumps({
    "same_times": same_times,
    "samples": int(inside.sum()),
    "loudest_was": float(np.abs(was[:, inside]).max(initial=0)),
    "loudest_now": float(np.abs(now[:, inside]).max(initial=0)),
    "outside": int(outside.sum()),
    "outside_loudest": float(np.abs(was[:, outside]).max(initial=0)),
    "changed_outside": float(np.abs(was[:, outside] - now[:, outside]).max(initial=0)),
}))
