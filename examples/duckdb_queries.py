"""Queries over the tables of many sessions in SQL, with DuckDB.

usage: duckdb_queries.py SESSION...
"""
import sys

import duckdb

db = duckdb.connect()
files = [f"{session}/events.parquet" for session in sys.argv[1:]]
db.read_parquet(files).create_view("events")

# How long each session is, and how much was done in it.
print(db.sql("""
    SELECT session_id, (max(t_ns) - min(t_ns)) / 1e9 AS seconds, count(*) FILTER (event_type = 'frame') AS frames,
           count(*) FILTER (event_type IN ('key_down', 'key_up', 'mouse_move', 'mouse_click', 'wheel')) AS inputs
    FROM events GROUP BY session_id ORDER BY session_id
"""))

# Which keys were pressed, and how often. Values of the map `metadata` are reached by their key.
print(db.sql("""
    SELECT metadata['code'] AS code, count(*) AS presses
    FROM events WHERE event_type = 'key_down' AND NOT repeat GROUP BY code ORDER BY presses DESC, code
"""))

# What was done on seeing each frame: one row for each, also where nothing was done. NULL: it moved, and no row says by how much.
print(db.sql("""
    SELECT session_id, frame_ref, any_value(pts) FILTER (event_type = 'frame') AS pts,
           CASE WHEN bool_or(event_type = 'mouse_move' AND mouse_dx IS NULL) THEN NULL ELSE coalesce(sum(mouse_dx), 0) END AS dx,
           CASE WHEN bool_or(event_type = 'mouse_move' AND mouse_dy IS NULL) THEN NULL ELSE coalesce(sum(mouse_dy), 0) END AS dy,
           CASE WHEN bool_or(event_type = 'wheel' AND delta IS NULL) THEN NULL ELSE coalesce(sum(delta), 0) END AS wheel,
           list(key_code) FILTER (event_type = 'key_down' AND NOT repeat) AS pressed
    FROM events WHERE frame_ref IS NOT NULL GROUP BY session_id, frame_ref ORDER BY session_id, frame_ref
"""))

# Input to picture: how long after a click the first frame came that is no copy of the one before.
print(db.sql("""
    SELECT c.session_id, c.t_ns, (min(f.t_ns) - c.t_ns) / 1e6 AS ms
    FROM events c JOIN events f ON f.session_id = c.session_id AND f.event_type = 'frame' AND f.t_ns > c.t_ns
         AND f.metadata['dup'] IS NULL AND f.frame_ref <= c.frame_ref + 60
    WHERE c.event_type = 'mouse_click' AND c.pressed GROUP BY c.session_id, c.t_ns ORDER BY c.t_ns LIMIT 10
"""))
