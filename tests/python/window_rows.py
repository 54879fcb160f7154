#!/usr/bin/env python3
"""Prints the `window` rows of a session, one JSON object a line: window_rows.py SESSION"""
import json, pathlib, sys

import pyarrow.parquet as pq

for row in pq.read_table(pathlib.Path(sys.argv[1]) / "events.parquet").to_pylist():
    if row["event_type"] == "window":
        print(json.dumps({"t_ns": row["t_ns"], **dict(row["metadata"])}))
