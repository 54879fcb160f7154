#!/usr/bin/env python3
"""What recording a Wayland desktop costs beside an X one: the same game on sway (headless) and on Xvfb, recorded in turns.

    scripts/bench_wayland.py [--seconds 15] [--rounds 3] [--binary target/release/watchcap]

CPU is user and system time of the recording process a stored frame; how many pictures were new is told beside it, since a repeat costs next to nothing. The
copies that the compositor and the X server make of each picture are theirs, and not counted on either side. As root sway runs as nobody, which it insists on.
"""
import argparse, json, os, pathlib, shutil, statistics, subprocess, sys, tempfile, time

import pyarrow.parquet as pq

import bench_capture

NOBODY = 65534


def start_sway(home):
    """A sway without monitor or devices, of 1920x1080; its process and what its programs have in their environment."""
    config, told = home / "config", home / "told"
    config.write_text("output HEADLESS-1 resolution 1920x1080 position 0 0\ndefault_border none\nxwayland disable\n"
                      f'exec sh -c "echo $SWAYSOCK $WAYLAND_DISPLAY > {told}"\n')
    config.chmod(0o755)
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "XDG_SESSION_TYPE": "wayland", "WLR_BACKENDS": "headless",
           "WLR_RENDERER": "pixman", "WLR_LIBINPUT_NO_DEVICES": "1"}
    command = ["sway", "-d", "-c", str(config)]
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)
        command = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", *command]
    with open(home / "log", "w") as log:
        sway = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
    for _ in range(200):
        words = told.read_text().split() if told.exists() else []
        if len(words) == 2:
            inside = dict(os.environ, XDG_RUNTIME_DIR=str(home), WAYLAND_DISPLAY=words[1], SWAYSOCK=words[0], XDG_SESSION_TYPE="wayland", XDG_CURRENT_DESKTOP="sway")
            inside.pop("DISPLAY", None)
            return sway, inside
        time.sleep(0.1)
    sys.exit("sway does not start:\n" + (home / "log").read_text()[-2000:])


def record(args, env, folder, fps):
    command = [args.binary, "record", "--out", folder, "--session", "w", "--consent", "screen", "--allow-missing", "masks", "--fps", fps, "--bitrate-kbps", 8000,
               "--encoder", "openh264", "--duration", f"{args.seconds}s", "--no-finalize", "--json"]
    cpu, rss, text = bench_capture.run_measured([str(word) for word in command], env)
    done = [json.loads(line) for line in text.splitlines() if '"recorded"' in line][0]
    code = subprocess.run([args.binary, "finalize", f"{folder}/w"], capture_output=True).returncode
    if code not in (0, 3):
        sys.exit(f"finalize ended with {code}")
    rows = [row for row in pq.read_table(f"{folder}/w/events.parquet").to_pylist() if row["event_type"] == "frame"]
    new = sum(1 for row in rows if "dup" not in dict(row["metadata"]))
    source = json.loads(pathlib.Path(folder, "w/metadata.json").read_text())["streams"]["screen"]["source"]
    return {"source": source, "cost": cpu * 1000 / done["frames"], "frames": done["frames"], "new": new, "dropped": done["dropped_frames"], "mb": rss / 1024}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--display", default=":96")
    parser.add_argument("--binary", type=pathlib.Path, default=bench_capture.WATCHCAP)
    args = parser.parse_args()
    home, work = pathlib.Path(tempfile.mkdtemp()), tempfile.mkdtemp(prefix="watchcap-bench-", dir="/dev/shm")
    sway, inside = start_sway(home)
    server = bench_capture.start_display(args.display)
    desks = {"x11": dict(os.environ, DISPLAY=args.display), "wayland": inside}
    try:
        print(f"fps  source            CPU ms/frame (min median max)  frames  new  dropped  peak MB   {args.rounds} x {args.seconds} s")
        for fps in (30, 60):
            results = {name: [] for name in desks}
            for _ in range(args.rounds):
                for name, env in desks.items():
                    game = bench_capture.start_game(env, name)
                    time.sleep(7)
                    folder = tempfile.mkdtemp(dir=work)
                    results[name].append(record(args, env, folder, fps))
                    game.kill(), game.wait()
                    shutil.rmtree(folder)
            for rows in results.values():
                cost, total = sorted(row["cost"] for row in rows), lambda key: sum(row[key] for row in rows)
                print(f"{fps:3}  {rows[0]['source']:16}  {cost[0]:7.2f} {statistics.median(cost):7.2f} {cost[-1]:7.2f}   {total('frames'):6} {total('new'):5} "
                      f"{total('dropped'):6}  {max(row['mb'] for row in rows):7.0f}", flush=True)
    finally:
        sway.kill(), server.kill()
        shutil.rmtree(work, ignore_errors=True), shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
