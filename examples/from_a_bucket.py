"""Reads sessions where they are, in a bucket of an S3 server: tables with pyarrow and DuckDB, one picture by ranges of the video.

usage: from_a_bucket.py s3://BUCKET/FOLDER [--endpoint http://127.0.0.1:8333] [--decoder pyav|torchcodec] [--frame N] [--duckdb httpfs|arrow]

FOLDER has sessions and the catalog of them (watchcap catalog). Keys come from where the tools of AWS look for them: AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY, AWS_REGION, or the machine's role.
"""
import argparse
import importlib.util
import json
import os
import pathlib
import sys
import urllib.parse
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs
import pyarrow.parquet as pq

INPUTS = ["key_down", "key_up", "mouse_move", "mouse_click", "wheel"]


class Ranges:
    """A file of the bucket as decoders want it: `read` and `seek`, each read a request for that range. Counts what it took.

    Decoders read in small pieces, and a request costs more than some bytes too many, so a read takes BLOCK bytes and keeps the last few.
    """
    BLOCK, KEPT = 256 * 1024, 8

    def __init__(self, file: pyarrow.NativeFile):
        self.file, self.size, self.at, self.blocks = file, file.size(), 0, {}
        self.requests = self.bytes = 0

    def block(self, number: int) -> bytes:
        """One block, from those that are kept or by a request."""
        found = self.blocks.pop(number, None)
        if found is None:
            found = self.file.read_at(min(self.BLOCK, self.size - number * self.BLOCK), number * self.BLOCK)
            self.requests, self.bytes = self.requests + 1, self.bytes + len(found)
        self.blocks[number] = found  # the latest one is last
        while len(self.blocks) > self.KEPT:
            del self.blocks[next(iter(self.blocks))]
        return found

    def read(self, size: int = -1) -> bytes:
        end = self.size if size < 0 else min(self.at + size, self.size)
        parts = []
        while self.at < end:
            number, skip = divmod(self.at, self.BLOCK)
            parts.append(self.block(number)[skip : skip + end - self.at])
            self.at += len(parts[-1])
        return b"".join(parts)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.at = max(offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: self.size}[whence], 0)
        return self.at

    def tell(self) -> int:
        return self.at

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def server(endpoint: str | None) -> pyarrow.fs.S3FileSystem:
    """The bucket's server; without an endpoint that of AWS."""
    if endpoint is None:
        return pyarrow.fs.S3FileSystem()
    scheme, _, host = endpoint.rpartition("://")
    return pyarrow.fs.S3FileSystem(endpoint_override=host, scheme=scheme or "https", region=os.environ.get("AWS_REGION", "us-east-1"))


