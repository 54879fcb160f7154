"""Reads a clip with PyAV, pyarrow and ffmpeg, and compares it with the session that it was taken from.

usage: clip.py SESSION_DIR CLIP_DIR

Prints `ok:` lines and exits with 0, or raises at the first fault.
"""
import pathlib
import re
import subprocess
import sys

import av
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

session, clip = map(pathlib.Path, sys.argv[1:])

whole = pq.read_table(session / "events.parquet")
part = pq.read_table(clip / "events.parquet")
assert part.schema.remove_metadata() == whole.schema.remove_metadata(), part.schema
known = pq.read_metadata(clip / "events.parquet").metadata
first = int(known[b"watchcap.excerpt.first_frame"])
start = int(known[b"watchcap.excerpt.start_ns"])
print(f"ok: columns, {part.num_rows} rows")

with av.open(str(clip / "excerpt.mp4")) as video, av.open(str(session / "frames.mp4")) as source:
    pictures = [(frame.pts * frame.time_base, frame.to_ndarray(format="gray")) for frame in video.decode(video=0)]
    reference = [frame.to_ndarray(format="gray") for frame in source.decode(video=0)]
times = [time for time, _ in pictures]
assert times[0] == 0 and all(a < b for a, b in zip(times, times[1:])), times
rows = part.filter(pc.equal(part["event_type"], "frame"))
assert rows["frame_ref"].to_pylist() == list(range(first, first + len(pictures)))
for (time, picture), t_ns, number in zip(pictures, rows["t_ns"].to_pylist(), rows["frame_ref"].to_pylist()):
    assert abs(float(time) * 1e9 - (t_ns - start)) <= 1000, (time, t_ns)
    assert np.array_equal(picture, reference[number]), f"frame {number} shows something else"
print(f"ok: {len(pictures)} frames")

done = subprocess.run(["ffmpeg", "-v", "warning", "-i", str(clip / "excerpt.srt"), "-f", "srt", "-"], capture_output=True, text=True)
assert done.returncode == 0 and not done.stderr.strip(), done.stderr
cues = re.findall(r"^\d\d:\d\d:\d\d,\d{3} --> ", done.stdout, re.M)
written = re.findall(r"^\d\d:\d\d:\d\d,\d{3} --> ", (clip / "excerpt.srt").read_text(), re.M)
assert cues == written and cues, (cues, written)
print(f"ok: subtitles, {len(cues)} cues")
