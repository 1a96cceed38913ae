"""The conformance suite itself: what may run on a real account runs without the embedded world, and cleans up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import boto3
import pytest

from tests.contract.conformance.conftest import ACCOUNT, Target
from tests.embedded.conftest import ROOT, Aws, start

ANOTHER = "222222222222"
QUICK = ("s3", "logs", "route53_zones")


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    process, line = start("--port", "0", "--speed", "600")
    yield Aws(line.partition("=")[2])
    process.terminate()
    assert process.wait(10) == 0
    assert process.stdout is not None
    process.stdout.close()


def test_a_test_that_is_real_reaches_no_control_endpoint(aws: Aws) -> None:
    with ExitStack() as cleanup, pytest.raises(AssertionError, match="is not on AWS"):
        Target(aws, cleanup, only_embedded=False).control("clock")


def test_on_an_account_it_runs_as_on_aws_and_leaves_nothing(aws: Aws) -> None:
    """An account of the embedded AWS that has nothing: reached only as AWS is, by address and keys of the environment."""
    environment = {
        **os.environ,
        "MERIDIAN_CONFORMANCE": "real",
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_ACCESS_KEY_ID": ANOTHER,
        "AWS_SECRET_ACCESS_KEY": "test",
        "PYTEST_ADDOPTS": "",
    }
    suite = [f"tests/contract/conformance/test_{name}.py" for name in QUICK]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *suite],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-3000:]
    assert ANOTHER in run.stdout
    assert ACCOUNT not in run.stdout
    assert "not run on a real account, because of what it would cost" in run.stdout
    assert "SwitchoverGlobalCluster: needs a global database" in run.stdout
    theirs = {"endpoint_url": aws.url, "aws_access_key_id": ANOTHER, "aws_secret_access_key": "test"}
    client = lambda service: boto3.client(service, region_name="us-east-1", **theirs)  # noqa: E731
    assert client("s3").list_buckets()["Buckets"] == []
    assert client("logs").describe_log_groups()["logGroups"] == []
    assert client("route53").list_hosted_zones()["HostedZones"] == []
    assert client("route53").list_health_checks()["HealthChecks"] == []