def sealed(s3: pyarrow.fs.S3FileSystem, folder: str) -> list[dict[str, Any]]:
    """The rows of the catalog that are sealed sessions; exits when the folder has none."""
    columns = ["path", "events_path", "video_path", "frames", "video_bytes", "events_bytes"]
    try:
        rows = pq.read_table(f"{folder}/catalog.parquet", filesystem=s3, columns=columns, filters=pc.field("state") == "sealed").to_pylist()
    except FileNotFoundError:
        sys.exit(f"error: {folder} has no catalog.parquet\nhint: run watchcap catalog on the folder, then copy it there with the sessions")
    except OSError as error:
        sys.exit(f"error: {folder} cannot be read: {error}\nhint: check --endpoint, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    return rows or sys.exit(f"error: the catalog of {folder} names no sealed session\nhint: watchcap finalize makes sessions of logs")


def inputs_of(tables: ds.Dataset) -> dict[str, int]:
    """How many inputs each session has, by pyarrow: only two columns are fetched."""
    wanted = tables.to_table(columns=["session_id"], filter=pc.field("event_type").isin(INPUTS))
    counts = wanted.group_by("session_id").aggregate([([], "count_all")])
    return dict(zip(counts["session_id"].to_pylist(), counts["count_all"].to_pylist(), strict=True))


def httpfs(db: duckdb.DuckDBPyConnection, endpoint: str | None) -> None:
    """Makes DuckDB read s3:// by itself. Its extension is taken from the package duckdb-extension-httpfs, else fetched from DuckDB's own place."""
    package = importlib.util.find_spec("duckdb_extension_httpfs")
    files = pathlib.Path(package.origin).parent.glob(f"extensions/v{duckdb.__version__}/httpfs.duckdb_extension") if package else []
    if (file := next(iter(files), None)) is not None:
        db.load_extension(str(file))  # DuckDB checks its signature
    else:
        db.install_extension("httpfs")
        db.load_extension("httpfs")
    secret = {"KEY_ID": os.environ.get("AWS_ACCESS_KEY_ID", ""), "SECRET": os.environ.get("AWS_SECRET_ACCESS_KEY", ""),
              "SESSION_TOKEN": os.environ.get("AWS_SESSION_TOKEN", ""), "REGION": os.environ.get("AWS_REGION", "us-east-1")}
    if endpoint:
        scheme, _, host = endpoint.rpartition("://")
        secret |= {"ENDPOINT": host, "URL_STYLE": "path", "USE_SSL": str(scheme != "http").lower()}
    quoted = ", ".join(f"{name} '{value.replace(chr(39), chr(39) * 2)}'" for name, value in secret.items())
    db.execute(f"CREATE SECRET (TYPE s3, {quoted})")


def presses_of(tables: ds.Dataset, urls: list[str], endpoint: str | None, way: str | None) -> tuple[str, list[tuple[str, int]]]:
    """How often each key was pressed, by DuckDB, and how it read: by itself, or what pyarrow hands over."""
    db = duckdb.connect()
    if way != "arrow":
        try:
            httpfs(db, endpoint)
            db.read_parquet(urls).create_view("events")
            way = "httpfs"
        except duckdb.Error as error:
            if way == "httpfs":
                sys.exit(f"error: DuckDB cannot read the bucket: {error}\nhint: pip install duckdb-extension-httpfs=={duckdb.__version__}, or --duckdb arrow")
            print(f"note: DuckDB's httpfs is not here ({str(error).splitlines()[0]}); it reads through pyarrow", file=sys.stderr)
    if way != "httpfs":
        db.register("events", tables)
        way = "a pyarrow dataset"
    return way, db.sql("""SELECT metadata['code'] AS code, count(*) AS presses FROM events
                          WHERE event_type = 'key_down' AND NOT repeat GROUP BY code ORDER BY presses DESC, code""").fetchall()


def frames_of(s3: pyarrow.fs.S3FileSystem, path: str) -> pa.Table:
    """Time and kind of each frame of a session, from its table: row i is frame i."""
    return pq.read_table(path, filesystem=s3, columns=["pts", "is_keyframe"], filters=pc.field("event_type") == "frame")


def by_torchcodec(file: Ranges, number: int, frames: pa.Table) -> np.ndarray:
    """Frame `number` as height x width x 3. The table says where each frame is; without it, seek_mode="exact" would fetch the whole video to see."""
    from torchcodec.decoders import VideoDecoder
    pts = frames["pts"].to_numpy()
    lasting = np.diff(pts, append=2 * pts[-1] - pts[-2] if len(pts) > 1 else pts[-1] + 1)
    rows = zip(pts.tolist(), lasting.tolist(), frames["is_keyframe"].to_pylist(), strict=True)
    mappings = json.dumps({"frames": [{"pts": at, "duration": until, "key_frame": int(key)} for at, until, key in rows]})
    video = VideoDecoder(file, custom_frame_mappings=mappings, dimension_order="NHWC", num_ffmpeg_threads=1)
    return video.get_frame_at(number).data.numpy()


def by_pyav(file: Ranges, number: int, frames: pa.Table) -> np.ndarray:
    """Frame `number` as height x width x 3, by its `pts`: from the keyframe at or before it on."""
    import av
    pts = frames["pts"].to_numpy()
    with av.open(file) as video:
        stream = video.streams.video[0]
        video.seek(int(pts[number]), stream=stream)
        for picture in video.decode(stream):
            if picture.pts >= pts[number]:
                return picture.to_ndarray(format="rgb24")
    raise IndexError(number)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="s3://BUCKET/FOLDER")
    parser.add_argument("--endpoint", help="of a server that is not AWS: http://HOST:PORT")
    parser.add_argument("--decoder", choices=["pyav", "torchcodec"], default="pyav")
    parser.add_argument("--frame", type=int, help="of each session; without it the one in the middle")
    parser.add_argument("--duckdb", choices=["httpfs", "arrow"], help="how it reads; without it httpfs where that is to be had")
    args = parser.parse_args()
    url = urllib.parse.urlparse(args.folder)
    if url.scheme != "s3" or not url.netloc:
        parser.error(f"{args.folder} is no s3://BUCKET/FOLDER")
    folder = (url.netloc + url.path).rstrip("/")

    s3 = server(args.endpoint)
    sessions = sealed(s3, folder)
    paths = [f"{folder}/{session['events_path']}" for session in sessions]
    tables = ds.dataset(paths, filesystem=s3, format="parquet")
    for session_id, count in sorted(inputs_of(tables).items()):
        print(f"pyarrow: {session_id}: {count} inputs")
    way, presses = presses_of(tables, [f"s3://{path}" for path in paths], args.endpoint, args.duckdb)
    print(f"duckdb by {way}: " + ", ".join(f"{code} {count}" for code, count in presses))

    for session, path in zip(sessions, paths, strict=True):
        frames = frames_of(s3, path)
        number = len(frames) // 2 if args.frame is None else args.frame
        if not 0 <= number < len(frames):
            print(f"{args.decoder}: {session['path']}: no frame {number}, it has {len(frames)}")
            continue
        with s3.open_input_file(f"{folder}/{session['video_path']}") as opened:
            file = Ranges(opened)
            picture = (by_torchcodec if args.decoder == "torchcodec" else by_pyav)(file, number, frames)
        print(f"{args.decoder}: {session['path']}: frame {number} {picture.shape}, mean {picture.mean():.3f}, "
              f"{file.requests} requests, {file.bytes} of {file.size} bytes")


if __name__ == "__main__":
    main()
