#!/usr/bin/env python3
"""kill -9 at random moments of a real recording: an X server, a moving picture, inputs injected through XTEST.

The truth is outside: the input script writes what it injected and when, in another process. After each kill the log is finalized
and verified, and its inputs must be the beginning of what was injected: in order, each once, no hole. One run in ten is killed while
it starts, one in ten while it seals after an order to stop.

With `--encoder` of a child process, one run in five kills the child and not the recorder, which has to go on without a hole; and a child whose recorder
was killed has to end.

Loss: of the inputs, how old the oldest one that is missing was at the kill (0 when none is missing). Of the frames, how many
deadlines passed between the last frame recorded and the kill. Of the sound (`--audio`), how long before the kill the last of it was heard.
"""
import os, random, shutil, signal, subprocess, sys, time

from common import *
from syscalls import accounted
import truth

PROMISED_MS, PROMISED_FRAMES, PROMISED_SOUND_MS = 10, 1, 100
# Pictures that may be on their way through a child.
CHILDS_FRAMES = 6
INPUTS = [None, "relative", "keys,taps", "buttons,wheel,absolute", "taps,relative"]


def compare(campaign, expected, found, until):
    """How many inputs of those injected before `until` are missing, and the age of the oldest."""
    campaign.figure("motions without steps", in_order(expected, found))
    due = [event for event in expected if event[1]["after"] <= until]
    missing = due[len(found):]
    return len(missing), (until - missing[0][1]["after"]) / 1e6 if missing else 0.0


def main():
    args = arguments(__doc__, 1000, limit_ms={"type": float, "default": 1000, "help": "a loss of inputs above this is a failure"},
                     phase={"choices": ["recording", "starting", "sealing", "child"], "help": "kill in this phase only"})
    campaign = Campaign("kill", args)
    desks = queue.Queue()
    for _ in range(args.workers):
        desks.put(Desk(args))

    def starting(rng, folder, display):
        child = record(args, folder, ["--fps", "30"], display)
        time.sleep(rng.uniform(0, 0.6))
        end(child)
        campaign.fault("kill while starting")
        session = folder / "s"
        facts = session / "log/facts"
        if not (facts.exists() and facts.stat().st_size):
            return
        finalize(args, session)
        meta = verified(args, session)
        check(not holes(meta), f"holes: {holes(meta)}")
        check(meta["consent"]["record_screen"] is True, f"the first record is not the consent: {meta['consent']}")

    def work(number, rng, folder):
        desk = desks.get()
        try:
            phases = ["recording", "starting", "sealing"] + ["child"] * bool(args.encoder)
            phase = args.phase or rng.choices(phases, [8, 1, 1, 2.5][: len(phases)])[0]
            if phase == "starting":
                starting(rng, folder, desk.name)
            elif phase == "child":
                child_killed(rng, folder, desk)
            else:
                killed(phase, rng, folder, desk)
        finally:
            desks.put(desk)

    def child_killed(rng, folder, desk):
        recorder = record(args, folder, ["--fps", "30", "--bitrate-kbps", "2000"], desk.name)
        try:
            recording(folder, recorder)
            for _ in range(rng.randint(1, 2)):
                time.sleep(rng.uniform(0.2, 1))
                wait_for("the encoder's process", lambda: not gone(children(recorder.pid)))
                for pid in children(recorder.pid):
                    os.kill(pid, signal.SIGKILL)
                campaign.fault("kill of the encoder")
            time.sleep(rng.uniform(0.5, 1.5))
            recorder.send_signal(signal.SIGINT)
            try:
                recorder.wait(60)
            except subprocess.TimeoutExpired:
                raise Broken("it did not end") from None
        finally:
            end(recorder)
        check(recorder.returncode in (0, 3), f"it ended with {recorder.returncode}: {(folder / 'err').read_text()}")
        meta = verified(args, folder / "s")
        check(not holes(meta), f"holes: {holes(meta)}")
        accounted((folder / "out").read_text(), meta)
        campaign.figure("frames dropped, encoder killed", meta["dropped_frames"])
        if args.audio:
            sound_end(folder / "s", meta)

    def killed(phase, rng, folder, desk):
        fps = rng.choice([30, 60])
        session, log = folder / "s", folder / "truth.jsonl"
        recorder = record(args, folder, ["--fps", fps, "--bitrate-kbps", "2000"], desk.name)
        script = None
        try:
            recording(folder, recorder)
            script = desk.script(rng.randrange(1 << 30), log, 4, rng.choice(INPUTS))
            wait_for("the input script", log.exists)
            with prompt_here(args):
                time.sleep(rng.uniform(0.1, 1.7))
                until = time.monotonic_ns()
                if phase == "sealing":
                    recorder.send_signal(signal.SIGINT)
                    time.sleep(rng.uniform(0, 0.4))
                encoders = children(recorder.pid)
                recorder.kill()
            recorder.wait()
            wait_for("the end of the encoder's process", lambda: gone(encoders))
            campaign.fault("kill" if phase == "recording" else "kill while sealing")
        finally:
            end(recorder)
            if script:
                stop(script)
        if (session / "log").exists():
            finalize(args, session)
        meta = verified(args, session)
        check(not holes(meta), f"holes: {holes(meta)}")
        rows = truth.rows(session)
        frames = [row["t_ns"] for row in rows if row["event_type"] == "frame"]
        check(frames, "no frame was recorded")
        check(all(a < b for a, b in zip(frames, frames[1:])), "frames are out of order")
        missing, age = compare(campaign, truth.injected(log), truth.recorded(rows), until)
        late = sum(loss.get("count") or 0 for loss in meta["lost"])
        if phase == "sealing":
            # What was asked to end has stored what came before, unless it was killed on the way.
            campaign.figure("input loss ms, killed while sealing", age)
        else:
            campaign.figure("input loss ms", age)
            campaign.figure("inputs lost", missing)
            campaign.figure("frame loss ms", max(0, until - frames[-1]) / 1e6)
            campaign.figure("frames lost", max(0, int((until - frames[-1]) / (1e9 / fps))))
            campaign.figure("frames dropped before the kill", late)
            if args.audio:
                campaign.figure("sound loss ms", (until - sound_end(session, meta)) / 1e6)
        check(age <= args.limit_ms, f"{missing} inputs are lost, the oldest was {age:.1f} ms old")

    campaign.runs(work)
    while not desks.empty():
        desks.get().close()
    loss, frames = campaign.figures.get("input loss ms", []), campaign.figures.get("frames lost", [])
    promised = PROMISED_FRAMES + (CHILDS_FRAMES if args.encoder else 0)
    over = sum(ms > PROMISED_MS for ms in loss), sum(n > promised for n in frames)
    lines = [f"{name}: {percentiles(values)}" for name, values in campaign.figures.items()]
    lines.append(f"over the promise: {over[0]} of {len(loss)} kills lost inputs older than {PROMISED_MS} ms, {over[1]} more than {promised} frame")
    sound = campaign.figures.get("sound loss ms", [])
    if sound:
        lines.append(f"{sum(ms > PROMISED_SOUND_MS for ms in sound)} of {len(sound)} lost more than {PROMISED_SOUND_MS} ms of sound")
    return campaign.report(*lines)


if __name__ == "__main__":
    sys.exit(main())
