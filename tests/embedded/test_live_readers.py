"""Every live reader gives what the applied template says (no false drift), and sees a change made through plain AWS calls."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciler.diff.beside import beside_findings
from reconciler.diff.drift import stack_drift
from reconciler.model.facts import Sweep
from reconciler.model.observed import Missing, StackState
from reconciler.model.stacks import StackKind, StackRef
from tests.embedded.conftest import Aws
from tests.embedded.converged import Converged, converged
from tests.embedded.hands import DOMAIN, SERVING, ZONE

READ = {
    "global": {"GlobalCluster"},
    "data/eu-west-1": {"Cluster", "Instance0", "Instance1", "Key", "DatabaseLogs"},
    "api/eu-west-1": {
        *("Function", "FunctionLogs", "AccessLogs", "Api", "Stage", "Certificate", "Record", "Probe"),
        *("Migrate", "MigrateLogs", "Invoke", "Deployment"),
        *("RegionalDomain", "SharedDomain", "RegionalMapping", "SharedMapping", "ErrorsAlarm", "SlowAlarm"),
    },
    "routing": {f"{kind}{region}" for kind in ("Route", "Origin") for region in ("UsEast1", "EuWest1", "ApNortheast1")},
    "edge": {
        *("Distribution", "Certificate", "Router", "RouterVersion", "Headers"),
        *("EdgeLogs", "LogDelivery", "A", "Aaaa"),
    },
}
HASHED = re.compile(r"(Deployment|RouterVersion)[0-9a-f]+")


@pytest.fixture(scope="module")
def base(server: Aws) -> Iterator[Converged]:
    with converged(server) as world:
        yield world


@pytest.fixture
def world(base: Converged) -> Converged:
    base.restore()
    return base


def deviating(world: Converged) -> dict[str, tuple[Any, Any]]:
    """Path of each property that deviates from its template or stands beside it, with both values."""
    observed = world.observed(Sweep.FULL)
    found = {f.path: (f.desired, f.observed) for f in beside_findings(world.topology, observed)}
    for ref, state in observed.stacks.items():
        if isinstance(state, StackState):
            live = {name: seen for (owner, name), seen in observed.live.items() if owner == ref}
            findings, _, _ = stack_drift(state, live, observed.account)
            found.update({f.path: (f.desired, f.observed) for f in findings})
    return found


def test_no_reader_shows_drift_where_nothing_changed(world: Converged) -> None:
    assert deviating(world) == {}


def test_every_reader_reads_its_resource(world: Converged) -> None:
    live = world.observed(Sweep.FULL).live
    for stack, resources in READ.items():
        read = {name for (ref, name), seen in live.items() if str(ref) == stack and isinstance(seen, dict)}
        read = {HASHED.sub(r"\1", name) for name in read}
        assert read == resources, stack


def test_a_look_at_everything_stays_within_its_budget_of_calls(world: Converged) -> None:
    world.aws.control("calls", {})
    before = sum(world.ports.cloud.calls().values())
    world.facts()
    answer = world.aws.control("calls")[1]
    assert answer["mutating"] == 0
    assert answer["total"] == sum(world.ports.cloud.calls().values()) - before
    assert answer["total"] <= 14 + 22 * len(world.topology.regions)


def record_ttl(aws: Aws) -> None:
    name = f"route.{DOMAIN}"
    record = {"Name": name, "Type": "CNAME", "SetIdentifier": "eu-west-1", "Region": "eu-west-1", "TTL": 60}
    gates = aws.client("route53").list_health_checks()["HealthChecks"]
    gate = next(g["Id"] for g in gates if "/eu-west-1/gate/" in g["CallerReference"])
    values = [{"Value": f"eu-west-1.origin.{DOMAIN}"}]
    change = {
        "Action": "UPSERT",
        "ResourceRecordSet": {**record, "HealthCheckId": gate, "ResourceRecords": values},
    }
    aws.client("route53").change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch={"Changes": [change]})


def price_class(aws: Aws) -> None:
    cloudfront = aws.client("cloudfront")
    distribution = cloudfront.list_distributions()["DistributionList"]["Items"][0]["Id"]
    answer = cloudfront.get_distribution_config(Id=distribution)
    config = {**answer["DistributionConfig"], "PriceClass": "PriceClass_All"}
    cloudfront.update_distribution(Id=distribution, IfMatch=answer["ETag"], DistributionConfig=config)


def memory(aws: Aws) -> None:
    aws.client("lambda", "eu-west-1").update_function_configuration(FunctionName="meridian-orders-api", MemorySize=256)


def retention(aws: Aws) -> None:
    aws.client("logs", "eu-west-1").put_retention_policy(logGroupName="/meridian/orders/access", retentionInDays=7)


def database_retention(aws: Aws) -> None:
    group = "/aws/rds/cluster/orders-eu-west-1/postgresql"
    aws.client("logs", "eu-west-1").put_retention_policy(logGroupName=group, retentionInDays=7)


def throttle(aws: Aws) -> None:
    gateway = aws.client("apigateway", "eu-west-1")
    api = gateway.get_rest_apis()["items"][0]["id"]
    patch = [{"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "5"}]
    gateway.update_stage(restApiId=api, stageName="live", patchOperations=patch)


def backups(aws: Aws) -> None:
    rds = aws.client("rds", "eu-west-1")
    rds.modify_db_cluster(DBClusterIdentifier="orders-eu-west-1", BackupRetentionPeriod=3, ApplyImmediately=True)


def inverted_probe(aws: Aws) -> None:
    route53 = aws.client("route53")
    checks = route53.list_health_checks()["HealthChecks"]
    host = f"eu-west-1.origin.{DOMAIN}"
    probe = next(c["Id"] for c in checks if c["HealthCheckConfig"].get("FullyQualifiedDomainName") == host)
    route53.update_health_check(HealthCheckId=probe, Inverted=True)


@pytest.mark.parametrize("path", SERVING)
def test_a_hand_on_what_serves_is_seen_as_that_and_nothing_else(world: Converged, path: str) -> None:
    SERVING[path](world.aws)
    assert list(world.aws.until(lambda: deviating(world))) == [path]


@pytest.mark.parametrize(
    ("change", "path", "values"),
    [
        (record_ttl, "routing/ttlSeconds", ("10", 60)),
        (price_class, "edge/priceClass", ("PriceClass_100", "PriceClass_All")),
        (memory, "regions/eu-west-1/api/memoryMb", (512, 256)),
        (retention, "regions/eu-west-1/api/AccessLogs/RetentionInDays", (30, 7)),
        (database_retention, "regions/eu-west-1/data/DatabaseLogs/RetentionInDays", (30, 7)),
        (throttle, "regions/eu-west-1/api/throttle/rate", (1000, 5.0)),
        (backups, "regions/eu-west-1/data/Cluster/BackupRetentionPeriod", (7, 3)),
        (inverted_probe, "regions/eu-west-1/api/Probe/HealthCheckConfig/Inverted", (False, True)),
    ],
)
def test_a_change_made_outside_is_seen(
    world: Converged, change: Callable[[Aws], None], path: str, values: tuple[Any, Any]
) -> None:
    change(world.aws)
    assert world.aws.until(lambda: deviating(world)) == {path: values}


def test_a_resource_deleted_outside_is_missing_not_unknown(world: Converged) -> None:
    world.aws.client("logs", "eu-west-1").delete_log_group(logGroupName="/meridian/orders/access")
    ref = StackRef(StackKind.API, "eu-west-1")
    assert world.observed().live[ref, "AccessLogs"] == Missing()
