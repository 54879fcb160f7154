#!/usr/bin/env python3
"""Records a click track whose times are known, and says how far the recorded clicks are from them.

    scripts/sound_rig.py pulseaudio|pipewire [--seconds 120] [--audio system|mic|both] [--codec aac|flac] [--watchcap target/release/watchcap] [--kills 5]
                         [--kill-at 0.5,1,2] [--break device|server] [--json]

Starts a sound server of its own (its own XDG_RUNTIME_DIR, no device: a null sink), a player of clicks that has the server say when each
sample is played, and `watchcap record`; for a microphone a source that reads a pipe, into which clicks are written every 5 ms, as they would be heard. Decodes `audio.mp4` with PyAV and compares. Then records again and is killed with
SIGKILL, to see how much sound is missing; `--break` takes the device or the server away meanwhile and brings it back (PulseAudio). CPU is that of the threads that handle sound. Needs the packages of `scripts/setup.sh test`
(PulseAudio) or `bench` (PipeWire), and .venv.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent.parent
RATE = 48_000
SINK = "rig"
MIC = "rig_mic"
# Samples that a microphone hands over at once: 5 ms.
MIC_BLOCK = 240
# A click is at least this much louder than the silence around it.
LOUD = 0.4
# Clicks near a moment at which the player's own account jumped are not judged, nanoseconds: its sound broke off there.
STEADY_NS, NEAR = 2e6, RATE * 4 // 10


def click_at(number):
    return 24_000 + number * 24_000 + (number * 7919 % 11) * 960


@contextlib.contextmanager
def started(command, env, log):
    with open(log, "wb") as out:
        child = subprocess.Popen(command, env=env, stdout=out, stderr=out)
    try:
        yield child
    finally:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(5)
        child.kill()
        child.wait()


def wait_until(done, what, seconds=15):
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            sys.exit(f"sound_rig: {what} does not come")
        time.sleep(0.1)


@contextlib.contextmanager
def display(folder):
    """A screen: `--source synthetic` would bring its own sound."""
    read, write = os.pipe()
    with open(folder / "xvfb.log", "wb") as out:
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "320x240x24", "-nolisten", "tcp", "-noreset"]
        child = subprocess.Popen(command, pass_fds=[write], stdout=out, stderr=out)
    os.close(write)
    try:
        with os.fdopen(read) as said:
            yield f":{said.readline().strip()}"
    finally:
        child.terminate()
        child.wait()


@contextlib.contextmanager
def server(kind, folder):
    """A sound server with a null sink; yields its environment and version."""
    run = folder / "run"
    run.mkdir(mode=0o700)
    env = dict(os.environ, XDG_RUNTIME_DIR=str(run), HOME=str(folder), XDG_CONFIG_HOME=str(folder / "config"),
               XDG_STATE_HOME=str(folder / "state"))
    for name in ("PULSE_SERVER", "PULSE_RUNTIME_PATH", "PULSE_COOKIE", "DISPLAY", "WAYLAND_DISPLAY", "PIPEWIRE_REMOTE"):
        env.pop(name, None)
    socket = run / "pulse" / "native"
    with contextlib.ExitStack() as stack:
        begin = lambda command, name: stack.enter_context(started(command, env, folder / f"{name}.log"))
        again = None
        if kind == "pulseaudio":
            socket.parent.mkdir(mode=0o700)
            command = (["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--realtime=no", "--high-priority=no", "--log-level=info",
                   "-L", f"module-native-protocol-unix socket={socket} auth-anonymous=1",
                   "-L", f"module-null-sink sink_name={SINK} rate={RATE} channels=2"], "pulseaudio")
            child = begin(*command)
            wait_until(socket.exists, "the sound server")
            time.sleep(0.3)

            def again():
                child.kill()
                child.wait()
                socket.unlink(missing_ok=True)
                time.sleep(2)
                begin(*command)
                wait_until(socket.exists, "the sound server")
        else:
            env["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={run}/bus"
            begin(["dbus-daemon", "--session", f"--address={env['DBUS_SESSION_BUS_ADDRESS']}", "--nofork", "--nopidfile"], "dbus")
            wait_until((run / "bus").exists, "the message bus")
            begin(["pipewire"], "pipewire")
            wait_until((run / "pipewire-0").exists, "PipeWire")
            begin(["wireplumber"], "wireplumber")
            time.sleep(1)
            begin(["pipewire-pulse"], "pipewire-pulse")
            wait_until(socket.exists, "PipeWire's PulseAudio")
            time.sleep(1)
            subprocess.run(["pactl", "load-module", "module-null-sink", f"sink_name={SINK}", f"rate={RATE}", "channels=2"], env=env,
                           check=True, stdout=subprocess.DEVNULL)
            time.sleep(0.5)
            subprocess.run(["pactl", "set-default-sink", SINK], env=env, check=True)
        said = subprocess.run(["pactl", "info"], env=env, capture_output=True, text=True, check=True).stdout
        said = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
        yield env, f"{said['Server Name']} {said['Server Version']}", again


class Microphone(threading.Thread):
    """Writes clicks into the pipe of a source, a block each 5 ms; `clicks` are when each was heard: a block ends when it is written."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe, self.clicks, self.ends = pipe, {}, threading.Event()

    def run(self):
        import fcntl
        import numpy
        shape = (numpy.cos(numpy.arange(96) * 2 * numpy.pi * 3000 / RATE) * (1 - numpy.arange(96) / 96) * 0.9 * 32767).astype("<i2")
        with open(self.pipe, "r+b", buffering=0) as out:
            # What a server that is late has not read is older than this pipe is long: 4096 bytes are 43 ms.
            fcntl.fcntl(out, 1031, 4096)
            begin, block = time.monotonic_ns(), 0
            while not self.ends.is_set():
                first = block * MIC_BLOCK
                samples = numpy.zeros(MIC_BLOCK, "<i2")
                number = max((first - 24_000) // 24_000 - 1, 0)
                found = {}
                while click_at(number) < first + MIC_BLOCK:
                    at = click_at(number) - first
                    if 0 <= at:
                        found[number] = at
                    if -len(shape) < at:
                        part = shape[max(-at, 0) : MIC_BLOCK - at]
                        samples[max(at, 0) : max(at, 0) + len(part)] = part
                    number += 1
                block += 1
                time.sleep(max(0, begin + block * MIC_BLOCK * 1_000_000_000 // RATE - time.monotonic_ns()) / 1e9)
                out.write(samples.tobytes())
                written = time.monotonic_ns()
                late = written - begin - block * MIC_BLOCK * 1_000_000_000 // RATE
                # A writer whom nobody reads does not catch up, as no microphone does; one that was held up does, and what it wrote then is not judged.
                begin += late if late > 2e8 else 0
                for click, at in found.items():
                    if late <= STEADY_NS:
                        self.clicks[click] = written - (MIC_BLOCK - at) * 1_000_000_000 / RATE


@contextlib.contextmanager
def microphone(args, env, folder):
    """A source that reads a pipe, as the usual microphone, where one is wanted."""
    if args.audio == "system":
        yield None
        return
    pipe = folder / "mic.pipe"
    subprocess.run(["pactl", "load-module", "module-pipe-source", f"source_name={MIC}", f"file={pipe}", "format=s16le", f"rate={RATE}", "channels=1"],
                   env=env, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["pactl", "set-default-source", MIC], env=env, check=True)
    wait_until(pipe.exists, "the microphone")
    writer = Microphone(pipe)
    writer.start()
    try:
        yield writer
    finally:
        writer.ends.set()
        writer.join(5)


def player(kind, folder, seconds):
    if kind == "pulseaudio":
        return [sys.executable, HERE / "scripts/sound/pulse_clicks.py", SINK, str(seconds)]
    # A player by PipeWire's own protocol: its PulseAudio has another account of a player's latency.
    built = folder / "pw_clicks"
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libpipewire-0.3"], capture_output=True, text=True, check=True).stdout.split()
    subprocess.run(["cc", "-O2", "-w", HERE / "scripts/sound/pw_clicks.c", "-o", built, *flags, "-lm"], check=True)
    return [built, SINK, str(seconds)]


def truth(lines):
    """When each click was played, nanoseconds; without those near a jump of the player's own account."""
    # The last line may be cut off.
    marks = [tuple(map(int, line.split()[1:])) for line in lines[:-1] if line.startswith("M ")]
    offsets = [(at, t - at * 1_000_000_000 / RATE) for t, at in marks]
    clicks, first, jumps = {}, 0, 0
    for before, after in zip(offsets, offsets[1:]):
        jumps += abs(after[1] - before[1]) > STEADY_NS
    last = offsets[-1][0] if offsets else 0
    number = 0
    while click_at(number) < last:
        at = click_at(number)
        while first < len(offsets) and offsets[first][0] < at - NEAR:
            first += 1
        near = []
        for position, offset in offsets[first:]:
            if position > at + NEAR:
                break
            near.append(offset)
        if len(near) > 2 and max(near) - min(near) < STEADY_NS:
            clicks[number] = statistics.median(near) + at * 1_000_000_000 / RATE
        number += 1
    return clicks, jumps


def heard(audio, t0_ns):
    """When the clicks of the recording are, by nothing but its own times; its last sample's time; its samples."""
    import av
    import numpy
    clicks, end, count, quiet = [], 0.0, 0, 0
    with av.open(str(audio)) as container:
        stream = container.streams.audio[0]
        for frame in container.decode(stream):
            samples = frame.to_ndarray()
            if not frame.format.is_planar:
                samples = samples.reshape(-1, frame.layout.nb_channels).T
            if samples.dtype != numpy.float32:
                samples = samples.astype(numpy.float32) / 32768
            start = float(frame.pts * frame.time_base)
            last = -quiet - 1
            for at in numpy.flatnonzero(numpy.abs(samples[0]) > LOUD):
                if at - last > RATE // 25:
                    clicks.append(t0_ns + (start + at / frame.sample_rate) * 1e9)
                last = at
            quiet = frame.samples - 1 - last
            end, count = start + frame.samples / frame.sample_rate, count + frame.samples
    return clicks, t0_ns + end * 1e9, count


def compare(truth_ns, heard_ns, begin_ns, end_ns):
    """Errors in milliseconds of the clicks that were found, and how many were not, between two times."""
    expected = sorted(t for t in truth_ns.values() if begin_ns <= t <= end_ns)
    errors, missing, at = [], 0, 0
    for t in expected:
        while at < len(heard_ns) and heard_ns[at] < t - 1.5e8:
            at += 1
        if at < len(heard_ns) and abs(heard_ns[at] - t) < 1.5e8:
            errors.append((heard_ns[at] - t) / 1e6)
        else:
            missing += 1
    return errors, missing


def cpu_of_sound(pid):
    """Seconds of CPU of the threads of a process that handle sound, and of all of them."""
    ticks, of_sound, of_all = os.sysconf("SC_CLK_TCK"), 0, 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            name, fields = (task / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
            spent = sum(map(int, fields.split()[11:13])) / ticks
            of_all += spent
            of_sound += spent if "sound" in name or "audio" in name else 0
    return of_sound, of_all


def record(args, env, folder, name, seconds=None):
    command = [args.watchcap, "record", "--out", folder, "--session", name, "--consent", "screen,audio",
               "--audio", args.audio, "--audio-codec", args.codec, "--fps", "10", "--json"]
    command += ["--duration", f"{seconds}s"] if seconds else []
    with open(folder / f"{name}.log", "wb") as out:
        return subprocess.Popen(list(map(str, command)), env=env, stdout=out, stderr=out)


def sealed(args, env, folder, name, verb):
    for command in ([verb], ["verify"]):
        done = subprocess.run([args.watchcap, *command, folder / name], env=env, capture_output=True, text=True)
        if done.returncode not in ((0, 3) if command != ["verify"] else (0,)):
            sys.exit(f"sound_rig: {command[0]} failed with {done.returncode}: {done.stdout}{done.stderr}")
    return json.loads((folder / name / "metadata.json").read_text())


def gaps(session):
    import pyarrow.parquet
    rows = pyarrow.parquet.read_table(session / "events.parquet").to_pylist()
    found = [(row["t_ns"], dict(row["metadata"])) for row in rows if row["event_type"] == "gap"]
    return [(t, extra) for t, extra in found if extra.get("stream") == "audio"]


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def judged(played, audio, settings):
    """What is said of one file: its errors, and what it is."""
    clicks, end_ns, samples = heard(audio, settings["t0_ns"])
    errors, missing = compare(played, clicks, settings["t0_ns"] + 1e8, end_ns - 1e8)
    if not errors:
        sys.exit(f"sound_rig: no click was found ({len(clicks)} heard, {len(played)} played)")
    return {
        "clicks": len(errors), "missing": missing,
        "error_ms": {"p5": percentile(errors, 0.05), "median": statistics.median(errors), "p95": percentile(errors, 0.95),
                     "worst": max(errors, key=abs)},
        "seconds": (end_ns - settings["t0_ns"]) / 1e9, "samples": samples, "settings": settings,
    }


def measured(args, env, folder, mic):
    """Records and compares."""
    with open(folder / "truth", "w") as out:
        playing = subprocess.Popen(list(map(str, player(args.server, folder, args.seconds + 9))), env=env, stdout=out)
    try:
        # A server settles a new player's buffers for some seconds.
        time.sleep(5)
        recording = record(args, env, folder, "session", args.seconds)
        cpu, begun = (0.0, 0.0), time.monotonic()
        while recording.poll() is None and time.monotonic() - begun < args.seconds - 1:
            with contextlib.suppress(OSError):
                spent = cpu_of_sound(recording.pid)
                # At the end its threads are gone, one by one.
                if spent[0] >= cpu[0]:
                    cpu, took = spent, time.monotonic() - begun
            time.sleep(0.5)
        recording.wait()
        # What was played in the last moments is judged too.
        time.sleep(1)
    finally:
        playing.send_signal(signal.SIGINT)
        playing.wait()
    if recording.returncode not in (0, 3):
        sys.exit("sound_rig: recording failed:\n" + (folder / "session.log").read_text()[-3000:])
    session = folder / "session"
    metadata = json.loads((session / "metadata.json").read_text())
    settings = metadata["streams"]["audio"]["settings"]
    subprocess.run([args.watchcap, "verify", session], env=env, check=True, capture_output=True)
    played, jumps = truth((folder / "truth").read_text().splitlines())
    spoken = dict(mic.clicks) if mic else {}
    result = judged(spoken if args.audio == "mic" else played, session / "audio.mp4", settings)
    if args.audio == "both":
        result["mic"] = judged(spoken, session / "audio_mic.mp4", settings["microphone"])
    return result | {
        "player_jumps": jumps, "gaps": gaps(session) if args.verbose else len(gaps(session)),
        "cpu_percent_of_sound": 100 * cpu[0] / took, "cpu_percent_of_all": 100 * cpu[1] / took,
    }


def broken(args, env, folder, again):
    """Takes the device or the server away in the middle: the gaps, and the errors of the clicks that are played afterwards."""
    recording = record(args, env, folder, "broken", 20)
    time.sleep(6)
    if args.break_ == "server":
        again()
    else:
        subprocess.run(["pactl", "unload-module", "module-null-sink"], env=env, check=True)
        time.sleep(2)
        subprocess.run(["pactl", "load-module", "module-null-sink", f"sink_name={SINK}", f"rate={RATE}", "channels=2"], env=env, check=True,
                       stdout=subprocess.DEVNULL)
    time.sleep(1)
    with open(folder / "truth2", "w") as out:
        playing = subprocess.Popen(list(map(str, player(args.server, folder, 60))), env=env, stdout=out, stderr=subprocess.DEVNULL)
    recording.wait(40)
    time.sleep(1)
    playing.send_signal(signal.SIGINT)
    playing.wait()
    session = folder / "broken"
    settings = json.loads((session / "metadata.json").read_text())["streams"]["audio"]["settings"]
    subprocess.run([args.watchcap, "verify", session], env=env, check=True, capture_output=True)
    played, jumps = truth((folder / "truth2").read_text().splitlines())
    clicks, end_ns, _ = heard(session / "audio.mp4", settings["t0_ns"])
    # A player that begins settles for some seconds; what is judged is the end.
    errors, missing = compare(played, clicks, end_ns - 5e9, end_ns - 1e8)
    return {"gaps": gaps(session), "exit": recording.returncode, "clicks": len(errors), "missing": missing, "worst_ms": max(errors, key=abs, default=None),
            "errors_ms": [round(error, 2) for error in errors], "player_jumps": jumps, "seconds": (end_ns - settings["t0_ns"]) / 1e9}


def killed(args, env, folder):
    """Milliseconds of sound that are missing after SIGKILL, each time."""
    lost = []
    for number in range(args.kills):
        name = f"killed{number}"
        recording = record(args, env, folder, name)
        time.sleep(6 + 0.317 * number)
        at = time.monotonic_ns()
        recording.send_signal(signal.SIGKILL)
        recording.wait()
        metadata = sealed(args, env, folder, name, "recover")
        _, end_ns, _ = heard(folder / name / "audio.mp4", metadata["streams"]["audio"]["settings"]["t0_ns"])
        lost.append((at - end_ns) / 1e6)
    return lost


def killed_early(args, env, folder):
    """Seconds from the begin of a recording to SIGKILL, the milliseconds of sound that are missing then (null where there is none at all), and
    whether its time is a guess. Something plays meanwhile: a sink on which nothing does hands over its first samples up to two seconds late."""
    lost = []
    with open(folder / "truth_early", "wb") as out:
        playing = subprocess.Popen(list(map(str, player(args.server, folder, 600))), env=env, stdout=out, stderr=out)
    time.sleep(3)
    for number, wait in enumerate(args.kill_at):
        name = f"early{number}"
        recording = record(args, env, folder, name)
        time.sleep(wait)
        at = time.monotonic_ns()
        recording.send_signal(signal.SIGKILL)
        recording.wait()
        if not (folder / name / "log").is_dir():
            continue
        metadata = sealed(args, env, folder, name, "recover")
        audio = folder / name / "audio.mp4"
        settings = metadata["streams"].get("audio", {}).get("settings", {})
        end_ns = heard(audio, settings["t0_ns"])[1] if audio.exists() else None
        missing = None if end_ns is None else (at - end_ns) / 1e6
        lost.append([(at - metadata["clock"]["t0_ns"]) / 1e9, missing, settings.get("t0_is_guessed", False)])
    playing.send_signal(signal.SIGINT)
    playing.wait()
    return lost


def doctor(args, env):
    """What `watchcap doctor` says of sound, with consent to it and without."""
    said = []
    for consent in ("screen,audio", "screen"):
        done = subprocess.run([args.watchcap, "doctor", "--json"], env=env | {"WATCHCAP_CONSENT": consent}, capture_output=True, text=True)
        said.append(next(check["detail"] for check in json.loads(done.stdout) if check["check"] == "sound"))
    return said


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server", choices=("pulseaudio", "pipewire"))
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--codec", default="aac")
    parser.add_argument("--watchcap", default=HERE / "target/release/watchcap", type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--audio", choices=("system", "mic", "both"), default="system")
    parser.add_argument("--kill-at", type=lambda text: [float(part) for part in text.split(",")], default=[], metavar="SECONDS,…",
                        help="kill so long after the command was started, and say what is missing; null is all")
    parser.add_argument("--doctor", action="store_true", help="say what watchcap doctor says of sound, with consent and without")
    parser.add_argument("--break", dest="break_", choices=("device", "server"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="list the gaps")
    args = parser.parse_args()
    if not shutil.which(args.server):
        sys.exit(f"sound_rig: {args.server} is not installed; hint: scripts/setup.sh bench")
    # A short name: sockets have paths of at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="wcs") as folder:
        folder = pathlib.Path(folder)
        with display(folder) as screen, server(args.server, folder) as (env, version, again), microphone(args, env, folder) as mic:
            env["DISPLAY"] = screen
            result = {"server": version}
            if args.seconds:
                result |= measured(args, env, folder, mic)
            result["lost_ms"] = killed(args, env, folder)
            if args.kill_at:
                result["killed_at_s_lost_ms"] = killed_early(args, env, folder)
            if args.doctor:
                result["doctor"] = doctor(args, env)
            if args.break_:
                result["broken"] = broken(args, env, folder, again)
    if args.json or not args.seconds:
        print(json.dumps(result))
        return
    print(f"{result['server']}, {result['seconds']:.0f} s, {args.codec}: {result['settings']}")
    print(f"gaps {result['gaps']}, jumps of the player {result['player_jumps']}")
    for name, part in [(args.audio, result), ("mic", result.get("mic"))]:
        if part:
            errors = ", ".join(f"{key} {value:+.1f}" for key, value in part["error_ms"].items())
            print(f"{name}: clicks {part['clicks']}, missing {part['missing']}, error ms: {errors}")
    print(f"CPU of a core: sound {result['cpu_percent_of_sound']:.2f} %, all {result['cpu_percent_of_all']:.1f} %")
    print("lost at SIGKILL ms: " + ", ".join(f"{value:.0f}" for value in result["lost_ms"]))


if __name__ == "__main__":
    main()
