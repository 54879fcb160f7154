#!/usr/bin/env python3
"""Full disks: recordings on a tmpfs of each size from very small on, 12 KiB apart (takes root, for mounting).

In half of the runs the recording itself fills the disk; in the others another program takes all that is left at a random moment. Either
the recording refuses to begin, says how much is needed and leaves nothing behind; or it ends with `disk_full`, seals itself within
the space there is, verifies, and every frame is stored or counted.
"""
import os, subprocess, sys, time

from common import *
from syscalls import accounted


def fill(disk):
    """Takes all that is left at once, as another program might."""
    reserve, began = disk / "s/log/reserve", (disk / "s/log/reserve").exists()
    with open(disk / "other", "wb") as file:
        for _ in range(20):
            if began and not reserve.exists():
                return  # What was kept for sealing is given back for it, and is not this program's to take.
            room = os.statvfs(disk)
            if not room.f_bavail:
                return
            try:
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, room.f_bavail * room.f_frsize)
            except OSError:
                pass  # The recorder took some of it meanwhile.


def main():
    args = arguments(__doc__, 220)
    if os.geteuid() != 0:
        print("enospc: SKIPPED: mounting a file system takes root", file=sys.stderr)
        return 77
    campaign = Campaign("enospc", args)

    def work(number, rng, folder):
        size = (2200 << 10) + number * (12 << 10)
        disk = folder / "disk"
        disk.mkdir()
        code, _, err = run(["mount", "-t", "tmpfs", "-o", f"size={size}", "watchcap-chaos", disk])
        check(code == 0, f"mount: {err}")
        try:
            full(number % 2 == 1, rng, folder, disk)
        finally:
            run(["umount", "-l", disk])

    def full(other, rng, folder, disk):
        # Moving pictures at a high rate for their size: the disk is full within seconds.
        kbps = rng.choice([500, 1000, 2000])
        command = [args.binary, "record", "--source", "synthetic", "--size", "320x240", "--fps", "60", "--bitrate-kbps", kbps, "--session", "s", "--json",
                   "--duration", "60s", "--out", disk]
        with open(folder / "out", "w") as out, open(folder / "err", "w") as err:
            child = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment())
        try:
            if other:
                time.sleep(rng.uniform(0.2, 1.5))
                fill(disk)
            child.wait(90)
        except subprocess.TimeoutExpired:
            raise Broken("it did not end on a full disk") from None
        finally:
            end(child)
        out, err = (folder / "out").read_text(), (folder / "err").read_text()
        if "recording" not in events(out):
            check(child.returncode == 1 and "hint:" in err, f"it did not begin, and ended with {child.returncode}: {err}")
            left = [entry.name for entry in disk.iterdir() if entry.name != "other"]
            check(not left, f"it did not begin and left {left} behind")
            campaign.fault("disk too small to begin")
            return
        campaign.fault("disk filled by another program" if other else "disk filled by the recording")
        check(child.returncode == 3, f"it ended with {child.returncode}: {err}")
        check(not (disk / "s/log").exists(), "it is not sealed: the log is still there")
        meta = verified(args, disk / "s")
        check(meta["end_reason"] == "disk_full", f"it ended with {meta['end_reason']}")
        check(other or not meta["recovered"], f"the log was not closed in good order: {meta['recovery']}")
        check(not holes(meta), f"holes: {holes(meta)}")
        accounted(out, meta)
        campaign.figure("frames stored", meta["frames"])

    campaign.runs(work)
    return campaign.report(*(f"{name}: {percentiles(values)}" for name, values in campaign.figures.items()))


if __name__ == "__main__":
    sys.exit(main())
