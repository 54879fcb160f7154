"""A smaller video beside a session: the same frames, the same times, the same keyframes, and the same pictures.

usage: proxy_check.py SESSION_DIR PROXY_MP4 FRAMES_JSON
"""
import json
import pathlib
import sys

import av
import numpy as np


def packets(path):
    with av.open(path) as video:
        return [(p.pts, p.duration, p.is_keyframe) for p in video.demux(video=0) if p.size]


session, proxy = f"{sys.argv[1]}/frames.mp4", sys.argv[2]
assert packets(session) == packets(proxy), "times or keyframes differ"
mapping = json.loads(pathlib.Path(sys.argv[3]).read_text())["frames"]
assert [(f["pts"], f["duration"], bool(f["key_frame"])) for f in mapping] == packets(proxy), "the mapping is not the proxy's"
worst, count = 0.0, 0
with av.open(session) as large, av.open(proxy) as small:
    for one, other in zip(large.decode(video=0), small.decode(video=0), strict=True):
        luma = one.to_ndarray(format="gray").astype(np.float32)
        mean = luma.reshape(other.height, one.height // other.height, other.width, one.width // other.width).mean(axis=(1, 3))
        found = other.to_ndarray(format="gray").astype(np.float32)
        worst = max(worst, float(np.abs(mean - found).mean()))
        # The picture is not another frame's: those move by more than coding loses.
        count += 1
assert worst < 6.0, f"a picture is off by {worst:.1f} of 255 on average"
print(f"frames={count} worst={worst:.2f}")
