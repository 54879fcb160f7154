"""Makes recordings as other programs leave them: the same layout, with less in it.

    foreign.py FOLDER NAME

NAME is one of the functions below.
"""

import json
import struct
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

T0 = 5_000_000_000
FRAMES, STEP = 40, 25_000_000


def video(folder, *, frames=FRAMES, rate=40, extra=(), codec=("libx264", "-bf", "0"), name="frames.mp4", size="160x120"):
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}", "-frames:v", str(frames)]
    command += ["-pix_fmt", "yuv420p", "-c:v", *codec, "-g", "10", *extra, str(folder / name)]
    subprocess.run(command, check=True)


def rows(*, frames=FRAMES):
    """Frames every 25 ms, and between them what a hand does. As dictionaries with what was recorded."""
    out = []
    for n in range(frames):
        t = T0 + n * STEP + (n % 3) * 1_000
        out.append({"t_ns": t, "event_type": "frame", "frame_ref": n, "metadata": {"bytes": "1", "note": "ü"}})
        for k in range(3):
            x, y = (n * 3 + k) / 200, 1.5 - n / 50
            move = {"t_ns": t + 2_000_000 * (k + 1), "event_type": "mouse_move", "mouse_x": x, "mouse_y": y, "frame_ref": n}
            out.append({**move, "metadata": {"dx": str(k - 1), "dy": "0.5"}})
        down = n % 2 == 0
        out.append({"t_ns": t + 8_000_000, "event_type": "key_down" if down else "key_up", "key_code": 26, "frame_ref": n})
        if n % 5 == 0:
            click = {"t_ns": t + 9_000_000, "event_type": "mouse_click", "mouse_button": "left", "frame_ref": n}
            out.append({**click, "metadata": {"pressed": str(int(n % 10 == 0))}})
        if n % 8 == 0:
            out.append({"t_ns": t + 9_500_000, "event_type": "wheel", "delta": -1.0, "frame_ref": n})
    for row in out:
        row.setdefault("metadata", {})
    return out


SCHEMA = pa.schema(
    [
        ("t_ns", pa.int64()),
        ("event_type", pa.string()),
        ("key_code", pa.int32()),
        ("mouse_x", pa.float32()),
        ("mouse_y", pa.float32()),
        ("mouse_button", pa.string()),
        ("delta", pa.float32()),
        ("frame_ref", pa.int64()),
        ("window_id", pa.string()),
        ("session_id", pa.string()),
        ("metadata", pa.map_(pa.string(), pa.string())),
    ]
)
SESSION = "7d9f1c52-8c1b-4a45-9d0e-2a53f3c0b1aa"


def table(folder, data, *, schema=SCHEMA, **options):
    options = {"compression": "snappy", **options}
    columns = {field.name: [value(row, field) for row in data] for field in schema}
    pq.write_table(pa.table(columns, schema=schema), folder / "events.parquet", **options)


def value(row, field):
    if field.name == "metadata":
        words = row["metadata"]
        return list(words.items()) if pa.types.is_map(field.type) else json.dumps(words)
    return row.get(field.name, SESSION if field.name == "session_id" else None)


def metadata(folder, **more):
    said = {"format_version": "1.0.0", "session_id": SESSION, "captured_at": "2024-05-06T07:08:09+02:00", "game": "chess"}
    claims = {"clock_drift_ppm": 0.0, "privacy": {"chat_redacted": True}, "consent": {"record_screen": True}, "fps": 40}
    (folder / "metadata.json").write_text(json.dumps({**said, **claims, **more}))


def usual(folder):
    """Twelve columns less the hash, Snappy, no seal, claims that nobody can check."""
    video(folder)
    table(folder, rows(), row_group_size=97)
    metadata(folder)


def spare(folder):
    """The least: few columns of other types, words as JSON text, another timescale, edit list, no metadata.json."""
    video(folder, rate="30000/1001", extra=("-video_track_timescale", "90000", "-output_ts_offset", "1.5"))
    fields = [("frame_ref", pa.float64()), ("event_type", pa.dictionary(pa.int32(), pa.string())), ("t_ns", pa.uint64())]
    fields += [("key_code", pa.int64()), ("mouse_x", pa.float64()), ("metadata", pa.large_string()), ("cpu", pa.float64())]
    fields += [("tags", pa.list_(pa.string()))]
    data = [{**row, "cpu": 0.25, "tags": ["a"]} for row in rows()]
    data[4]["frame_ref"] = 0
    table(folder, data, schema=pa.schema(fields))


