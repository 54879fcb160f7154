"""Makes a small H.264 video of the session format with PyAV and prints its packets, one a line: pts size keyframe.

usage: make_video.py FRAMES_MP4
"""
import os
import sys
from fractions import Fraction

import av
import numpy as np

FRAMES, GOP = 40, 10
container = av.open(sys.argv[1], "w", format="mp4", options={"use_editlist": "0", "movie_timescale": "1000000"})
stream = container.add_stream("libx264", rate=60, options={"bf": "0", "g": str(GOP), "preset": "ultrafast",
    "x264-params": "colorprim=bt709:transfer=bt709:colormatrix=bt709:range=tv:scenecut=0"})
stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
stream.time_base = stream.codec_context.time_base = Fraction(1, 1_000_000)
stream.codec_context.color_primaries = stream.codec_context.color_trc = stream.codec_context.colorspace = 1
stream.codec_context.color_range = 1
for index in range(FRAMES):
    picture = np.full((72, 64), 128, np.uint8)
    picture[:48] = (np.arange(64)[None, :] * 2 + index * 5 + np.arange(48)[:, None]) % 200 + 16
    frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
    # Uneven times: the container carries when a frame was taken, not when it was due.
    frame.pts, frame.time_base = index * 16667 + (index * index * 37) % 3000 * (index > 0), Fraction(1, 1_000_000)
    container.mux(stream.encode(frame))
container.mux(stream.encode())
container.close()
os.chmod(sys.argv[1], 0o600)
with av.open(sys.argv[1]) as container:
    for packet in container.demux(video=0):
        if packet.size:
            print(packet.pts, packet.size, int(packet.is_keyframe))
