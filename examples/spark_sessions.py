"""Verifies, checks and exports every session of a catalog on PySpark, one task a session, on as many machines as the cluster has.

usage: spark_sessions.py CATALOG --out DIR [--master local[*]] [--format actions] [--option=--fps=20]... [--watchcap watchcap]

What is made, what is reported and how to go on is in one_session.py, which has the work of a task. PySpark needs Java 17 or later.
"""
import os
import sys
import time
from typing import Any

from pyspark import TaskContext
from pyspark.sql import SparkSession

import one_session


def task(job: one_session.Job) -> dict[str, Any]:
    """One session, where Spark puts it."""
    here = TaskContext.get()
    return one_session.do(job, here and f"{here.stageId()}.{here.partitionId()}.{here.taskAttemptId()}")


def main() -> int:
    parser, jobs_of = one_session.arguments(__doc__)
    parser.add_argument("--master", default="local[*]", help="of a cluster that runs; without it, all cores of this machine")
    args = parser.parse_args()
    jobs = jobs_of(args)
    if not jobs:
        return one_session.finish([], args.out, time.monotonic())
    if args.master.startswith("local"):  # elsewhere, the cluster says which Python its tasks have
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = SparkSession.builder.master(args.master).appName("watchcap").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    spark.sparkContext.addPyFile(one_session.__file__)  # what the tasks import goes with them
    began = time.monotonic()
    # As many partitions as sessions is one task for each, and what a lost machine had is done again on another.
    rows = spark.sparkContext.parallelize(jobs, len(jobs)).map(task).collect()
    code = one_session.finish(rows, args.out, began)
    spark.stop()
    return code


if __name__ == "__main__":
    sys.exit(main())
