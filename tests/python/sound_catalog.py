"""Prints what a catalog says of sound, by session; as JSON."""

import json
import sys

import pyarrow.parquet as pq

NAMES = ["audio_source", "audio_kinds", "audio_codec", "audio_seconds", "audio_gaps", "audio_bytes"]
print(json.dumps({row["path"]: [row[name] for name in NAMES] for row in pq.read_table(sys.argv[1]).to_pylist()}))