def in_a_bad_order(folder):
    """Rows of another thread arrive late, frame references are off by one, repeats are flagged."""
    video(folder)
    data = rows()
    for row in data:
        if row["event_type"] == "key_down":
            row["metadata"] = {"repeat": "true" if row["frame_ref"] % 4 == 0 else "false"}
        if row["event_type"] == "wheel":
            row["frame_ref"] = max(0, row["frame_ref"] - 1)
    moves = [row for row in data if row["event_type"] == "mouse_move"]
    data = [row for row in data if row["event_type"] != "mouse_move"] + moves
    table(folder, data, row_group_size=50)
    metadata(folder, dropped_frames=3)


def tiny(folder):
    """A seed for the fuzzer."""
    video(folder, frames=4, size="32x32", extra=("-bitexact", "-x264-params", "ref=1"))
    table(folder, rows(frames=4), row_group_size=16)


def input_alone(folder):
    table(folder, [row for row in rows() if row["event_type"] != "frame"])


def no_times(folder):
    video(folder)
    table(folder, rows(), schema=pa.schema([field for field in SCHEMA if field.name != "t_ns"]))


def a_missing_time(folder):
    video(folder)
    data = rows()
    data[7]["t_ns"] = None
    table(folder, data)


def beyond_the_video(folder):
    video(folder)
    data = rows()
    data[-1]["frame_ref"] = 4000
    table(folder, data)


def b_frames(folder):
    video(folder, codec=("libx264", "-bf", "2"))
    table(folder, rows())


def another_codec(folder):
    video(folder, codec=("mpeg4",))
    table(folder, rows())


def in_fragments(folder):
    video(folder, extra=("-movflags", "frag_keyframe+empty_moov"))
    table(folder, rows())


def too_many_frames(folder):
    video(folder, frames=FRAMES + 2)
    table(folder, rows())


def no_frame_rows(folder):
    video(folder)
    table(folder, [row for row in rows() if row["event_type"] != "frame"])


def numbered_from_1(folder):
    video(folder)
    table(folder, [{**row, "frame_ref": row["frame_ref"] + 1} for row in rows()])


def two_sessions(folder):
    video(folder)
    data = rows()
    data[20]["session_id"] = "another"
    table(folder, data)


def buttons_as_numbers(folder):
    video(folder)
    fields = [pa.field("mouse_button", pa.int64()) if field.name == "mouse_button" else field for field in SCHEMA]
    table(folder, [{**row, "mouse_button": 1} for row in rows()], schema=pa.schema(fields))


def frames_at_one_time(folder):
    video(folder)
    data = rows()
    frames = [row for row in data if row["event_type"] == "frame"]
    frames[9]["t_ns"] = frames[8]["t_ns"]
    table(folder, data)


def changed(folder, change, *, types=None, data=None, **options):
    """The usual recording with every row changed, and with other types of some columns."""
    video(folder)
    data = rows() if data is None else data
    for n, row in enumerate(data):
        change(n, row)
    fields = [pa.field(field.name, (types or {}).get(field.name, field.type)) for field in SCHEMA]
    fields += [pa.field(name, kind) for name, kind in (types or {}).items() if name not in SCHEMA.names]
    table(folder, data, schema=pa.schema(fields), **options)
    metadata(folder)


def inferred(folder, data, **options):
    """As pandas and Polars leave it: the type of a column is that of its values, and Null without any."""
    video(folder)
    names = SCHEMA.names + ["hash", "pressed", "mouse_dx", "mouse_dy", "repeat", "source", "note"]
    data = [{**dict.fromkeys(names), **row, "metadata": None} for row in data]
    pq.write_table(pa.Table.from_pylist(data), folder / "events.parquet", **options)
    metadata(folder)


def no_values(folder):
    """Frames and nothing else: every other column is of the type Null."""
    inferred(folder, [{"t_ns": row["t_ns"], "event_type": "frame"} for row in rows() if row["event_type"] == "frame"])


def pixels(folder):
    def change(n, row):
        if "mouse_x" in row:
            row["mouse_x"], row["mouse_y"] = row["frame_ref"] * 4.0, 60.0

    changed(folder, change)


def few_pixels(folder):
    """The pointer stays in the corner: no number is far from a fraction."""

    def change(n, row):
        if "mouse_x" in row:
            row["mouse_x"], row["mouse_y"] = float(n % 2), 2.0

    changed(folder, change)


