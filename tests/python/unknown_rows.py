"""Says of a LeRobotDataset whether every action is known, and in how many rows something of it is NaN: in those, and only in those, it is not.

usage: unknown_rows.py DATASET_DIR
"""
import pathlib
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

table = pa.concat_tables(pq.read_table(file) for file in sorted((pathlib.Path(sys.argv[1]) / "data").glob("*/*.parquet")))
nan = np.isnan(np.array(table["action"].to_pylist())).any(axis=1)
known = np.array(table["known_action"].to_pylist())
assert (nan == ~known).all(), "an action that is not known has no NaN, or one that is has some"
print(f"known={str(bool(known.all())).lower()} nan={int(nan.sum())}")
