"""What a catalog is for: queries over many sessions, by tools that know nothing of watchcap.

    catalog.py FOLDER SESSIONS

FOLDER holds catalog.parquet, SESSIONS is how many sealed sessions it must list.
"""

import hashlib
import sys
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.compute as pc
import pyarrow.parquet as pq

folder, wanted = Path(sys.argv[1]), int(sys.argv[2])
catalog = folder / "catalog.parquet"

table = pq.read_table(catalog)
sealed = table.filter(pc.equal(table["state"], "sealed"))
assert len(sealed) == wanted, len(sealed)
print("ok: pyarrow")

# One query over the catalog, and one over the events of the sessions that it picks.
db = duckdb.connect()
hours, frames, year, kind = db.sql(
    f"select sum(hours), sum(frames), year(min(captured_at)), typeof(min(captured_at)) from '{catalog}' where state = 'sealed' and not recovered"
).fetchall()[0]
assert hours > 0 and frames > 0, (hours, frames)
assert year >= 2020 and kind == "TIMESTAMP WITH TIME ZONE", (year, kind)
paths = [str(folder / row[0]) for row in db.sql(f"select events_path from '{catalog}' where state = 'sealed'").fetchall()]
counted = db.sql(
    "select count(*) filter (event_type = 'frame'), count(distinct session_id) from read_parquet($paths, union_by_name => true)",
    params={"paths": paths},
).fetchall()[0]
assert counted[0] == frames, (counted, frames)
print("ok: duckdb")

lazy = pl.scan_parquet(catalog)
by_game = (
    lazy.filter(pl.col("state") == "sealed")
    .group_by("game")
    .agg(pl.col("hours").sum(), pl.len().alias("sessions"), pl.col("dropped_frames").sum())
    .collect()
)
assert by_game["sessions"].sum() == wanted and abs(by_game["hours"].sum() - hours) < 1e-9
assert lazy.collect_schema()["captured_at"] == pl.Datetime("us", "UTC")
print("ok: polars")

# The hashes are those of the files.
for path, sha in db.sql(f"select events_path, events_sha256 from '{catalog}' where state = 'sealed'").fetchall():
    assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == sha, path
print("ok: hashes")
