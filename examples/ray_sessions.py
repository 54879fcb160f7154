"""Verifies, checks and exports every session of a catalog on Ray Data, one task a session, on as many machines as the cluster has.

usage: ray_sessions.py CATALOG --out DIR [--address auto] [--format actions] [--option=--fps=20]... [--watchcap watchcap]

What is made, what is reported and how to go on is in one_session.py, which has the work of a task.
"""
import logging
import os
import sys
import time
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere

import ray

import one_session


def task(job: dict[str, Any]) -> dict[str, Any]:
    """One session, where Ray puts it."""
    return one_session.do(job, ray.get_runtime_context().get_task_id())


def main() -> int:
    parser, jobs_of = one_session.arguments(__doc__)
    parser.add_argument("--address", help="of a cluster that runs; without it, one on this machine for as long as it takes")
    args = parser.parse_args()
    jobs = jobs_of(args)
    if not jobs:
        return one_session.finish([], args.out, time.monotonic())
    # What the tasks import goes with them.
    ray.init(address=args.address, include_dashboard=False if args.address is None else None, logging_level=logging.WARNING,
             runtime_env={"py_modules": [one_session.__file__]})
    began = time.monotonic()
    # As many blocks as sessions is one task for each; one core for each, and what a lost machine had is done again on another.
    rows = ray.data.from_items(jobs, override_num_blocks=len(jobs)).map(task, num_cpus=1).take_all()
    code = one_session.finish(rows, args.out, began)
    ray.shutdown()
    return code


if __name__ == "__main__":
    sys.exit(main())
