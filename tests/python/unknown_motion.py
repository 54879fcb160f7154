"""Takes the motion out of the `mouse_move` rows of a session between two shares of its time, as a source that does not measure it would: null.

usage: unknown_motion.py SESSION_DIR FROM UNTIL     the seal does not hold afterwards
"""
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq

path = pathlib.Path(sys.argv[1]) / "events.parquet"
table = pq.read_table(path)
times = table["t_ns"].to_pylist()
first, last = times[0], times[-1]
begin, end = (first + int((last - first) * float(share)) for share in sys.argv[2:4])
kinds = table["event_type"].to_pylist()
for name in ("mouse_dx", "mouse_dy"):
    values = table[name].to_pylist()
    values = [None if kind == "mouse_move" and begin <= t < end else value for kind, t, value in zip(kinds, times, values)]
    table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), pa.array(values, table.schema.field(name).type))
pq.write_table(table, path, compression="zstd")
