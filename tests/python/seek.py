"""How torchcodec finds frame i when it is opened with seek_mode="approximate", as LeRobot opens every video, written down once more: from the
header alone, without a look at the frames.

usage: seek.py VIDEO FPS [FRAMES]     every frame; says how many are not the one that was asked for
"""
import sys
from fractions import Fraction

import av


def approximate(path):
    """The times of the frames, in order, and what frame i would be, as a function."""
    with av.open(str(path)) as video:
        stream = video.streams.video[0]
        base = stream.time_base
        # The mean rate and the number of frames are those of the header.
        rate, frames = float(stream.average_rate), stream.frames
        times = sorted(packet.pts for packet in video.demux(stream) if packet.pts is not None)

    def found(i):
        wanted = round(i / rate / float(base))
        # The first frame that is not before that.
        low, high = 0, len(times)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if times[middle] < wanted else (low, middle)
        return low

    return [Fraction(time) * base for time in times], rate, frames, found


def check(path, fps, count=None):
    """How many frames of a video of a constant rate are not found, of how many."""
    times, rate, frames, found = approximate(path)
    assert frames == len(times) and (count is None or frames == count), (frames, len(times), count)
    assert rate == fps, f"{rate} frames per second"
    wrong = sum(found(i) != i for i in range(frames))
    # LeRobot asks for the time of a row, a float32, and looks how far what it gets is from there.
    late = sum(time != Fraction(i, fps) for i, time in enumerate(times))
    assert wrong == 0 and late == 0, f"{path}: of {frames} frames {wrong} are not found, {late} not at i / {fps}"
    return frames


if __name__ == "__main__":
    count = check(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else None)
    print(f"frames={count} wrong=0")
