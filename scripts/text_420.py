#!/usr/bin/env python3
"""Draws what 4:2:0 does to coloured text, and says it in decibels: docs/guides/text-420.png.

A real xterm with coloured text is recorded with a PNG burst, so that the same frame is there to the pixel and as the video has it. In between stands
the picture in 4:2:0 that no encoder has touched: colours at half the resolution, averaged over 2x2 pixels, and back.

    scripts/text_420.py [--watchcap target/release/watchcap] [--out docs/guides/text-420.png]

Needs Xvfb, xterm, and a Python with av, numpy and Pillow (.venv).
"""
import argparse, os, pathlib, subprocess, tempfile, time

import av
import numpy as np
from PIL import Image, ImageDraw

HERE = pathlib.Path(__file__).resolve().parent.parent
SIZE = (640, 360)
# 64x36 pixels of coloured text, six times as large.
CROP, ZOOM = (8, 20, 72, 56), 6
TEXT = r"""printf '\033[?25l\033[48;5;16m\033[2J\033[H'; for c in 196 21 46 201 51 226; do
printf '\033[38;5;%sm%s %s\033[0m\033[48;5;16m\n' $c "fn main() { let x = $c; }" 'error: cannot find value'; done;
printf '\033[48;5;19m\033[38;5;196m red on blue \033[48;5;196m\033[38;5;21m blue on red \033[0m\n'; sleep 60"""


def psnr(a, b):
    error = np.mean((a.astype(float) - b.astype(float)) ** 2)
    return 99.0 if error == 0 else 10 * np.log10(255 ** 2 / error)


def subsampled(rgb):
    """The picture in BT.709 limited range, its colours averaged over 2x2 pixels, and back again."""
    r, g, b = (rgb[..., n].astype(float) for n in range(3))
    kr, kb = 0.2126, 0.0722
    y = kr * r + (1 - kr - kb) * g + kb * b
    pb, pr = (b - y) / (2 * (1 - kb)), (r - y) / (2 * (1 - kr))
    luma = np.round(16 + y * 219 / 255)
    chroma = lambda p: np.round(128 + p.reshape(p.shape[0] // 2, 2, p.shape[1] // 2, 2).mean((1, 3)) * 224 / 255)
    back = lambda c: (np.repeat(np.repeat(c, 2, 0), 2, 1) - 128) * 255 / 224
    y, pb, pr = (luma - 16) * 255 / 219, back(chroma(pb)), back(chroma(pr))
    r, b = y + 2 * (1 - kr) * pr, y + 2 * (1 - kb) * pb
    g = (y - kr * r - kb * b) / (1 - kr - kb)
    return np.clip(np.round(np.stack([r, g, b], -1)), 0, 255).astype(np.uint8)


def coloured(rgb):
    """Pixels whose three samples differ much."""
    return rgb.max(-1).astype(int) - rgb.min(-1) > 96


def recorded(watchcap):
    """The pixels of a frame, and the same frame of the video."""
    with tempfile.TemporaryDirectory() as dir:
        read, write = os.pipe()
        server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24", "-nolisten", "tcp"],
                                  pass_fds=[write], stderr=subprocess.DEVNULL)
        env = dict(os.environ, DISPLAY=":" + os.read(read, 16).decode().strip())
        term = subprocess.Popen(["xterm", "-geometry", "106x27+0+0", "-fn", "fixed", "-e", "sh", "-c", TEXT], env=env)
        try:
            time.sleep(2)
            subprocess.run([watchcap, "record", "--consent", "screen", "--cursor", "off", "--bitrate-kbps", "8000", "--duration", "3s", "--out", dir,
                            "--session", "s", "--png-burst", "every=1s"], env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        finally:
            term.kill(), server.kill()
            term.wait(), server.wait()
        # The last one: the encoder has sharpened what stands still.
        picture = sorted(pathlib.Path(dir, "s/debug").iterdir())[-1]
        number = int(picture.stem.split("_")[1])
        with av.open(f"{dir}/s/frames.mp4") as video:
            frame = next(frame for n, frame in enumerate(video.decode(video=0)) if n == number)
            return np.asarray(Image.open(picture)), frame.to_ndarray(format="rgb24")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--watchcap", default=HERE / "target/release/watchcap")
    parser.add_argument("--out", default=HERE / "docs/guides/text-420.png")
    args = parser.parse_args()
    exact, video = recorded(str(args.watchcap))
    half = subsampled(exact)
    mask = coloured(exact)
    left, top, right, bottom = CROP
    width, height = (right - left) * ZOOM, (bottom - top) * ZOOM
    sheet = Image.new("RGB", (width * 3 + 40, height + 40), "white")
    draw = ImageDraw.Draw(sheet)
    for n, (name, picture) in enumerate([("screen (PNG)", exact), ("4:2:0, no encoder", half), ("video, 8 Mbit/s", video)]):
        told = "" if n == 0 else f": {psnr(exact[mask], picture[mask]):.1f} dB"
        crop = Image.fromarray(picture[top:bottom, left:right]).resize((width, height), Image.NEAREST)
        sheet.paste(crop, (10 + n * (width + 10), 30))
        draw.text((10 + n * (width + 10), 8), name + told, fill="black")
        print(f"{name}: whole {psnr(exact, picture):.1f} dB, coloured pixels {psnr(exact[mask], picture[mask]):.1f} dB ({mask.mean() * 100:.1f} % of them)")
    sheet.save(args.out, optimize=True)


if __name__ == "__main__":
    main()
