"""Random access by torchcodec with seek_mode="approximate", which is how LeRobot opens every video, and "exact".

usage: torchcodec_seek.py VIDEO FPS     in .venv-consumers: make test-consumers
"""
import random
import sys

import torchcodec
from torchcodec.decoders import VideoDecoder

path, fps = sys.argv[1], float(sys.argv[2])
for mode in ("approximate", "exact"):
    decoder = VideoDecoder(path, seek_mode=mode)
    count, numbers = len(decoder), random.Random(0)
    asked = [numbers.randrange(count) for _ in range(299)] + [count - 1]
    got = [float(decoder.get_frames_at([i]).pts_seconds[0]) for i in asked]
    wrong = sum(abs(time - i / fps) > 1e-4 for i, time in zip(asked, got))
    assert wrong == 0, f"{wrong} of {len(asked)} wrong"
    print(f"torchcodec {torchcodec.__version__} {mode}: {len(asked)} of {count} frames, {wrong} wrong;", end=" ")
print()
