"""Where functions at the edge run: in the Region of the regional edge cache that is nearest to the client, not in us-east-1.

Each such Region has processes of its own: what one remembers (the edge router its route), another does not know. Its resolver asks
from that Region. Processes see `time.monotonic` run at the speed of the virtual clock, as caches go by it; signatures go by
`time.time`, which is wall time there, as for all clients. [V: CloudFront Developer Guide, Lambda@Edge; aws-facts §6.1, §6.2]
"""

import copy
import json
import os
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local_aws.clock import CLOCK
from local_aws.dns import locations
from local_aws.dns.server import SERVER

PATCHED: tuple[str, ...] = (
    "ministack.core.lambda_runtime._PYTHON_WORKER_SCRIPT",
    "ministack.services.lambda_svc._execute_function_with_config_scope",
    "ministack.services.lambda_svc._execution_record_for_config",
    "ministack.services.lambda_svc._get_func_record_for_ref_in_scope",
)
CACHES = (
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "eu-west-1", "eu-west-2", "eu-central-1",
    "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2",
)  # fmt: skip
"""Regions with a regional edge cache [K]."""
_CLOCK = "MERIDIAN_VIRTUAL_CLOCK"
# Runs first in every process of a function. What has taken the clock before (threads, queues) keeps it: waiting is wall time.
_PRELUDE = f"""
import os as _os, queue as _queue, subprocess as _subprocess, threading as _threading, time as _time
def _at_the_speed_of_the_server(where, wall=_time.time):
    def monotonic():
        with open(where) as told:
            virtual, since, speed = map(float, told.read().split())
        return virtual + (wall() - since) * speed
    return monotonic
if "{_CLOCK}" in _os.environ:
    _time.monotonic = _at_the_speed_of_the_server(_os.environ.pop("{_CLOCK}"))
"""


def nearest(place: str) -> str:
    """The Region with the edge cache through which a client at this place comes."""
    return min(CACHES, key=lambda region: locations.distance(place, region))


class Failed(Exception):
    """The function could not be run, or ended with an error: the message says which."""


def run(version: str, event: dict[str, Any], account: str, region: str) -> Any:
    """What the function's version makes of the event in this Region. Blocks; raises Failed."""
    found, config, name = lambda_svc._get_func_record_for_ref_in_scope(version, account_id=account, region="us-east-1")
    if found is None or config is None:
        raise Failed(f"there is no {version}")
    answer = lambda_svc._execute_function_with_config_scope(_in(region, name, found, config), copy.deepcopy(event))
    body = answer.get("body")
    text = body.decode("utf-8", "replace") if isinstance(body, bytes | bytearray) else body
    if answer.get("error") or answer.get("throttle"):
        raise Failed(str(text))
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError as error:
        raise Failed(f"the answer is no JSON: {error}") from None


def _in(region: str, name: str, found: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """The replica there: logs go to `/aws/lambda/us-east-1.<function>` of that Region [V]."""
    arn = config["FunctionArn"].split(":")
    arn[3], arn[6] = region, f"us-east-1.{name}"
    resolver = {"DNS_RESOLVER": SERVER.resolver(region)}
    replica = {**config, "FunctionName": arn[6], "FunctionArn": ":".join(arn), "Environment": {"Variables": resolver}}
    record: dict[str, Any] = lambda_svc._execution_record_for_config(found, replica)
    return record


def install() -> None:
    told = Path(os.environ["TMPDIR"]) / "clock"

    def tell(virtual: float, wall: float, speed: float) -> None:
        aside = told.with_suffix(".new")
        aside.write_text(f"{virtual!r} {wall!r} {speed!r}")
        aside.replace(told)

    CLOCK.follow(tell)
    os.environ[_CLOCK] = str(told)
    lambda_runtime._PYTHON_WORKER_SCRIPT = _PRELUDE + lambda_runtime._PYTHON_WORKER_SCRIPT
