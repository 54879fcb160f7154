#!/usr/bin/env python3
"""A recorder that gets no time: stopped (SIGSTOP) and let go on again and again, or on one core with programs that never rest.

A real X server, a moving picture, inputs injected through XTEST. Whatever the stalls: every input is recorded, in order, once; every
frame that was due is stored or counted as dropped; what was stopped for long is a gap; memory stays bounded. In a third of the
runs the stopped recorder is killed: what was acknowledged before it was stopped is there.
"""
import os, pathlib, signal, subprocess, sys, time

from common import *
from kill import compare
from syscalls import accounted
import truth

# Resident memory at this size of picture is about 60 MB; the queues may add 8 pictures of 0.35 MB and 65,536 inputs of 100 bytes.
MEMORY_MB = 150
SPIN = "while True: pass"


def peak_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0


def main():
    args = arguments(__doc__, 90)
    campaign = Campaign("stalls", args)
    desks = queue.Queue()
    for _ in range(args.workers):
        desks.put(Desk(args))

    def work(number, rng, folder):
        desk = desks.get()
        try:
            stalled(["stop", "starve", "stop, kill"][number % 3], rng, folder, desk)
        finally:
            desks.put(desk)

    def stalled(kind, rng, folder, desk):
        session, log = folder / "s", folder / "truth.jsonl"
        recorder = record(args, folder, ["--fps", rng.choice([30, 60]), "--bitrate-kbps", "2000"], desk.name)
        hogs, script, stopped = [], None, 0.0
        try:
            recording(folder, recorder)
            if kind == "starve":
                core = rng.randrange(os.cpu_count() or 1)
                run(["taskset", "-a", "-p", "-c", core, recorder.pid])
                for _ in range(rng.randint(2, 6)):
                    hogs.append(subprocess.Popen(["taskset", "-c", str(core), sys.executable, "-c", SPIN]))
            script = desk.script(rng.randrange(1 << 30), log, 60, rng.choice([None, "relative", "keys,taps"]))
            wait_for("the input script", log.exists)
            until = None
            if kind == "starve":
                time.sleep(rng.uniform(1.5, 3))
                campaign.fault("CPU starvation")
            else:
                for turn in range(rng.randint(1, 3)):
                    time.sleep(rng.uniform(0.2, 0.6))
                    until = time.monotonic_ns()
                    recorder.send_signal(signal.SIGSTOP)
                    pause = rng.uniform(0.05, 2)
                    time.sleep(pause)
                    campaign.fault("SIGSTOP")
                    if kind == "stop":
                        recorder.send_signal(signal.SIGCONT)
                        stopped = max(stopped, pause)
                    else:
                        break
                time.sleep(0.3)
            memory = peak_mb(recorder.pid)
            if kind == "stop, kill":
                recorder.kill()
                campaign.fault("kill of a stopped recorder")
            else:
                # All of the truth before the end: what was injected is with the recorder before it is asked to end.
                stop(script)
                time.sleep(0.5)
                recorder.send_signal(signal.SIGINT)
            try:
                recorder.wait(60)
            except subprocess.TimeoutExpired:
                raise Broken("it did not end") from None
        finally:
            end(recorder)
            if script:
                stop(script)
            for hog in hogs:
                end(hog)
        if (session / "log").exists():
            check(kind == "stop, kill", f"it was not sealed: {(folder / 'err').read_text()}")
            finalize(args, session)
        meta = verified(args, session)
        check(not holes(meta), f"holes: {holes(meta)}")
        expected, found = truth.injected(log), truth.recorded(truth.rows(session))
        campaign.figure(f"peak memory MB ({kind})", memory)
        check(memory < MEMORY_MB, f"{memory:.0f} MB were resident")
        if kind == "stop, kill":
            missing, age = compare(campaign, expected, found, until)
            campaign.figure("input loss ms, killed while stopped", age)
            return
        missing, _ = compare(campaign, expected, found, time.monotonic_ns())
        check(missing == 0, f"{missing} of {len(expected)} inputs are lost")
        accounted((folder / "out").read_text(), meta)
        dropped = sum(loss["count"] or 0 for loss in meta["lost"] if loss["stream"] == "screen")
        check(dropped == meta["dropped_frames"], f"{meta['dropped_frames']} frames were dropped, the gaps say {dropped}: {meta['lost']}")
        if stopped > 0.3:
            check(dropped > 0, f"stopped for {stopped:.2f} s, and no gap says so")
        campaign.figure(f"frames dropped ({kind})", dropped)

    campaign.runs(work)
    while not desks.empty():
        desks.get().close()
    return campaign.report(*(f"{name}: {percentiles(values)}" for name, values in campaign.figures.items()))


if __name__ == "__main__":
    sys.exit(main())
