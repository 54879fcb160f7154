"""Compares every PNG picture of a session, which no encoder has seen, with the frame of the video that it is named by: to the bit.

usage: lossless_check.py SESSION     says how many differ, by PyAV and, where it is installed, by torchcodec
"""
import json
import pathlib
import sys

import av
import numpy as np
from PIL import Image

session = pathlib.Path(sys.argv[1])
stills = {int(path.stem.split("_")[1]): np.asarray(Image.open(path).convert("RGB")) for path in sorted((session / "debug").glob("frame_*.png"))}
video = str(session / "frames.mp4")
frames, differ = 0, 0
with av.open(video) as container:
    for frames, frame in enumerate(container.decode(video=0), 1):
        still = stills.get(frames - 1)
        if still is not None:
            height, width, _ = still.shape
            shown = frame.to_ndarray(format="rgb24")[:height, :width]
            differ += not np.array_equal(shown, still)
said = {"frames": frames, "stills": len(stills), "pyav": int(differ)}
try:
    from torchcodec.decoders import VideoDecoder
except ImportError:
    pass
else:
    decoder = VideoDecoder(video, dimension_order="NHWC")
    shown = {n: decoder.get_frame_at(n).data.numpy()[: still.shape[0], : still.shape[1]] for n, still in stills.items()}
    said["torchcodec"] = sum(not np.array_equal(shown[n], still) for n, still in stills.items())
print(json.dumps(said))
