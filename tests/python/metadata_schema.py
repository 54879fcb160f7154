"""Holds sessions against the JSON Schema of metadata.json, with the stock validator, and the schema against metadata that are broken.

usage: metadata_schema.py SCHEMA SESSION... [--not SESSION...]
"""

import copy
import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator

schema = json.loads(Path(sys.argv[1]).read_text())
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
at = sys.argv.index("--not") if "--not" in sys.argv else len(sys.argv)
good, bad = ([json.loads((Path(session) / "metadata.json").read_text()) for session in part] for part in (sys.argv[2:at], sys.argv[at + 1 :]))

for metadata in good:
    faults = [f"{'/'.join(map(str, fault.path))}: {fault.message}" for fault in validator.iter_errors(metadata)]
    assert not faults, (metadata["session_id"], faults)
for metadata in bad:
    assert not validator.is_valid(metadata), f"metadata of format {metadata['format_version']} pass"


def broken(path, value, remove=False):
    """A copy of good metadata in which one thing is wrong."""
    copied = copy.deepcopy(good[0])
    *way, last = path
    inner = copied
    for name in way:
        inner = inner[name]
    if remove:
        del inner[last]
    else:
        inner[last] = value
    return copied


lies = [
    (["resolution"], {"width": 640, "height": 360}),
    (["resolution"], [640]),
    (["resolution"], [640, 360, 3]),
    (["resolution"], [640.5, 360]),
    (["codec"], "avc1.42c00d"),
    (["codec_string"], 7),
    (["input_device"], "xi2"),
    (["input_device"], "mouse+keyboard"),
    (["input_device"], ""),
    (["format_version"], "1.1.0"),
    (["session_id"], "none"),
    (["frames"], -1),
    (["frames"], None),
    (["duration_ns"], 1.5),
    (["counts", "frame"], "many"),
    (["surface", "scale"], "2"),
    (["consent", "record_screen"], "yes"),
    (["consent"], None),
    (["privacy", "chat_redacted"], 1),
    (["privacy", "profile_choice"], "sometimes"),
    (["privacy", "pii_regions"], {}),
    (["clock", "anchors"], [{"monotonic_ns": 1}]),
    (["streams", "screen", "status"], None),
    (["env", "gpu"], ["a", "b"]),
]
for path, value in lies:
    assert not validator.is_valid(broken(path, value)), f"{path} = {value!r} passes"
required = ["format_version", "session_id", "captured_at", "game", "patch", "resolution", "refresh_hz", "capture_fps", "codec", "bitrate_kbps"]
required += ["input_device", "window_id", "dropped_frames", "clock_drift_ppm", "consent", "privacy", "env", "clock", "counts", "frames"]
required += ["duplicate_frames", "duration_ns", "end_reason", "recovered", "lost", "streams", "encoder", "watchcap", "initial_state"]
for name in required + ["keyboard_layout", "codec_string", "surface", "target", "recovery", "unchanged_skipped"]:
    assert not validator.is_valid(broken([name], None, remove=True)), f"without {name} it passes"
for path in (["privacy", "pii_regions"], ["env", "client_version"], ["env", "gpu"], ["env", "display_server"], ["consent", "record_audio"]):
    assert not validator.is_valid(broken(path, None, remove=True)), f"without {path} it passes"
# What a later minor version adds is none of this one's business.
assert validator.is_valid(broken(["later"], {"more": [1]})) and validator.is_valid(broken(["privacy", "later"], "word"))
print(f"{len(good)} accepted, {len(bad) + len(lies)} refused")
