"""Makes a recording of another program of a session: theirs.py SESSION FOLDER. The same video and rows, without what says that watchcap wrote them."""
import os
import shutil
import sys

import pyarrow.parquet as pq

session, folder = sys.argv[1:]
os.makedirs(folder)
shutil.copy(f"{session}/frames.mp4", folder)
table = pq.read_table(f"{session}/events.parquet")
pq.write_table(table.replace_schema_metadata(None), f"{folder}/events.parquet")
