#!/usr/bin/env python3
"""How many frames a second each encoder of this machine makes, at four loads, by what `watchcap doctor` and `record` measure before a recording.

The pictures are of the measurement's own making (src/encode/rate.rs): half of each moves on, and a part is new. A recording needs the processor for grabbing and converting too, and the
game its own, so it holds less. The best of the rounds counts; on a machine that does nothing else.

    scripts/bench_ceilings.py [--rounds 3] [--binary target/release/watchcap]
"""
import argparse, json, pathlib, re, subprocess

HERE = pathlib.Path(__file__).resolve().parent.parent
LOADS = [("1920x1080", 60), ("1920x1080", 120), ("2560x1440", 60), ("3840x2160", 30)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--binary", default=HERE / "target/release/watchcap")
    args = parser.parse_args()
    names = [f"{size} at {fps}" for size, fps in LOADS]
    held = {}
    for _ in range(args.rounds):
        for (size, fps), name in zip(LOADS, names):
            done = subprocess.run([args.binary, "doctor", "--json", "--size", size, "--fps", str(fps)], capture_output=True, text=True)
            for check in json.loads(done.stdout):
                fps_held = re.search(r"; (\d+) frames a second of ", check["detail"] or "")
                if check["check"].startswith("encoder (") and fps_held:
                    best = held.setdefault(check["check"][9:-1], {})
                    best[name] = max(best.get(name, 0), int(fps_held[1]))
    print("| encoder | " + " | ".join(names) + " |")
    print("|---|" + "---|" * len(names))
    for encoder, best in held.items():
        cells = [f"{best[name]}{'' if best[name] >= fps else ' (too few)'}" if name in best else "-" for name, (_, fps) in zip(names, LOADS)]
        print(f"| {encoder} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
