# Checks the hash of every row of an events.parquet, written from FORMAT.md ("Row hash") alone.
# usage: row_hash.py EVENTS_PARQUET
import hashlib, struct, sys
import pyarrow.parquet as pq

def text(value):
    return struct.pack("<I", len(value.encode())) + value.encode()

def entries(pairs):
    return struct.pack("<I", len(pairs)) + b"".join(text(k) + text(v) for k, v in sorted(pairs, key=lambda p: p[0].encode()))

KINDS = {"int64": "<q", "int32": "<i", "float": "<f", "bool": "<?", "string": text, "map": entries}
table = pq.read_table(sys.argv[1])
encoders = [(field.name, KINDS[str(field.type).split("<")[0]]) for field in table.schema if field.name != "hash"]
for number, row in enumerate(row for batch in table.to_batches(8192) for row in batch.to_pylist()):
    data = b""
    for name, kind in encoders:
        value = row[name]
        data += b"\0" if value is None else b"\1" + (struct.pack(kind, value) if isinstance(kind, str) else kind(value))
    if hashlib.sha256(data).hexdigest()[:32] != row["hash"]:
        sys.exit(f"row {number}: its hash is not that of its values")
print(f"ok: {table.num_rows} rows")
