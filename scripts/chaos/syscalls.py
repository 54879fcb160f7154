#!/usr/bin/env python3
"""Faults at every system call that writes: of a short recording, and of finalizing its log.

The calls on files of the recording are counted first; then, one run for each of them, a fault happens at the Nth:

  kill    SIGKILL before the call         tear   SIGKILL when half of the bytes are written
  error   the call fails with EIO         short  the call writes half of what it was asked to, and recording goes on
  sync    fdatasync, fsync, fallocate or a write of the facts fails with EIO; what is done after it is traced
  finalize-kill, finalize-tear            the same while a log is finalized

A library loaded before libc (faults.c) does this, counting over all threads; for `sync`, strace does, which counts in each thread for itself
and also sees what the library cannot.

After each, what was acknowledged must be there: the log finalizes and verifies without a hole; finalizing it again gives the same
bytes; after an error every frame is accounted for; and a sync that failed is never made again. `--step 10` takes every tenth of each kind.
"""
import re, shutil, sys

from common import *

CALLS = ["fdatasync", "fsync", "sync_file_range", "fallocate", "unlink", "unlinkat", "pwrite64"]
KINDS = ["kill", "tear", "error", "short", "sync", "finalize-kill", "finalize-tear"]
SYNCS = ("fdatasync", "fsync")
# What the program does in open folders: seen in a build with `--features faults` only.
FOLDER_CALLS = ["openat", "mkdirat", "renameat", "unlinkat"]
LINE = re.compile(r"^(\d+) +(\w+)\((.*)$")
QUOTED, OPENED = re.compile(r'"((?:[^"\\]|\\.)*)"'), re.compile(r"^\d+<([^>]*)>")


def strace(trace, inject=None, path=None):
    command = ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-o", trace, "-e", "trace=" + ",".join(CALLS), "-e", "signal=none"]
    # Only what is on this file is counted and hit; the end of the reserve, which is where sealing begins, is traced as well.
    # By its path, and by its name in a folder that is open.
    paths = ["-P", path, "-P", path.parent.parent / "reserve" if path.parent.name == "events" else path.parent / "reserve", "-P", "reserve"] if path else []
    return command + paths + (["-e", "inject=" + inject] if inject else [])


def calls(trace, folder):
    """(thread, call, file) in order, of the calls on files below `folder`; the file relative to it."""
    for line in trace.read_text(errors="replace").splitlines():
        match = LINE.match(line)
        if not match:
            continue
        thread, call, rest = match.groups()
        opened = OPENED.match(rest)
        named = next(iter(QUOTED.findall(rest)), "")
        path = opened.group(1) if opened else named
        if call == "unlinkat" and opened:  # a name in a folder that is open
            path = named if named.startswith("/") else f"{path}/{named}"
        path = path.removesuffix(" (deleted)")
        if path == str(folder) or path.startswith(f"{folder}/"):
            yield thread, call, path[len(str(folder)) + 1:], line


def points(trace, folder):
    """Every (call, file, N) that can fail: N up to the most that one thread made."""
    counts = {}
    for thread, call, path, _ in calls(trace, folder):
        if call in (*SYNCS, "fallocate") or (call, path) == ("pwrite64", "s/log/facts"):
            counts[call, path, thread] = counts.get((call, path, thread), 0) + 1
    most = {}
    for (call, path, _), count in counts.items():
        most[call, path] = max(most.get((call, path), 0), count)
    return [(call, path, n) for (call, path), count in sorted(most.items()) for n in range(1, count + 1)]


def accounted(out, meta):
    """Each frame that was due is stored or counted as dropped."""
    said = events(out).get("recorded")
    check(said, f"the recorder said nothing of its end: {out}")
    check(meta["frames"] + meta["dropped_frames"] == said["frames_due"],
          f"{meta['frames']} frames and {meta['dropped_frames']} dropped of {said['frames_due']} due; lost: {meta['lost']}")
    # Frames that were not acknowledged can still be found in the video.
    fits = meta["frames"] >= said["frames"] if meta["recovered"] else meta["frames"] == said["frames"]
    check(fits, f"the session has {meta['frames']} frames, the recorder said {said['frames']}")


