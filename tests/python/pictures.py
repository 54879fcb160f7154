"""Prints a hash of each picture of a video, and its time.

    pictures.py VIDEO
"""

import hashlib
import sys

import av

with av.open(sys.argv[1]) as video:
    for frame in video.decode(video=0):
        planes = b"".join(bytes(plane) for plane in frame.planes)
        print(hashlib.sha256(planes).hexdigest(), frame.pts * frame.time_base)
