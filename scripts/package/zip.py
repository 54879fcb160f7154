"""A zip of a folder, the same bytes of the same files: in order of their names, with one time.

    zip.py EPOCH ROOT FOLDER OUT.zip
"""
import sys
import time
import zipfile
from pathlib import Path

epoch, root, folder, out = sys.argv[1:]
when = time.gmtime(int(epoch))[:6]
with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
    for path in sorted((Path(root) / folder).rglob("*")):
        if path.is_file():
            entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), when)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            made.writestr(entry, path.read_bytes())
