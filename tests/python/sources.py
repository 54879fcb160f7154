#!/usr/bin/env python3
"""Prints the sources of a session's input rows, apart from what the recorder itself states: sources.py SESSION"""
import pathlib, sys

import pyarrow.parquet as pq

rows = pq.read_table(pathlib.Path(sys.argv[1]) / "events.parquet", columns=["source"]).to_pylist()
found = {row["source"] for row in rows} - {None, "recorder"}
print(",".join(sorted(found)))