def synced_again(trace, folder):
    """A file of the log that was synced after a sync of it failed, before sealing began."""
    failed = set()
    for _, call, path, line in calls(trace, folder):
        if path == "s/log/reserve" and call.startswith("unlink"):
            return None
        if call in SYNCS and path.startswith("s/log/"):
            if path in failed:
                return path
            if "EIO" in line:
                failed.add(path)
    return None


def main():
    args = arguments(__doc__, 0, step={"type": int, "default": 1, "help": "only every Nth point of each kind, one at least"},
                     file={"help": "only `sync` points on this file, as in s/log/facts"},
                     without_folders={"action": "store_true", "help": "of a build whose calls in open folders are not seen"},
                     what={"nargs": "*", "default": KINDS, "choices": KINDS})
    campaign = Campaign("syscalls", args)
    base, library = campaign.folder / "base", campaign.folder / "faults.so"
    code, _, err = run(["cc", "-O1", "-shared", "-fPIC", "-o", library, ROOT / "scripts/chaos/faults.c", "-ldl"])
    check(code == 0, f"cc: {err}")

    def recorder(folder):
        return [args.binary, "record", "--source", "synthetic", "--size", "160x120", "--fps", "60", "--duration", "0.8s", "--session", "s", "--json",
                *media(args), "--out", folder]

    def faulty(command, folder, fault, n=0):
        env = environment(LD_PRELOAD=str(library), FAULT=fault, FAULT_AT=str(n), FAULT_BELOW=f"{folder}/s", FAULT_NOTE=str(folder / "note"))
        return run(command, env=env)

    def happened(folder):
        return (folder / "note").exists()

    def count(folder, command):
        """The calls there are to hit, over all threads, in their order."""
        code, _, err = faulty(command, folder, "count")
        check(code in (0, 3), f"{command[1]} ended with {code}: {err}")
        return (folder / "note").read_text().split()

    # What there is to hit.
    for name in ("recorded", "traced", "finalized"):
        (base / name).mkdir(parents=True)
    recording = count(base / "recorded", recorder(base / "recorded"))
    trace = base / "traced/trace"
    code, _, err = run(strace(trace) + recorder(base / "traced"))
    check(code in (0, 3), f"recording ended with {code}: {err}")
    check(not any(call == "sync_file_range" for _, call, _, _ in calls(trace, base / "traced")), "a commit waits for the disk (sync_file_range)")
    code, _, err = run(recorder(base / "finalized") + ["--no-finalize"])
    check(code in (0, 3), f"recording ended with {code}: {err}")
    log = base / "log"
    shutil.copytree(base / "finalized/s", log)
    finalizing = count(base / "finalized", [args.binary, "finalize", base / "finalized/s"])
    missing = [call for call in FOLDER_CALLS if not any(name.startswith(call) for name in recording + finalizing)]
    check(not missing or args.without_folders, f"none of {missing} is seen: build the program with `--features faults`")
    of_recording, of_finalizing = len(recording), len(finalizing)
    whole = fingerprint(base / "finalized/s")

    todo = []
    for kind in args.what:
        if kind == "sync":
            of_kind = [(kind, *point) for point in points(trace, base / "traced")]
        else:
            of_kind = [(kind, "", "", n) for n in range(1, 1 + (of_finalizing if "finalize" in kind else of_recording))]
        of_kind = [point for point in of_kind if not args.file or point[2] == args.file]
        # The first one depends on the seed, and never lies behind the last: how many calls there are differs from run to run, and
        # a sample over all kinds together would leave out a kind of few points in some of them.
        first = min(args.seed % args.step, max(len(of_kind) - 1, 0))
        todo += of_kind[first::args.step]

    def work(number, rng, folder):
        kind, call, path, n = todo[number]
        try:
            {"kill": kill, "tear": kill, "error": error, "short": short, "sync": sync}.get(kind, refinalize)(folder, kind, call, path, n)
        except Broken as broken:
            raise Broken(f"{kind} at {n}{f' of {call} of {path}' if path else ''}: {broken}") from None

    def kill(folder, kind, _call, _path, n):
        code, out, err = faulty(recorder(folder), folder, kind, n)
        if not happened(folder):
            return  # This time there were fewer.
        check(code == -9, f"it ended with {code}: {err}")
        campaign.fault(kind)
        session = folder / "s"
        sealed = (session / "integrity.sha256").exists()
        if not (session / "log").exists():
            check(sealed or not session.exists() or not any(session.iterdir()), "a session without a log is left behind")
            if sealed:
                accounted(out, verified(args, session))
            return
        facts = session / "log/facts"
        if not sealed and not (facts.exists() and facts.stat().st_size):
            return  # Killed before the first record: nothing was recorded.
        shutil.copytree(session, folder / "again")
        finalize(args, session)
        finalize(args, folder / "again")
        meta = verified(args, session)
        check(fingerprint(session) == fingerprint(folder / "again"), "the same log gave another session")
        check(not holes(meta), f"holes: {holes(meta)}")
        if "recorded" in events(out):
            accounted(out, meta)

    def error(folder, kind, _call, _path, n):
        code, out, err = faulty(recorder(folder), folder, kind, n)
        if happened(folder):
            campaign.fault("error")
            failed(folder, code, out, err)

    def sync(folder, kind, call, path, n):
        code, out, err = run(strace(folder / "trace", f"{call}:error=EIO:when={n}", folder / path) + recorder(folder))
        if "(INJECTED)" not in (folder / "trace").read_text(errors="replace"):
            return
        campaign.fault("sync error")
        again = synced_again(folder / "trace", folder)
        check(not again, f"{again} was synced again after a sync that failed")
        failed(folder, code, out, err)

    def failed(folder, code, out, err):
        check(code in (0, 1, 3), f"it ended with {code}: {err}")
        check("panicked" not in err, f"it panicked: {err}")
        session = folder / "s"
        if "recording" not in events(out):
            check(code == 1 and "error:" in err, f"it did not begin, and ended with {code}: {err}")
            return
        if not (session / "integrity.sha256").exists():
            check(code == 1, f"not sealed, and it ended with {code}")
            finalize(args, session)
        meta = verified(args, session)
        check(not holes(meta), f"holes: {holes(meta)}")
        accounted(out, meta)

    def short(folder, kind, _call, _path, n):
        code, out, err = faulty(recorder(folder), folder, kind, n)
        if not happened(folder):
            return
        campaign.fault("short write")
        check(code in (0, 3), f"it ended with {code}: {err}")
        meta = verified(args, folder / "s")
        check(meta["end_reason"] == "duration" and not meta["recovered"], f"it ended with {meta['end_reason']}, {meta['recovery']}")
        accounted(out, meta)

    def refinalize(folder, kind, _call, _path, n):
        shutil.copytree(log, folder / "s")
        code, _, err = faulty([args.binary, "finalize", folder / "s"], folder, kind.removeprefix("finalize-"), n)
        if not happened(folder):
            return
        check(code == -9, f"it ended with {code}: {err}")
        campaign.fault(kind)
        if (folder / "s/log").exists():
            finalize(args, folder / "s")
        verified(args, folder / "s")
        check(fingerprint(folder / "s") == whole, "finalizing again gave another session")

    campaign.runs(work, range(len(todo)))
    def told(calls):
        return ", ".join(f"{calls.count(call)} {call}" for call in sorted(set(calls)))
    campaign.calls = {call: (recording + finalizing).count(call) for call in sorted(set(recording + finalizing))}
    return campaign.report(f"{len(todo)} points: {of_recording} calls of recording, {of_finalizing} of finalizing",
                           f"recording: {told(recording)}", f"finalizing: {told(finalizing)}")


if __name__ == "__main__":
    sys.exit(main())