def pixels_of_a_larger_screen(folder):
    def change(n, row):
        if "mouse_x" in row:
            row["mouse_x"], row["mouse_y"] = row["frame_ref"] * 8.0, 60.5

    changed(folder, change)


def keysyms(folder):
    def change(n, row):
        if "key_code" in row:
            row["key_code"] = 0xFF51 if row["frame_ref"] < 20 else ord("w") if row["frame_ref"] < 30 else 0x1008FF14

    changed(folder, change)


def small_keysyms(folder):
    """Only letters were typed: every keysym is also a HID usage, of another key."""

    def change(n, row):
        if "key_code" in row:
            row["key_code"] = ord("w")
            row["metadata"] = {"code": "KeyW"}

    changed(folder, change)


def named_keys(folder):
    def change(n, row):
        if "key_code" in row:
            row["metadata"] = {"code": "KeyW"}

    changed(folder, change)


def virtual_keys(folder):
    def change(n, row):
        if "key_code" in row:
            row["key_code"] = 0x57

    changed(folder, change)


def wheel_units(folder):
    changed(folder, lambda n, row: row.update(delta=-120.0) if "delta" in row else None)


def pressed_as_text(folder):
    def change(n, row):
        if row["event_type"] == "mouse_click":
            row["pressed"] = ("False", "true")[int(row["metadata"].pop("pressed"))]

    changed(folder, change, types={"pressed": pa.string()})


def pressed_as_a_word(folder):
    changed(folder, lambda n, row: row.update(pressed="down" if row["event_type"] == "mouse_click" else None), types={"pressed": pa.string()})


def pressed_against_the_event(folder):
    changed(folder, lambda n, row: row.update(pressed=False), types={"pressed": pa.bool_()})


def a_flag_that_is_none(folder):
    changed(folder, lambda n, row: row["metadata"].update(redacted="perhaps") if "key_code" in row else None)


def flags_that_say_no(folder):
    changed(folder, lambda n, row: row["metadata"].update(redacted="false", held="0") if "key_code" in row else None)


def fillers(folder):
    """A recorder without nulls: 0, -1 and "none" in every column that an event does not use."""

    def change(n, row):
        row.setdefault("key_code", -1)
        row.setdefault("mouse_x", 0.0), row.setdefault("mouse_y", 0.0)
        row.setdefault("delta", 0.0)
        row.setdefault("mouse_button", "none" if n % 2 else "Button.none")
        if row["mouse_button"] == "left":
            row["mouse_button"] = "Button.left"

    changed(folder, change)


def infinite(folder):
    changed(folder, lambda n, row: row.update(mouse_x=1e300) if n == 6 else None, types={"mouse_x": pa.float64()})


def two_words_for_one_key(folder):
    changed(folder, lambda n, row: row["metadata"].update(cpu="0.5"), data=[{**row, "cpu": 0.25} for row in rows()], types={"cpu": pa.float64()})


