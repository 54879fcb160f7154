"""Draws the icon of the Windows program: a screen with the dot of a recording, and the steps of its clock below.

    .venv/bin/python scripts/icon.py assets/windows/watchcap.ico
"""
import sys

from PIL import Image, ImageDraw

SIZE = 256
SIZES = [(side, side) for side in (16, 24, 32, 48, 64, 256)]

image = Image.new("RGBA", (SIZE, SIZE), (0, 0, 0, 0))
draw = ImageDraw.Draw(image)
draw.rounded_rectangle((8, 24, 247, 184), radius=28, fill=(31, 41, 55, 255), outline=(148, 163, 184, 255), width=10)
draw.ellipse((84, 60, 172, 148), fill=(220, 38, 38, 255))
for index, x in enumerate(range(16, 240, 32)):
    height = 40 if index % 3 == 0 else 22
    draw.rounded_rectangle((x, 244 - height, x + 16, 244), radius=6, fill=(148, 163, 184, 255))
image.save(sys.argv[1], sizes=SIZES)
