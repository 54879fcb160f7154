"""Makes recordings as other programs leave them: the same layout, with less in it.

    foreign.py FOLDER NAME

NAME is one of the functions below.
"""

import json
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


folder = Path(sys.argv[1])
folder.mkdir()
globals()[sys.argv[2]](folder)
