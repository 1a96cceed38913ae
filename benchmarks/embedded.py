"""What the embedded AWS itself costs those who wait for it: its start, a call, keeping a world and bringing it back."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.goals import WORKED_EXAMPLE
from benchmarks.measure import CommandFailed
from benchmarks.world import ROOT, World

CALLS = 50
"""Of each operation: single calls are too short to be timed one by one."""
READS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("sts", "get_caller_identity"): {},
    ("cloudformation", "describe_stacks"): {},
    ("cloudformation", "list_stack_resources"): {"StackName": "meridian-orders-api"},
    ("rds", "describe_db_clusters"): {},
    ("rds", "describe_global_clusters"): {},
    ("route53", "list_resource_record_sets"): {"HostedZoneId": "Z0123456789EXAMPLE"},
    ("route53", "list_health_checks"): {},
    ("cloudfront", "list_distributions"): {},
    ("apigateway", "get_rest_apis"): {},
    ("lambda", "list_functions"): {},
    ("dynamodb", "describe_table"): {"TableName": "meridian-state"},
    ("ec2", "describe_subnets"): {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """Medians, in seconds."""

    start: float
    call: float
    """Over all operations, each with its median."""
    slowest_call: tuple[str, float]
    keep: float
    bring_back: float


def measure(world: World, runs: int) -> Embedded:
    calls = {f"{service}:{call}": _call(world, service, call, READS[service, call]) for service, call in READS}
    return Embedded(
        start=statistics.median(_start() for _ in range(runs)),
        call=statistics.median(calls.values()),
        slowest_call=max(calls.items(), key=lambda item: item[1]),
        keep=_median(runs, lambda: world.keep(WORKED_EXAMPLE)),
        bring_back=_median(runs, lambda: world.restore(WORKED_EXAMPLE)),
    )


def _start() -> float:
    """From the command to the line that says it is ready."""
    command = [sys.executable, "-m", "local_aws", "--port", "0"]
    begin = time.monotonic()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        took = time.monotonic() - begin
        server.terminate()
    if not line.startswith("AWS_ENDPOINT_URL="):
        raise CommandFailed("the embedded AWS did not start")
    return took


def _call(world: World, service: str, operation: str, arguments: Mapping[str, Any]) -> float:
    client = boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=world.endpoint,
        aws_access_key_id="111111111111",
        aws_secret_access_key="benchmark",
        config=Config(retries={"total_max_attempts": 1}),
    )
    call = getattr(client, operation)
    call(**arguments)  # connects
    return _median(CALLS, lambda: call(**arguments))


def _median(times: int, action: Callable[[], Any]) -> float:
    found = []
    for _ in range(times):
        begin = time.monotonic()
        action()
        found.append(time.monotonic() - begin)
    return statistics.median(found)
