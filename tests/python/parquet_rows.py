"""How many rows a Parquet file has, read in full by Polars and DuckDB too."""
import sys

import duckdb
import polars as pl
import pyarrow.parquet as pq

rows = pq.read_table(sys.argv[1]).num_rows
assert pl.read_parquet(sys.argv[1]).height == rows
assert duckdb.sql(f"select count(*), sum(events) from '{sys.argv[1]}'").fetchall()[0][0] == rows
print(rows)
