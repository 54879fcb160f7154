#!/usr/bin/env python3
"""The same kill -9 for ffmpeg x11grab, and for watchcap beside it: how much of the video is left?

The picture is a barcode that counts 50 times a second, and its client writes down when it showed which number. The last picture that can
be decoded of what a killed recorder left (watchcap: after `finalize`) is read; its number says how many seconds of video are lost. A
file that no decoder opens has lost everything.
"""
import json, signal, subprocess, sys, time

import av

from common import *

FFMPEG = ["ffmpeg", "-v", "error", "-y", "-f", "x11grab", "-framerate", "30", "-video_size", f"{SIZE[0]}x{SIZE[1]}", "-i"]
CODEC = ["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "2000k", "-pix_fmt", "yuv420p"]
FRAGMENTS = ["-movflags", "+frag_keyframe+empty_moov+default_base_moof"]
# ffmpeg as people run it, and as it loses least: a keyframe every 0.5 s, like watchcap, and nothing kept in its output buffer.
OFTEN = ["-g", "15", "-flush_packets", "1"]
KINDS = {
    "mp4": ("f.mp4", []),
    "fragmented mp4": ("f.mp4", FRAGMENTS),
    "fragmented mp4, keyframe every 0.5 s, flushed": ("f.mp4", FRAGMENTS + OFTEN),
    "mkv": ("f.mkv", []),
    "mkv, keyframe every 0.5 s, flushed": ("f.mkv", OFTEN),
    "watchcap": None,
}


def crc8(number):
    crc = 0
    for byte in number.to_bytes(4, "big"):
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc


def barcode(picture):
    """The number that a picture shows; none when its sum is wrong."""
    grey = picture.to_ndarray(format="gray")
    bits = "".join("1" if grey[8, cell * 16 + 8] > 128 else "0" for cell in range(40))
    number = int(bits[:32], 2)
    return number if crc8(number) == int(bits[32:], 2) else None


def last_number(video):
    """The number of the last picture that can be decoded, and how many there are; none when the file does not open."""
    number, count = None, 0
    try:
        with av.open(str(video)) as container:
            for picture in container.decode(video=0):
                count += 1
                number = barcode(picture) or number
    except (av.error.FFmpegError, IndexError, EOFError):
        pass
    return number, count


def main():
    args = arguments(__doc__, 20 * len(KINDS))
    campaign = Campaign("ffmpeg", args)
    names = list(KINDS)

    def work(number, rng, folder):
        name = names[number % len(names)]
        desk = Desk(args, folder / "paints.jsonl")
        try:
            killed(name, rng, folder, desk)
        finally:
            desk.close()

    def killed(name, rng, folder, desk):
        if name == "watchcap":
            recorder = record(args, folder, ["--fps", "30", "--bitrate-kbps", "2000"], desk.name)
            recording(folder, recorder)
        else:
            file, options = KINDS[name]
            command = [*FFMPEG, desk.name, *CODEC, *options, folder / file]
            recorder = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_for("ffmpeg's file", (folder / file).exists)
        time.sleep(rng.uniform(4, 16))
        check(recorder.poll() is None, f"{name} ended by itself with {recorder.returncode}")
        at = time.monotonic_ns()
        end(recorder)
        campaign.fault(f"kill of {name}")
        desk.painter.terminate()
        desk.painter.wait()
        if name == "watchcap":
            finalize(args, folder / "s")
            verified(args, folder / "s")
        shown = {}
        for line in (folder / "paints.jsonl").read_text().splitlines():
            paint = json.loads(line)
            if paint["kind"] == "paint":
                shown.setdefault(paint["frame"], paint["after"])
        last, count = last_number(folder / "s/frames.mp4" if name == "watchcap" else folder / file)
        campaign.figure(f"{name}: opens", 1 if last is not None else 0)
        if last is not None:
            campaign.figure(f"{name}: lost ms", (at - shown[last]) / 1e6)
        elif name == "watchcap":
            raise Broken("nothing can be decoded")

    campaign.runs(work)
    lines = []
    for name in names:
        opens = campaign.figures.get(f"{name}: opens", [])
        lines.append(f"{name}: {sum(opens)} of {len(opens)} files open; lost ms: {percentiles(campaign.figures.get(f'{name}: lost ms', []))}")
    return campaign.report(*lines)


if __name__ == "__main__":
    sys.exit(main())
