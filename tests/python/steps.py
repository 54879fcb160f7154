"""Every row of an `actions` table as a line of JSON."""
import json
import sys

import pyarrow.parquet as pq

for row in pq.read_table(sys.argv[1]).to_pylist():
    print(json.dumps(row))
