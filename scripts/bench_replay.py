#!/usr/bin/env python3
"""Measures the player in a terminal, beside `cargo bench --bench replay`, which makes the sessions and measures the data side.

    scripts/bench_replay.py [--keep DIR] [--program PATH --bench PATH]

A pseudo-terminal stands in for the terminal; everything that the player writes is read at once. Measured are: from the start of
the process to the first picture; from a key to the end of what the player writes for it (a seek, a step on, a step back);
pictures a second while it plays; and the largest resident memory. Python's standard library is enough.
"""
import argparse, fcntl, os, pathlib, pty, re, select, shutil, signal, struct, subprocess, sys, tempfile, termios, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target/release/watchcap"
HALF = "▀".encode()
END = b"\x1b[?2026l"
# Cells that make a picture: a tenth of the smallest one that is measured.
PICTURE = 300


class Player:
    def __init__(self, session, columns, rows):
        self.began = time.monotonic()
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="tmux-256color", COLORTERM="truecolor")
            os.execv(PROGRAM, [str(PROGRAM), "replay", "--pictures", "blocks", str(session)])
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.seen = b""

    def read(self, seconds):
        """What is written within so many seconds, as (time, bytes)."""
        out = []
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self.file], [], [], left)[0]:
                try:
                    data = os.read(self.file, 1 << 16)
                except OSError:
                    break
                out.append((time.monotonic(), data))
                if b"\x1b[6n" in data:  # where is the cursor?
                    os.write(self.file, b"\x1b[1;1R")
        return out

    def first_picture(self, limit=10):
        cells = 0
        while time.monotonic() - self.began < limit:
            for at, data in self.read(0.005):
                cells += data.count(HALF)
                if cells >= PICTURE:
                    return (at - self.began) * 1000
        sys.exit("no picture")

    def answer(self, keys, quiet=0.8):
        """Milliseconds from keys to the first and to the last picture that was written because of them; None without one.

        A picture is a burst of PICTURE cells: the lanes and the key line have such cells too, one or two. A long seek shows the keyframe
        first, and the right picture last.
        """
        self.read(0.05)
        began = time.monotonic()
        os.write(self.file, keys)
        ends, cells, at_last = [], 0, began
        while time.monotonic() < (ends[-1] if ends else began) + quiet:
            for at, data in self.read(0.01):
                cells = data.count(HALF) + (cells if at - at_last < 0.004 else 0)
                at_last = at
                if cells >= PICTURE:
                    if ends and at - ends[-1] < 0.004:
                        ends.pop()
                    ends.append(at)
        return None if not ends else ((ends[0] - began) * 1000, (ends[-1] - began) * 1000)

    def pictures(self, seconds):
        """Updates with a picture, a second."""
        data = b"".join(data for _, data in self.read(seconds))
        return sum(update.count(HALF) >= PICTURE for update in data.split(END)) / seconds

    def peak(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1000

    def leave(self):
        os.write(self.file, b"q")
        self.read(0.3)
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        os.close(self.file)


def spread(what, answers):
    for part, which in ([("first picture", 0)] if "seek" in what else []) + [("right picture", 1)]:
        one(f"{what}, {part}", [answer[which] for answer in answers if answer is not None])


def one(what, times):
    sys.stdout.flush()
    times = sorted(times)
    at = lambda share: times[int((len(times) - 1) * share)]
    print(f"  {what}: p50 {at(0.5):.0f} ms, p95 {at(0.95):.0f} ms, max {at(1):.0f} ms ({len(times)} times)")


def long(session):
    print("8 h in a terminal of 120x40:")
    first = []
    for _ in range(5):
        player = Player(session, 120, 40)
        first.append(player.first_picture())
        player.leave()
    print(f"  start to first picture: {', '.join(f'{ms:.0f}' for ms in first)} ms")
    player = Player(session, 120, 40)
    player.first_picture()
    spread("seek while events are counted", [player.answer(b"g%d\r" % (n * 7919 % 864000)) for n in range(20)])
    player.read(20)
    spread("seek", [player.answer(b"g%d\r" % (n * 104729 % 864000)) for n in range(60)])
    # Everything that reads rows: jumps, zoom, a search that finds nothing.
    for keys in [b"k", b"K", b"d", b"d", b"c", b"z", b"z", b"z", b"/nowhere\r"]:
        os.write(player.file, keys)
        player.read(0.5)
    player.read(10)
    os.write(player.file, b"\x1b ")
    player.read(5)
    print(f"  largest resident memory: {player.peak():.0f} MB")
    player.leave()


def sharp(session):
    for columns, rows in [(120, 40), (200, 60)]:
        print(f"1080p60 in a terminal of {columns}x{rows}:")
        player = Player(session, columns, rows)
        player.first_picture()
        spread("seek", [player.answer(b"g%d\r" % (n * 7919 % 1800)) for n in range(60)])
        player.answer(b"g600\r")
        spread("step on", [player.answer(b"\x1b[C", 0.4) for _ in range(60)])
        spread("step back", [player.answer(b"\x1b[D", 0.4) for _ in range(60)])
        os.write(player.file, b"g10\r ")
        player.read(1)
        print(f"  playing: {player.pictures(10):.1f} pictures a second of 60")
        print(f"  largest resident memory: {player.peak():.0f} MB")
        player.leave()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for the sessions; made ones are used again")
    parser.add_argument("--program", type=pathlib.Path, help="the player, instead of the release build")
    parser.add_argument("--bench", type=pathlib.Path, help="the built benchmark, instead of `cargo bench`")
    args = parser.parse_args()
    global PROGRAM
    PROGRAM, keep = args.program or PROGRAM, args.keep
    dir = keep or pathlib.Path(tempfile.mkdtemp())
    bench = [args.bench] if args.bench else ["cargo", "bench", "--locked", "-q", "--bench", "replay", "--"]
    try:
        if not (dir / "sharp").is_dir():
            dir.mkdir(parents=True, exist_ok=True)
            subprocess.run([*bench, "make", dir], check=True, cwd=ROOT)
        for name in ["long", "sharp"]:
            subprocess.run([*bench, "measure", dir / name], check=True, cwd=ROOT)
        sys.stdout.flush()
        long(dir / "long")
        sharp(dir / "sharp")
    finally:
        if not keep:
            shutil.rmtree(dir)


main()
