"""AAC against its source: `make FOLDER` writes two clips, `check FOLDER` decodes what was made of them; prints JSON.

Each clip is 12 s of 48 kHz stereo in `NAME.f32`. `check` reads `NAME.mp4` with PyAV and with ffmpeg, and compares with what ffmpeg's own
encoder makes of the same clip at the same rate. Lag: where the decoded sound fits best. SNR: of all samples, without a lag.
"""

import json
import pathlib
import subprocess
import sys

import av
import numpy

RATE, SECONDS, KBPS = 48_000, 12, 128
CLIPS = ("music", "desktop")


def music():
    """Chords, a voice-like buzz with formants, drum hits."""
    random = numpy.random.default_rng(7)
    t = numpy.arange(RATE * SECONDS) / RATE
    left, right = numpy.zeros_like(t), numpy.zeros_like(t)
    for bar in range(SECONDS * 2):
        at, notes = bar * 0.5, 220 * 2 ** (random.integers(0, 24, 3) / 12)
        shape = numpy.where(t >= at, numpy.exp(-(t - at) * 4), 0) * (t < at + 1)
        for side, note in zip((0.3, 0.5, 0.7), notes):
            tone = sum(numpy.sin(2 * numpy.pi * note * k * t) / k for k in (1, 2, 3, 5)) * shape * 0.1
            left, right = left + tone * side, right + tone * (1 - side)
        hit = random.normal(size=t.size) * numpy.where(t >= at, numpy.exp(-(t - at) * 60), 0) * 0.25
        left, right = left + hit * 0.6, right + hit * 0.4
    pitch = 2 * numpy.pi * numpy.cumsum(110 + 15 * numpy.sin(2 * numpy.pi * 0.7 * t)) / RATE
    voice = sum(numpy.sin(k * pitch) * numpy.exp(-((k * 110 - 700) / 500) ** 2) for k in range(1, 30))
    voice *= 0.06 * (numpy.sin(2 * numpy.pi * 1.5 * t) > 0)
    return numpy.stack([left + voice, right + voice], 1)


def desktop():
    """Short tones and ticks, with silence between them."""
    random = numpy.random.default_rng(11)
    t = numpy.arange(RATE * SECONDS) / RATE
    out = numpy.zeros((t.size, 2))
    for number in range(SECONDS * 3):
        at, high = number / 3 + random.uniform(0, 0.1), random.uniform(300, 3000)
        shape = numpy.where(t >= at, numpy.exp(-(t - at) * random.uniform(10, 40)), 0)
        tone = numpy.sin(2 * numpy.pi * high * t) + 0.4 * numpy.sin(2 * numpy.pi * high * 1.5 * t)
        out += (tone * shape * 0.3)[:, None] * random.uniform(0.4, 1, 2)
        tick = (t >= at) & (t < at + 0.002)
        out[tick] += random.normal(size=(tick.sum(), 1)) * 0.2
    return out


def make(folder):
    for name in CLIPS:
        clip = globals()[name]()
        clip = (clip / numpy.abs(clip).max() * 0.9).astype("<f4")
        clip.tofile(folder / f"{name}.f32")


def decoded_by_pyav(path):
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        stream = container.streams.audio[0]
        times = [int(frame.pts * frame.time_base * RATE + 0.5) for frame in frames]
        return numpy.concatenate([frame.to_ndarray().T for frame in frames]), times, stream.codec_context.name


def decoded_by_ffmpeg(path):
    command = ["ffmpeg", "-v", "error", "-i", path, "-f", "f32le", "-c:a", "pcm_f32le", "-"]
    out = subprocess.run(command, capture_output=True, check=True)
    assert not out.stderr, out.stderr
    return numpy.frombuffer(out.stdout, "<f4").reshape(-1, 2)


def lag(source, decoded):
    """By how many samples the decoded sound is late."""
    count, span = min(len(source), len(decoded)), 3000
    product = numpy.fft.irfft(numpy.conj(numpy.fft.rfft(source[:count, 0], 2 * count)) * numpy.fft.rfft(decoded[:count, 0], 2 * count))
    return int(numpy.argmax(numpy.concatenate([product[-span:], product[:span]]))) - span


def snr(source, decoded):
    count = min(len(source), len(decoded))
    source, decoded = source[:count].astype(float), decoded[:count].astype(float)
    return float(10 * numpy.log10((source**2).sum() / ((source - decoded) ** 2).sum()))


def check(folder):
    said = {}
    for name in CLIPS:
        source = numpy.fromfile(folder / f"{name}.f32", "<f4").reshape(-1, 2)
        (pyav, times, codec), ffmpeg = decoded_by_pyav(folder / f"{name}.mp4"), decoded_by_ffmpeg(folder / f"{name}.mp4")
        other = folder / f"{name}.other.m4a"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "f32le", "-ar", str(RATE), "-ac", "2", "-i", folder / f"{name}.f32",
                        "-c:a", "aac", "-b:a", f"{KBPS}k", other], check=True)
        said[name] = {
            "codec": codec, "samples": len(source), "pyav_samples": len(pyav), "ffmpeg_samples": len(ffmpeg), "first_pts": times[0],
            "last_pts": times[-1], "lag_pyav": lag(source, pyav), "lag_ffmpeg": lag(source, ffmpeg), "snr": snr(source, ffmpeg),
            "snr_ffmpeg": snr(source, decoded_by_ffmpeg(other)),
            "kbps": (folder / f"{name}.mp4").stat().st_size * 8 / 1000 / SECONDS, "kbps_ffmpeg": other.stat().st_size * 8 / 1000 / SECONDS,
        }
    print(json.dumps(said))


{"make": make, "check": check}[sys.argv[1]](pathlib.Path(sys.argv[2]))
