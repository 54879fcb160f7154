"""Every row of a session as a line of JSON, the keys of its metadata beside its columns."""
import json
import sys

import pyarrow.parquet as pq

for row in pq.read_table(f"{sys.argv[1]}/events.parquet").to_pylist():
    extra = dict(row.pop("metadata"))
    print(json.dumps({**{key: value for key, value in row.items() if key not in ("hash", "session_id")}, **extra}))
