#!/usr/bin/env python3
"""CPU per frame, drops and memory of `watchcap record` against ffmpeg x11grab + libx264 ultrafast, and SimpleScreenRecorder where it is installed.

They record the same X server of the same content (`moving`: a game's demo from its beginning; `desktop`: scripts/desktop_session.py; `still`: a desktop in
which nothing moves), at the same bit rate, in turns, several rounds. CPU is user + system time of the recording process (getrusage of the waited child), not
wall time, so that a shared machine spoils it least. Of SimpleScreenRecorder, which is a program with windows, it is that from the start of the recording on.
How good the pictures are: scripts/bench_encode.sh, on a clip.

`--sharper` adds recordings whose colours are not halved (4:4:4) and that lose nothing, by x264.

    scripts/bench_capture.py [--seconds 20] [--rounds 3] [--display :97] [--only NAME] [--fps 30] [--sharper]
"""
import argparse, json, os, pathlib, shutil, signal, subprocess, sys, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent.parent
WATCHCAP = HERE / "target/release/watchcap"
HELPER = HERE / "x264/target/release/watchcap-x264"
KBPS = 8000


def run_measured(command, env, seconds=None):
    """Runs a command (stopping it with SIGINT after `seconds`) and returns (cpu_s, peak_rss_kb, stdout)."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = subprocess.Popen(command, env=env, stdout=out, stderr=err)
        if seconds:
            time.sleep(seconds)
            child.send_signal(signal.SIGINT)
        _, status, usage = os.wait4(child.pid, 0)
        out.seek(0), err.seek(0)
        text, errors = out.read(), err.read()
        if os.waitstatus_to_exitcode(status) not in (0, 3, 255):
            sys.exit(f"{command[0]} failed with {os.waitstatus_to_exitcode(status)}:\n{errors[-2000:]}")
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss, text


def frames_of(video):
    text = subprocess.run(["ffprobe", "-v", "error", "-count_packets", "-select_streams", "v:0", "-show_entries",
                           "stream=nb_read_packets", "-of", "csv=p=0", video], capture_output=True, text=True, check=True)
    return int(text.stdout.strip().strip(","))


def watchcap(env, folder, fps, seconds, extra=()):
    bits = [] if "--lossless" in extra else ["--bitrate-kbps", str(KBPS)]
    command = [WATCHCAP, "record", "--out", folder, "--session", "w", "--consent", "screen,input", "--fps", str(fps), *bits, "--duration", f"{seconds}s", "--no-finalize", "--json", *extra]
    cpu, rss, text = run_measured([str(c) for c in command], env)
    done = [json.loads(line) for line in text.splitlines() if '"recorded"' in line][0]
    return cpu, rss, done


def ffmpeg(env, folder, fps, seconds, gop):
    video = f"{folder}/f.mp4"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "x11grab", "-framerate", str(fps), "-video_size", "1920x1080", "-i",
               env["DISPLAY"], "-t", str(seconds), "-c:v", "libx264", "-preset", "ultrafast", "-b:v", f"{KBPS}k",
               "-pix_fmt", "yuv420p"] + (["-g", str(gop)] if gop else []) + [video]
    cpu, rss, _ = run_measured(command, env)
    return cpu, rss, frames_of(video)


def of_settings(folder, fps):
    """SimpleScreenRecorder's settings: libx264 of ffmpeg's libraries, as ffmpeg has it here."""
    settings = {"input": {"video_area": "screen", "video_frame_rate": fps, "video_scale": "false", "video_record_cursor": "true", "audio_enabled": "false"},
                "output": {"container": "mp4", "video_codec": "other", "video_codec_av": "libx264", "video_kbit_rate": KBPS, "video_options": "preset=ultrafast",
                           "file": f"{folder}/s.mp4", "separate_files": "false", "add_timestamp": "false"},
                "record": {"hotkey_enable": "false"}}
    return "".join(f"[{part}]\n" + "".join(f"{name}={value}\n" for name, value in values.items()) for part, values in settings.items())


def ssr(env, folder, fps, seconds):
    (config, log) = pathlib.Path(folder, "conf"), pathlib.Path(folder, "log")
    config.write_text(of_settings(folder, fps))
    command = ["simplescreenrecorder", f"--settingsfile={config}", f"--logfile={log}", "--no-systray", "--start-hidden", "--start-recording"]
    child = subprocess.Popen(command, env=dict(env, HOME=folder, QT_QPA_PLATFORM="xcb"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             text=True)
    for _ in range(400):
        if log.exists() and "Input thread started" in log.read_text():
            break
        time.sleep(0.025)
    else:
        sys.exit("SimpleScreenRecorder does not start:\n" + (log.read_text() if log.exists() else ""))
    ticks = sum(int(field) for field in pathlib.Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13])
    time.sleep(seconds)
    child.stdin.write("record-save\n")
    child.stdin.flush()
    while "Stopped page" not in log.read_text():
        time.sleep(0.025)
    child.stdin.write("quit\n")
    child.stdin.close()
    _, _, usage = os.wait4(child.pid, 0)
    child.returncode = 0
    return usage.ru_utime + usage.ru_stime - ticks / os.sysconf("SC_CLK_TCK"), usage.ru_maxrss, frames_of(f"{folder}/s.mp4")


def start_display(display):
    server = subprocess.Popen(["Xvfb", display, "-screen", "0", "1920x1080x24", "-nolisten", "tcp", "-noreset"],
                              stderr=subprocess.DEVNULL)
    for _ in range(100):
        if subprocess.run(["xset", "q"], env=dict(os.environ, DISPLAY=display), capture_output=True).returncode == 0:
            return server
        time.sleep(0.1)
    sys.exit("the X server did not start")


def start_game(env, driver="x11"):
    config = tempfile.mkdtemp()
    env = dict(env, HOME=config, SDL_VIDEODRIVER=driver, SDL_RENDER_DRIVER="software", SDL_AUDIODRIVER="dummy")
    return subprocess.Popen(["/usr/games/chocolate-doom", "-iwad", "/usr/share/games/doom/freedoom1.wad", "-nosound",
                             "-window", "-geometry", "1920x1080", "-nograbmouse", "-playdemo", "demo1"], env=env, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--display", default=":97")
    parser.add_argument("--only", default="")
    parser.add_argument("--fps", type=int, nargs="+", default=[30, 60])
    parser.add_argument("--sharper", action="store_true")
    args = parser.parse_args()
    env = dict(os.environ, DISPLAY=args.display)
    server = start_display(args.display)
    work = tempfile.mkdtemp(prefix="watchcap-bench-")
    try:
        print(f"content  fps  what                 CPU ms/frame (min median max)   frames  dropped  peak MB   rounds={args.rounds} x {args.seconds} s")
        for content in ("moving", "desktop", "still"):
            if args.only and args.only not in content:
                continue
            desktop = None
            if content == "still":
                subprocess.run(["xsetroot", "-solid", "#405060"], env=env, check=True)
                desktop = subprocess.Popen(["xterm", "-geometry", "200x60+100+50", "-e", "sh", "-c", "ls -la /usr/bin | head -300; sleep 9999"], env=env)
                time.sleep(3)
            for fps in args.fps:
                variants = {
                    "watchcap": lambda d: watchcap(env, d, fps, args.seconds, ["--encoder", "openh264"]),
                    "ffmpeg ultrafast": lambda d: ffmpeg(env, d, fps, args.seconds, None),
                    f"ffmpeg ultrafast -g {fps // 2}": lambda d: ffmpeg(env, d, fps, args.seconds, fps // 2),
                }
                if shutil.which("simplescreenrecorder"):
                    variants["SimpleScreenRecorder"] = lambda d: ssr(env, d, fps, args.seconds)
                if HELPER.is_file():
                    variants["watchcap x264"] = lambda d: watchcap(dict(env, WATCHCAP_X264=str(HELPER)), d, fps, args.seconds, ["--encoder", "x264"])
                if args.sharper and HELPER.is_file():
                    helped = dict(env, WATCHCAP_X264=str(HELPER))
                    variants["watchcap x264 4:4:4"] = lambda d: watchcap(helped, d, fps, args.seconds, ["--encoder", "x264", "--chroma", "444"])
                    variants["watchcap x264 lossless"] = lambda d: watchcap(helped, d, fps, args.seconds, ["--encoder", "x264", "--lossless"])
                if content == "still":
                    variants["watchcap --unchanged skip"] = lambda d: watchcap(env, d, fps, args.seconds, ["--unchanged", "skip"])
                results = {name: [] for name in variants}
                for _ in range(args.rounds):
                    for name, run in variants.items():
                        folder = tempfile.mkdtemp(dir=work)
                        # The game plays the same demo from its beginning for each of them.
                        shown = None
                        if content == "moving":
                            shown = start_game(env)
                        elif content == "desktop":
                            shown = subprocess.Popen([sys.executable, HERE / "scripts/desktop_session.py"], env=env, stderr=subprocess.DEVNULL)
                        time.sleep(7 if shown else 0)
                        cpu, rss, done = run(folder)
                        if shown:
                            # The game would ask whether it is meant.
                            (shown.kill if content == "moving" else shown.terminate)(), shown.wait()
                        if isinstance(done, dict):
                            taken = done["frames"] + done["unchanged_skipped"]
                            results[name].append((cpu * 1000 / taken, taken, done["dropped_frames"], rss / 1024))
                        else:
                            results[name].append((cpu * 1000 / done, done, fps * args.seconds - done, rss / 1024))
                        shutil.rmtree(folder)
                median = {}
                for name, rows in results.items():
                    cost = sorted(r[0] for r in rows)
                    median[name] = cost[len(cost) // 2]
                    print(f"{content:8} {fps:3}  {name:26} {cost[0]:7.2f} {median[name]:7.2f} {cost[-1]:7.2f}   "
                          f"{sum(r[1] for r in rows):6}  {sum(r[2] for r in rows):6}  {max(r[3] for r in rows):7.0f}", flush=True)
                for name in variants:
                    if name.startswith("watchcap"):
                        others = ", ".join(f"{median[name] / median[o]:.2f}x {o}" for o in variants if not o.startswith("watchcap"))
                        print(f"{content:8} {fps:3}  ratio {name}: {others}", flush=True)
            if desktop:
                desktop.kill(), desktop.wait()
    finally:
        server.kill()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
