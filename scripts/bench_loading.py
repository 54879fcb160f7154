#!/usr/bin/env python3
"""How fast sessions load: single frames at random by distance of keyframes, and clips through loaders with two workers.

Records the synthetic desktop, then reads it with what is installed of PyAV, grain, torch and torchcodec. Run it with the interpreter that has
them: `.venv/bin/python` (PyAV, grain), `.venv-torch/bin/python` (PyAV, torch, torchcodec).

    scripts/bench_loading.py [--binary target/release/watchcap] [--seconds 10] [--fps 60] [--size 1280x720]
"""
import argparse, importlib.util, os, pathlib, random, subprocess, sys, tempfile, time

import av
import pyarrow.compute as pc
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE / "examples"))
GOPS = [0.25, 0.5, 1.0, 2.0, 5.0]
CLIP, BATCH = 8, 4


def there(*names):
    return all(importlib.util.find_spec(name) for name in names)


def record(args, folder, gop):
    name = f"gop{gop}"
    done = subprocess.run([args.binary, "record", "--source", "synthetic", "--size", args.size, "--fps", str(args.fps), "--gop", str(gop),
                           "--duration", f"{args.seconds}s", "--session", name, "--out", folder], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, env=dict(os.environ, XDG_CONFIG_HOME="/nonexistent"))
    # 3: a busy machine dropped frames, which are fewer then.
    if done.returncode not in (0, 3):
        sys.exit(f"recording failed with {done.returncode}")
    return folder / name


def pts_of(session):
    rows = pq.read_table(session / "events.parquet", columns=["event_type", "pts"])
    return rows.filter(pc.equal(rows["event_type"], "frame"))["pts"].to_pylist()


def rate(count, read):
    begun, cpu = time.monotonic(), time.process_time()
    for i in count:
        read(i)
    took = time.monotonic() - begun
    return f"{len(count) / took:.0f}/s ({1e3 * (time.process_time() - cpu) / len(count):.1f} ms CPU)"


def by_pyav(session):
    pts, video = pts_of(session), av.open(str(session / "frames.mp4"))
    stream = video.streams.video[0]
    stream.thread_type = "NONE"

    def read(i):
        video.seek(pts[i], stream=stream)
        for picture in video.decode(stream):
            if picture.pts >= pts[i]:
                return picture.to_ndarray(format="rgb24")
    return read


def by_torchcodec(session):
    from torchcodec.decoders import VideoDecoder
    decoder = VideoDecoder(str(session / "frames.mp4"), seek_mode="exact", num_ffmpeg_threads=1)
    return lambda i: decoder.get_frame_at(i).data


def at_random(args, folder):
    readers = [("PyAV", by_pyav)] + ([("torchcodec", by_torchcodec)] if there("torchcodec") else [])
    print(f"single frames at random, {args.size} at {args.fps} fps, as RGB:")
    for gop in GOPS:
        session = record(args, folder, gop)
        frames = len(pts_of(session))
        order = random.Random(7).choices(range(frames), k=200)
        done = ", ".join(f"{name} {rate(order, make(session))}" for name, make in readers)
        print(f"  keyframe every {gop} s ({frames} frames): {done}", flush=True)


def through_loaders(folder):
    session = folder / "gop0.5"
    print(f"clips of {CLIP} frames, shuffled, batches of {BATCH}, two workers (time from the second batch on):")

    def time_it(name, batches):
        begun, count, cpu = None, 0, sum(os.times()[:4])
        for batch in batches:
            if begun is None:
                begun = time.monotonic()
            else:
                count += BATCH
        took = time.monotonic() - begun
        del batches
        # Workers that have ended count; so does what they spent to start.
        cpu = sum(os.times()[:4]) - cpu
        print(f"  {name}: {count / took:.1f} clips/s, {count * CLIP / took:.0f} frames/s; {cpu:.1f} s CPU for {count + BATCH} clips", flush=True)

    if there("grain", "jax"):
        import absl.flags, jax_grain
        absl.flags.FLAGS.mark_as_parsed()
        time_it("grain, PyAV", jax_grain.loader([session], CLIP, BATCH, 2))
    if there("torch"):
        import pytorch_loader
        for decoder in ["pyav"] + (["torchcodec"] if there("torchcodec") else []):
            time_it(f"torch DataLoader, {decoder}", pytorch_loader.loader([session], decoder, CLIP, BATCH, 2))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, default=HERE / "target/release/watchcap")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--fps", type=int, default=60)
    parser.add_argument("--size", default="1280x720")
    args = parser.parse_args()
    if not args.binary.exists():
        sys.exit(f"{args.binary} is missing: cargo build --release")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        at_random(args, folder)
        through_loaders(folder)


if __name__ == "__main__":
    main()
