"""`python -m benchmarks.hosted_event`: seconds from an uploaded bundle to the first call by which reconcile changes something.

The real functions on the embedded AWS, with IAM enforced, ten times as fast as the wall: fast enough for bootstrap, slow enough
that wall time is what the functions need. Nobody calls the command. The templates are in the store; each run is of a new world.
`make bench` measures it before the rest, for it starts an AWS of its own, and holds it against its goal in HOSTED.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from typing import Any

import boto3

from benchmarks import world as worlds
from benchmarks.measure import CommandFailed, run

RULE, FUNCTION = "meridian-revision", "meridian-reconcile"
SPEED, LONGEST = 10, 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hosted_event", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    took = measured(parser.parse_args().runs)
    load = os.getloadavg()[0]
    print(f"median {statistics.median(took):.2f} s of {sorted(round(t, 2) for t in took)}; load average {load:.1f}")
    return 0


def measured(runs: int) -> list[float]:
    """Seconds of each run. Not while another world is up: the scratch repository is the same."""
    with worlds.start("--iam") as world:
        world.environment["AWS_SECRET_ACCESS_KEY"] = "test"  # of the account itself, which IAM lets do anything
        world.control("clock", {"speed": SPEED})
        world.declare(3)
        run(["meridian", "bootstrap"], world.repository, world.environment)
        events, s3 = _client(world, "events"), _client(world, "s3")
        bucket = next(b["Name"] for b in s3.list_buckets()["Buckets"] if "revisions" in b["Name"])
        events.disable_rule(Name=RULE)
        run(["meridian", "bundle", "--upload"], world.repository, world.environment)
        found = s3.get_object(Bucket=bucket, Key="revisions/orders.zip")
        data, metadata = found["Body"].read(), found["Metadata"]
        s3.delete_object(Bucket=bucket, Key="revisions/orders.zip")
        events.enable_rule(Name=RULE)
        world.keep(0)
        took: list[float] = []
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
    return took


def _client(world: worlds.World, service: str) -> Any:
    known = world.environment
    return boto3.client(
        service,
        endpoint_url=world.endpoint,
        region_name=known["AWS_REGION"],
        aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (CommandFailed, subprocess.SubprocessError) as error:
        sys.exit(str(error))
