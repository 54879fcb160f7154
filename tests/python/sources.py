#!/usr/bin/env python3
"""Prints the sources of a session's input rows, apart from what the recorder itself states: sources.py SESSION"""
import pathlib, sys

import pyarrow.parquet as pq

rows = pq.read_table(pathlib.Path(sys.argv[1]) / "events.parquet", columns=["event_type", "metadata"]).to_pylist()
found = {dict(row["metadata"]).get("source") for row in rows} - {None, "recorder"}
print(",".join(sorted(found)))
