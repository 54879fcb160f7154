#!/usr/bin/env python3
"""A scripted hour of desktop work, in small: two terminals under a window manager, on the X server of $DISPLAY, until it is ended.

In turns of 10 s, the same each time: text typed at 12 letters a second, a long listing that scrolls, a window dragged across the other, and 3 s in which nothing
moves. What measures recorders uses it as the content `desktop`; it needs openbox, xterm and xdotool.

    DISPLAY=:97 scripts/desktop_session.py
"""
import signal, subprocess, sys, time

TEXT = "The quick brown fox jumps over the lazy dog, and it is written down what that took. "


def xdotool(*words):
    return subprocess.run(["xdotool", *(str(word) for word in words)], capture_output=True, text=True).stdout.split()


def window(title):
    for _ in range(100):
        found = xdotool("search", "--name", f"^{title}$")
        if found:
            return found[0]
        time.sleep(0.1)
    sys.exit(f"no window {title}")


def drag(moved, seconds):
    begin = time.monotonic()
    while (part := (time.monotonic() - begin) / seconds) < 1:
        xdotool("windowmove", moved, int(900 - 700 * part), int(120 + 300 * part))
        time.sleep(1 / 60)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    font = ["-fa", "Monospace", "-fs", "11"]
    subprocess.run(["xsetroot", "-solid", "#405060"], check=True)
    children = [subprocess.Popen(["openbox"], stderr=subprocess.DEVNULL)]
    try:
        time.sleep(0.5)
        children.append(subprocess.Popen(["xterm", *font, "-T", "paper", "-geometry", "100x40+60+80", "-e", "cat"], stderr=subprocess.DEVNULL))
        listing = "while read line; do ls -la /usr/bin | head -400 | while read row; do echo \"$row\"; sleep 0.008; done; done"
        children.append(subprocess.Popen(["xterm", *font, "-T", "listing", "-geometry", "100x40+900+120", "-e", "sh", "-c", listing], stderr=subprocess.DEVNULL))
        paper, listing = window("paper"), window("listing")
        while True:
            begin = time.monotonic()
            xdotool("windowactivate", "--sync", paper)
            xdotool("type", "--delay", 83, TEXT[:36])
            xdotool("windowactivate", "--sync", listing, "key", "Return")
            time.sleep(max(0, begin + 5 - time.monotonic()))
            drag(listing, 2)
            time.sleep(max(0, begin + 10 - time.monotonic()))
    finally:
        for child in children:
            child.kill(), child.wait()


if __name__ == "__main__":
    main()
