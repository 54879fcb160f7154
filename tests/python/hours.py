"""Sums the hours of a catalog by the query of docs/CATALOG.md, in which nothing counts twice; prints the paths that count, one a line.

usage: hours.py CATALOG
"""
import pathlib
import re
import sys

import duckdb

document = (pathlib.Path(__file__).parents[2] / "docs/CATALOG.md").read_text()
where = re.search(r"where (state = 'sealed'.*?) group by game", document, re.DOTALL).group(1)
duckdb.sql(f"create view catalog as from '{sys.argv[1]}'")
for (path,) in duckdb.sql(f"select path from catalog as one where {where} order by path").fetchall():
    print(path)
