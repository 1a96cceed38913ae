"""`python -m benchmarks.hosted_event`: seconds from an uploaded bundle to the first call by which reconcile changes something.

The real functions on the embedded AWS, with IAM enforced, ten times as fast as the wall: fast enough for bootstrap, slow enough
that wall time is what the functions need. Nobody calls the command. The templates are in the store; each run is of a new world.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

import boto3

from benchmarks import world as worlds
from benchmarks.measure import CommandFailed, run

RULE, FUNCTION = "meridian-revision", "meridian-reconcile"
SPEED, LONGEST = 10, 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hosted_event", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    with worlds.start("--iam") as world:
        world.environment["AWS_SECRET_ACCESS_KEY"] = "test"  # of the account itself, which IAM lets do anything
        world.control("clock", {"speed": SPEED})
        world.declare(3)
        run(["meridian", "bootstrap"], world.repository, world.environment)
        os.environ |= {k: v for k, v in world.environment.items() if k.startswith("AWS_")}
        events, s3 = boto3.client("events"), boto3.client("s3")
        bucket = next(b["Name"] for b in s3.list_buckets()["Buckets"] if "revisions" in b["Name"])
        events.disable_rule(Name=RULE)
        run(["meridian", "bundle", "--upload"], world.repository, world.environment)
        found = s3.get_object(Bucket=bucket, Key="revisions/orders.zip")
        data, metadata = found["Body"].read(), found["Metadata"]
        s3.delete_object(Bucket=bucket, Key="revisions/orders.zip")
        events.enable_rule(Name=RULE)
        world.keep(0)
        took = []
        for _ in range(runs):
            world.control("reset", {})  # what is under way would hinder it
            world.restore(0)
            world.control("calls", {})
            began = time.monotonic()
            s3.put_object(Bucket=bucket, Key="revisions/orders.zip", Body=data, Metadata=metadata)
            while not world.control("calls")["functions"].get(FUNCTION, {}).get("mutating"):
                if time.monotonic() - began > LONGEST:
                    raise CommandFailed(f"nothing was changed within {LONGEST} s of the upload")
                time.sleep(0.02)
            took.append(time.monotonic() - began)
            print(f"{took[-1]:.2f} s", flush=True)
    load = os.getloadavg()[0]
    print(f"median {statistics.median(took):.2f} s of {sorted(round(t, 2) for t in took)}; load average {load:.1f}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (CommandFailed, subprocess.SubprocessError) as error:
        sys.exit(str(error))
