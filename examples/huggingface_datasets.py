"""The table of a session as a Hugging Face Dataset.

usage: huggingface_datasets.py SESSION

`load_dataset("parquet", ...)` refuses the file for its column of the type map, with `columns=` alone and with `features=` alone. Both together load:
the columns that are asked for, and their types. A table that pyarrow has read is taken too, once the map is a list of pairs or is gone.
"""
import sys

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

# Without pyarrow, and so with streaming=True too: these columns, with these types.
types = {"t_ns": "int64", "event_type": "string", "key_code": "int32", "frame_ref": "int64"}
features = datasets.Features({name: datasets.Value(kind) for name, kind in types.items()})
chosen = datasets.load_dataset("parquet", data_files=f"{sys.argv[1]}/events.parquet", split="train", columns=list(types), features=features)

table = pq.read_table(f"{sys.argv[1]}/events.parquet")

# Without the map, whose flags and texts few models need:
events = datasets.Dataset(table.drop_columns(["metadata"]))

# Or with it, as a list of pairs:
pairs = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))
at = table.schema.get_field_index("metadata")
everything = datasets.Dataset(table.set_column(at, "metadata", table["metadata"].cast(pairs)))

assert len(chosen) == len(events) and list(chosen.features) == list(types)
print(events)
print(everything.features["metadata"])
keys = events.filter(lambda row: row["event_type"] == "key_down" and not row["repeat"])
print(f"{len(events)} rows, {len(keys)} presses, first {everything[0]['metadata']}")
