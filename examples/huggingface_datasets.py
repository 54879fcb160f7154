"""The table of a session as a Hugging Face Dataset.

usage: huggingface_datasets.py SESSION

`load_dataset("parquet", ...)` refuses the file for its column of the type map, also when that column is not asked for, and also with features given.
A table that pyarrow has read is taken, once the map is a list of pairs or is gone.
"""
import sys

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

table = pq.read_table(f"{sys.argv[1]}/events.parquet")

# Without the map, whose flags and texts few models need:
events = datasets.Dataset(table.drop_columns(["metadata"]))

# Or with it, as a list of pairs:
pairs = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))
at = table.schema.get_field_index("metadata")
everything = datasets.Dataset(table.set_column(at, "metadata", table["metadata"].cast(pairs)))

print(events)
print(everything.features["metadata"])
keys = events.filter(lambda row: row["event_type"] == "key_down" and not row["repeat"])
print(f"{len(events)} rows, {len(keys)} presses, first {everything[0]['metadata']}")
