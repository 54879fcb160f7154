#!/usr/bin/env python3
"""Draws what a terminal shows: the output of `tmux capture-pane -e -p` as a PNG.

    tmux capture-pane -e -p | scripts/screenshot.py OUT.png [--size 9x18]

Needs Pillow and DejaVu Sans Mono (Debian: python3-pil, fonts-dejavu-core). Blocks and lines that must meet are drawn here and not
taken from the font. assets/README.md says how the picture in README.md is made.
"""
import argparse, re, sys, unicodedata

from PIL import Image, ImageDraw, ImageFont

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono{}.ttf"
BASIC = [(0, 0, 0), (205, 49, 49), (13, 188, 121), (229, 229, 16), (36, 114, 200), (188, 63, 188), (17, 168, 205), (229, 229, 229),
         (102, 102, 102), (241, 76, 76), (35, 209, 139), (245, 245, 67), (59, 142, 234), (214, 112, 214), (41, 184, 219), (255, 255, 255)]
FRONT, BACK = (220, 223, 228), (24, 26, 31)


def indexed(n):
    if n < 16:
        return BASIC[n]
    if n >= 232:
        return (8 + (n - 232) * 10,) * 3
    steps = (0, 95, 135, 175, 215, 255)
    return steps[(n - 16) // 36], steps[(n - 16) // 6 % 6], steps[(n - 16) % 6]


def cells(text):
    """(row, column, character, front, back, bold) of each cell."""
    front = back = None
    bold = dim = turned = False
    for row, line in enumerate(text.splitlines()):
        column = 0
        for sequence, char in re.findall(r"\x1b\[([0-9;:]*)m|([^\x1b])", line):
            if not char:
                numbers = [int(n or 0) for n in re.split("[;:]", sequence)]
                while numbers:
                    n = numbers.pop(0)
                    if n == 0:
                        front = back = None
                        bold = dim = turned = False
                    elif n in (38, 48):
                        kind = numbers.pop(0)
                        colour = tuple(numbers.pop(0) for _ in range(3)) if kind == 2 else indexed(numbers.pop(0))
                        front, back = (colour, back) if n == 38 else (front, colour)
                    elif n in (1, 2, 7, 22, 27):
                        bold = (bold or n == 1) and n != 22
                        dim = (dim or n == 2) and n != 22
                        turned = (turned or n == 7) and n != 27
                    elif n in (39, 49):
                        front, back = (None, back) if n == 39 else (front, None)
                    elif 30 <= n <= 37 or 90 <= n <= 97:
                        front = BASIC[n % 10 + (8 if n >= 90 else 0)]
                    elif 40 <= n <= 47 or 100 <= n <= 107:
                        back = BASIC[n % 10 + (8 if n >= 100 else 0)]
                continue
            ink, paper = front or FRONT, back or BACK
            if dim:
                ink = tuple((a + b) // 2 for a, b in zip(ink, paper))
            yield row, column, char, *((paper, ink) if turned else (ink, paper)), bold
            column += 2 if unicodedata.east_asian_width(char) in "WF" else 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--size", default="9x18", help="width and height of a cell, pixels")
    args = parser.parse_args()
    w, h = map(int, args.size.split("x"))
    fonts = [ImageFont.truetype(FONT.format(name), round(h * 0.78)) for name in ("", "-Bold")]
    found = list(cells(sys.stdin.read()))
    columns, rows = max(cell[1] for cell in found) + 1, max(cell[0] for cell in found) + 1
    image = Image.new("RGB", (columns * w, rows * h), BACK)
    draw = ImageDraw.Draw(image)
    for row, column, char, ink, paper, bold in found:
        x, y = column * w, row * h
        draw.rectangle((x, y, x + w - 1, y + h - 1), paper)
        if char == "▀":
            draw.rectangle((x, y, x + w - 1, y + h // 2 - 1), ink)
        elif "▁" <= char <= "█":
            part = ord(char) - ord("▁") + 1
            draw.rectangle((x, y + h - round(h * part / 8), x + w - 1, y + h - 1), ink)
        elif char in "░▒▓":
            share = (ord(char) - ord("░") + 1) / 4
            mixed = tuple(round(a * share + b * (1 - share)) for a, b in zip(ink, paper))
            draw.rectangle((x, y, x + w - 1, y + h - 1), mixed)
        elif char != " ":
            draw.text((x + w / 2, y + h * 0.78), char, ink, fonts[bold], anchor="ms")
    image.save(args.out, optimize=True)
    print(f"{args.out}: {columns}x{rows} cells, {image.width}x{image.height} pixels")


main()
