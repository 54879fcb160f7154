"""Hears the clicks in what `watchcap export --sound` made, with the readers of each format, and prints when each was on the clock of the session; as JSON.

usage: sound_exports.py video|webdataset|lerobot|foxglove SESSION_DIR FILE [TABLE]
"""

import io
import json
import pathlib
import sys

import av
import numpy as np
import pyarrow.parquet as pq

form, session, path = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
metadata = json.loads((session / "metadata.json").read_text())


def begins(times, levels, rate):
    """Where clicks begin: the first loud sample after 50 ms of quiet."""
    loud = np.flatnonzero(levels > 0.3)
    return [float(times[at]) for at in loud[np.diff(loud, prepend=-rate) > rate // 20]]


def level(frame):
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    found = np.abs(samples[0].astype(np.float64))
    return found / 32768 if samples.dtype.kind == "i" else found


def in_video(file):
    """Clicks of each track of sound in a video, seconds of the video's own time; and how many pictures it has."""
    tracks = []
    with av.open(file) as container:
        count, codecs = len(container.streams.audio), [stream.codec_context.name for stream in container.streams.audio]
    for number in range(count):
        if hasattr(file, "seek"):
            file.seek(0)
        with av.open(file) as container:
            times, levels = [], []
            for frame in container.decode(audio=number):
                found = level(frame)
                times.append(float(frame.pts * frame.time_base) + np.arange(len(found)) / frame.sample_rate)
                levels.append(found)
            tracks.append(begins(np.concatenate(times), np.concatenate(levels), 48000))
    if hasattr(file, "seek"):
        file.seek(0)
    with av.open(file) as container:
        pictures = sum(1 for _ in container.decode(video=0))
    return tracks, pictures, codecs


codecs, pictures = [], 0
if form == "video":
    table = pq.read_table(sys.argv[4])
    starts = table["t_ns"].to_pylist()
    fps = 30
    found, pictures, codecs = in_video(path)
    assert pictures == len(starts), (pictures, len(starts))
    # What is heard in the time of a picture was heard when that was shown.
    at = lambda seconds: starts[int(seconds * fps + 1e-6)] + round((seconds * fps + 1e-6) % 1 / fps * 1e9)
    tracks = [[at(click) for click in track] for track in found]
elif form == "lerobot":
    events = pq.read_table(session / "events.parquet").to_pylist()
    first = next(row["t_ns"] for row in events if row["event_type"] == "frame")
    info = json.loads((pathlib.Path(path).parents[3] / "meta/info.json").read_text())
    said = info["features"]["observation.images.screen"]["info"]
    assert said["has_audio"] is True and said["audio.channels"] == 2 and said["audio.sample_rate"] == 48000, said
    found, pictures, codecs = in_video(path)
    assert said["audio.codec"] == codecs[0], said
    tracks = [[first + round(click * 1e9) for click in track] for track in found]
elif form == "webdataset":
    import webdataset

    tracks = [[], []]
    for sample in webdataset.WebDataset(path, shardshuffle=False):
        told = json.loads(sample["json"])
        found, some, codecs = in_video(io.BytesIO(sample["mp4"]))
        assert some == told["frames"]
        pictures += some
        for all_of_it, track in zip(tracks, found):
            all_of_it += [told["t_ns"] + round(click * 1e9) for click in track]
else:
    from foxglove_schemas_protobuf.CompressedAudio_pb2 import CompressedAudio
    from foxglove_schemas_protobuf.RawAudio_pb2 import RawAudio
    from mcap.reader import make_reader
    from mcap_protobuf.decoder import DecoderFactory
    from mcap_protobuf.schema import build_file_descriptor_set

    anchor = metadata["clock"]["anchors"][0]
    zero = anchor["realtime_ns"] - anchor["monotonic_ns"]
    tracks = []
    for topic in ["sound/system", "sound/mic"]:
        times, levels, decoder, last = [], [], av.CodecContext.create("aac", "r"), 0
        with open(path, "rb") as file:
            reader = make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
            for schema, channel, message, sound in reader.iter_decoded_messages(topics=[topic]):
                kind = {"foxglove.CompressedAudio": CompressedAudio, "foxglove.RawAudio": RawAudio}[schema.name]
                assert schema.data == build_file_descriptor_set(kind).SerializeToString(), "it is not Foxglove's schema"
                time = sound.timestamp.seconds * 10**9 + sound.timestamp.nanos
                assert time == message.log_time and time > last
                last = time
                if sound.format == "pcm-s16":
                    samples = np.frombuffer(sound.data, "<i2").reshape(-1, sound.number_of_channels)
                    assert sound.sample_rate == 48000
                    found, codecs = np.abs(samples[:, 0].astype(np.float64)) / 32768, ["pcm"]
                else:
                    assert sound.format == "mp4a.40.2"
                    (frame,) = decoder.decode(av.Packet(sound.data))
                    found, codecs = level(frame), ["aac"]
                times.append((time - zero) + np.arange(len(found)) * 1e9 / 48000)
                levels.append(found)
        tracks.append([round(click) for click in begins(np.concatenate(times), np.concatenate(levels), 48000)])
print(json.dumps({"tracks": tracks, "pictures": pictures, "codecs": codecs}))