def microseconds(folder):
    changed(folder, lambda n, row: row.update(t_ns=row["t_ns"] // 1000))


def float_seconds(folder):
    changed(folder, lambda n, row: row.update(t_ns=row["t_ns"] / 1e9), types={"t_ns": pa.float64()})


def cameras(folder, *, second=FRAMES // 2, key="stream", names=("screen", "webcam")):
    video(folder)
    data = rows()
    for row in data:
        if row["event_type"] == "frame":
            row["metadata"] = {key: names[0]}
    for n in range(second):
        frame = {"t_ns": T0 + n * 2 * STEP + 7_000_000, "event_type": "frame", "frame_ref": n, "metadata": {key: names[1]}}
        data.append({k: v for k, v in frame.items() if names[1] or k != "metadata"} | {"metadata": frame["metadata"]})
    table(folder, data)
    metadata(folder)


def two_cameras(folder):
    cameras(folder)


def two_like_cameras(folder):
    cameras(folder, second=FRAMES, key="camera", names=("front", "back"))


def other_words(folder):
    """Metadata with the published keys in forms and meanings of their own."""
    video(folder)
    table(folder, rows())
    more = {"resolution": "160x120", "refresh_hz": "60", "input_device": "Logitech G502", "end_reason": "The user stopped it", "captured_at": 1767323045}
    more |= {"initial_state": {"keys": [65361], "buttons": ["Button.left"], "pointer": [80, 60]}, "streams": {"screen": {"status": "fine", "settings": {}}}}
    more |= {"consent": {"record_screen": True, "record_input": "yes"}, "dropped_frames": -1}
    metadata(folder, **more)


def other_types(folder):
    changed(folder, lambda n, row: row.update(event_type="keydown") if row["event_type"] == "key_down" else None)


def no_to_input(folder):
    video(folder)
    table(folder, rows())
    metadata(folder, consent={"record_screen": True, "record_input": False})


def no_video(folder):
    table(folder, rows())


def besides(folder):
    """Rotated, with pixels that are not square, with sound and subtitles."""
    (folder / "s.srt").write_text("1\n00:00:00,000 --> 00:00:00,500\nhello\n")
    video(folder, name="plain.mp4", extra=("-aspect", "2:1"))
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(folder / "plain.mp4"), "-f", "lavfi", "-i", "sine=duration=1"]
    command += ["-i", str(folder / "s.srt"), "-map", "0", "-map", "1", "-map", "2", "-c:v", "copy", "-c:a", "aac", "-c:s", "mov_text"]
    subprocess.run([*command, str(folder / "frames.mp4")], check=True)
    # What a phone writes into the header of the first track: a b u, c d v.
    held = bytearray((folder / "frames.mp4").read_bytes())
    at = held.index(b"tkhd") + 4 + 40
    held[at : at + 20] = struct.pack(">5i", 0, 65536, 0, -65536, 0)
    (folder / "frames.mp4").write_bytes(held)
    (folder / "plain.mp4").unlink(), (folder / "s.srt").unlink()
    table(folder, rows())
    metadata(folder)


def encoded(folder, *extra, size="160x120", codec=("libx264", "-bf", "0")):
    video(folder, extra=extra, size=size, codec=codec)
    table(folder, rows())
    metadata(folder)


VIDEOS = {
    "yuv444": ("-pix_fmt", "yuv444p"),
    "yuv422": ("-pix_fmt", "yuv422p"),
    "ten_bits": ("-pix_fmt", "yuv420p10le"),
    "grey": ("-pix_fmt", "gray"),
    "interlaced": ("-vf", "interlace", "-flags", "+ilme+ildct"),
    "five_references": ("-refs", "5"),
}


def odd_sides(folder):
    encoded(folder, "-vf", "format=yuv444p,scale=161:121", "-pix_fmt", "yuv444p")


def hevc(folder):
    encoded(folder, codec=("libx265", "-x265-params", "log-level=error"))


def matroska(folder):
    video(folder, name="frames.mkv")
    (folder / "frames.mkv").rename(folder / "frames.mp4")
    table(folder, rows())
    metadata(folder)


def compressed(folder, codec):
    video(folder)
    table(folder, rows(), compression=codec)
    metadata(folder)


def bomb(folder, codec):
    """A page that says it has 8 KiB, and unpacks to 320 kB."""
    data = [{**row, "note": "x" * 8000} for row in rows() if row["event_type"] == "frame"]
    inferred(folder, data, compression=codec, use_dictionary=False, data_page_size=1 << 20, write_statistics=False)
    path = folder / "events.parquet"
    column = next(c for c in map(pq.ParquetFile(path).metadata.row_group(0).column, range(19)) if c.path_in_schema == "note")
    bytes_ = bytearray(path.read_bytes())
    at = column.data_page_offset
    # Field 1 (the page's kind) in two bytes, then field 2 and its three bytes: 2 * 8192 in groups of seven bits.
    assert bytes_[at] == 0x15 and bytes_[at + 2] == 0x15 and bytes_[at + 3] & 0x80 and bytes_[at + 4] & 0x80 and not bytes_[at + 5] & 0x80
    bytes_[at + 3 : at + 6] = bytes([0x80, 0x80, 0x01])
    path.write_bytes(bytes_)


def reasons(folder):
    """Gap rows of thousands of different reasons, long and short."""
    video(folder)
    data = rows()
    words = lambda n: {"stream": f"s{n % 3000}", "reason": f"reason_{n}" + "x" * (1000 if n % 2 else 0), "lost": str(2**63), "until_ns": str(T0 + n)}
    data += [{"t_ns": T0 + n, "event_type": "gap", "metadata": words(n)} for n in range(20_000)]
    table(folder, data, compression="zstd")
    metadata(folder)


folder = Path(sys.argv[1])
folder.mkdir()
name = sys.argv[2]
if name in VIDEOS:
    encoded(folder, *VIDEOS[name])
elif name in ("gzip", "brotli", "lz4", "zstd", "snappy", "none"):
    compressed(folder, name)
elif name.startswith("bomb_"):
    bomb(folder, name.removeprefix("bomb_"))
else:
    globals()[name](folder)
