"""Prints some columns of a catalog, a line of JSON for each row.

    catalog_rows.py CATALOG COLUMN,COLUMN
"""

import json
import sys

import pyarrow.parquet as pq

for row in pq.read_table(sys.argv[1], columns=sys.argv[2].split(",")).to_pylist():
    print(json.dumps(row, default=str))
