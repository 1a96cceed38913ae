"""Every live reader gives what the applied template says (no false drift), and sees a change made through plain AWS calls."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciler.diff.beside import beside_findings
from reconciler.diff.database_findings import database_findings
from reconciler.diff.drift import stack_drift
from reconciler.model.facts import Sweep
from reconciler.model.observed import Missing, StackState, Unknown
from reconciler.model.stacks import StackKind, StackRef
from tests.embedded.conftest import Aws
from tests.embedded.converged import Converged, converged
from tests.embedded.hands import DOMAIN, SERVING, ZONE

EU = "eu-west-1"
DATA_EU = f"regions/{EU}/data"
DATA = {
    *("Cluster", "Instance0", "Instance1", "Parameters", "SubnetGroup", "Key"),
    *("Vpc", "Subnet0", "Subnet1", "Routes", "SubnetRoute0", "SubnetRoute1", "FunctionGroup", "DatabaseGroup"),
}
READ = {
    "global": {"GlobalCluster", "EdgeRole", "ProbeRole"},
    "data/us-east-1": {*DATA, "Master"},
    "data/eu-west-1": DATA,
    "api/eu-west-1": {
        *("Role", "MigrateRole"),
        *("Function", "FunctionLogs", "AccessLogs", "Api", "Stage", "Certificate", "Record", "Probe"),
        *("MigrateLogs", "Invoke", "Deployment"),
        *("RegionalDomain", "SharedDomain", "RegionalMapping", "SharedMapping", "ErrorsAlarm", "SlowAlarm"),
    },
    "routing": {f"{kind}{region}" for kind in ("Route", "Origin") for region in ("UsEast1", "EuWest1", "ApNortheast1")},
    "edge": {
        *("Distribution", "Certificate", "Router", "RouterVersion", "Headers"),
        *("LogDelivery", "A", "Aaaa"),
    },
}
HASHED = re.compile(r"(Deployment|RouterVersion)[0-9a-f]+")


class _Some:
    """Equal to every value."""

    def __eq__(self, other: object) -> bool:
        return other is not None

    def __hash__(self) -> int:
        return 0


SOME = _Some()


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
            findings, _ = stack_drift(state, live, observed.account)
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
    world.facts(Sweep.FULL)
    answer = world.aws.control("calls")[1]
    assert answer["mutating"] == 0
    assert answer["total"] == sum(world.ports.cloud.calls().values()) - before
    assert answer["total"] <= 15 + 21 * len(world.topology.regions)  # 14 + 22 R or less, whatever their number


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


def physical(aws: Aws, logical: str, stack: str = "data", region: str = EU) -> str:
    found = aws.client("cloudformation", region).describe_stack_resource(
        StackName=f"meridian-orders-{stack}", LogicalResourceId=logical
    )
    return found["StackResourceDetail"]["PhysicalResourceId"]


EVERYBODY = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def open_database(aws: Aws) -> None:
    group = physical(aws, "DatabaseGroup")
    aws.client("ec2", EU).authorize_security_group_ingress(GroupId=group, IpPermissions=[EVERYBODY])


def shut_functions_in(aws: Aws) -> None:
    ec2, group = aws.client("ec2", EU), physical(aws, "FunctionGroup")
    rules = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissionsEgress"]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=rules)


def way_out(aws: Aws) -> None:
    ec2 = aws.client("ec2", EU)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=physical(aws, "Vpc"))
    ec2.create_route(RouteTableId=physical(aws, "Routes"), DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


def untagged_network(aws: Aws) -> None:
    aws.client("ec2", EU).delete_tags(Resources=[physical(aws, "Routes")], Tags=[{"Key": "meridian:topology"}])


def parameter(aws: Aws, name: str, value: str, method: str = "immediate") -> None:
    aws.client("rds", EU).modify_db_cluster_parameter_group(
        DBClusterParameterGroupName=physical(aws, "Parameters"),
        Parameters=[{"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}],
    )


def plain_connections(aws: Aws) -> None:
    parameter(aws, "rds.force_ssl", "0")


def more_memory(aws: Aws) -> None:
    parameter(aws, "shared_buffers", "1000", "pending-reboot")


def last_in_line(aws: Aws) -> None:
    aws.client("rds", EU).modify_db_instance(
        DBInstanceIdentifier="orders-eu-west-1-1", PromotionTier=15, ApplyImmediately=True
    )


def disabled_key(aws: Aws) -> None:
    aws.client("kms", EU).disable_key(KeyId=physical(aws, "Key"))


def dying_key(aws: Aws) -> None:
    aws.client("kms", EU).schedule_key_deletion(KeyId=physical(aws, "Key"), PendingWindowInDays=7)


def deleted_secret(aws: Aws) -> None:
    secret = physical(aws, "Master", region="us-east-1")
    aws.client("secretsmanager", "us-east-1").delete_secret(SecretId=secret, RecoveryWindowInDays=7)


def widened_role(aws: Aws) -> None:
    allow = {"Effect": "Allow", "Action": "rds-db:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    role = physical(aws, "Role", "api")
    aws.client("iam").put_role_policy(RoleName=role, PolicyName="database", PolicyDocument=document)


def trusting_role(aws: Aws) -> None:
    anybody = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [anybody]})
    aws.client("iam").update_assume_role_policy(RoleName="meridian-orders-probe", PolicyDocument=document)


def stronger_role(aws: Aws) -> None:
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    aws.client("iam").attach_role_policy(RoleName=physical(aws, "MigrateRole", "api"), PolicyArn=arn)


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
        (throttle, "regions/eu-west-1/api/throttle/rate", (1000, 5.0)),
        (backups, "regions/eu-west-1/data/Cluster/BackupRetentionPeriod", (7, 3)),
        (inverted_probe, "regions/eu-west-1/api/Probe/HealthCheckConfig/Inverted", (False, True)),
        (open_database, f"{DATA_EU}/DatabaseGroup/SecurityGroupIngress", (SOME, SOME)),
        (shut_functions_in, f"{DATA_EU}/FunctionGroup/SecurityGroupEgress", (SOME, [])),
        (way_out, f"{DATA_EU}/Routes/Routes", (None, SOME)),
        (untagged_network, f"{DATA_EU}/Routes/Tags", (SOME, None)),
        (plain_connections, f"{DATA_EU}/Parameters/Parameters/rds.force_ssl", ("1", "0")),
        (more_memory, f"{DATA_EU}/Parameters/Parameters/shared_buffers", (None, "1000")),
        (last_in_line, "regions/eu-west-1/database/instancesPerRegion", (1, 15)),
        (disabled_key, f"{DATA_EU}/Key/Enabled", (True, False)),
        (dying_key, f"{DATA_EU}/Key/Enabled", (True, False)),
        (deleted_secret, "regions/us-east-1/database/master", (None, SOME)),
        (widened_role, "regions/eu-west-1/api/Role/Policies/0/PolicyDocument", (SOME, SOME)),
        (trusting_role, "global/ProbeRole/AssumeRolePolicyDocument", (SOME, SOME)),
        (stronger_role, "regions/eu-west-1/api/MigrateRole/ManagedPolicyArns", (None, SOME)),
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


def judged(world: Converged) -> dict[str, tuple[str, Any]]:
    """Disposition and observed value of what no template says, by path."""
    found = database_findings(world.topology, world.observed(Sweep.FULL), ())
    return {f.path: (str(f.disposition), f.observed) for f in found}


def added_instance(aws: Aws) -> None:
    rds, name = aws.client("rds", EU), "orders-eu-west-1-more"
    place = {"DBClusterIdentifier": "orders-eu-west-1", "DBInstanceClass": "db.serverless"}
    rds.create_db_instance(DBInstanceIdentifier=name, Engine="aurora-postgresql", **place)


def added_member(aws: Aws) -> None:
    key = aws.client("kms", "us-west-2").create_key()["KeyMetadata"]["Arn"]
    aws.client("rds", "us-west-2").create_db_cluster(
        DBClusterIdentifier="reporting",
        Engine="aurora-postgresql",
        EngineVersion="16.8",
        GlobalClusterIdentifier="orders",
        StorageEncrypted=True,
        KmsKeyId=key,
    )


def waiting_parameter(aws: Aws) -> None:
    """Set and taken back: the value is the declared one, and the instances wait all the same."""
    more_memory(aws)
    group = physical(aws, "Parameters")
    taken = [{"ParameterName": "shared_buffers", "ApplyMethod": "pending-reboot"}]
    aws.client("rds", EU).reset_db_cluster_parameter_group(DBClusterParameterGroupName=group, Parameters=taken)


def copied_cluster(aws: Aws) -> None:
    aws.client("rds", EU).create_db_cluster(
        DBClusterIdentifier="orders-eu-west-1-copy",
        Engine="aurora-postgresql",
        EngineVersion="16.8",
        MasterUsername="someone",
        MasterUserPassword="not-a-secret-1",
    )


def shared_snapshot(aws: Aws) -> None:
    rds, name = aws.client("rds", EU), "before-the-release"
    rds.create_db_cluster_snapshot(DBClusterIdentifier="orders-eu-west-1", DBClusterSnapshotIdentifier=name)
    named = {"DBClusterSnapshotIdentifier": name}
    aws.until(lambda: rds.describe_db_cluster_snapshots(**named)["DBClusterSnapshots"][0]["Status"] == "available")
    rds.modify_db_cluster_snapshot_attribute(AttributeName="restore", ValuesToAdd=["222222222222"], **named)


@pytest.mark.parametrize(
    ("change", "path", "disposition", "observed"),
    [
        (added_instance, "regions/eu-west-1/database/instancesPerRegion", "hold", 3),
        (added_member, "database/members", "hold", "arn:aws:rds:us-west-2:111111111111:cluster:reporting"),
        (
            waiting_parameter,
            f"{DATA_EU}/Cluster/DBClusterParameterGroupStatus",
            "hold",
            ["orders-eu-west-1-0", "orders-eu-west-1-1"],
        ),
        (copied_cluster, f"{DATA_EU}/orders-eu-west-1-copy", "page", "orders-eu-west-1-copy"),
        (shared_snapshot, f"{DATA_EU}/snapshots", "page", {"before-the-release": ["222222222222"]}),
    ],
)
def test_what_no_template_says_is_seen(
    world: Converged, change: Callable[[Aws], None], path: str, disposition: str, observed: Any
) -> None:
    assert judged(world) == {}
    change(world.aws)
    assert world.aws.until(lambda: judged(world)) == {path: (disposition, observed)}
    assert deviating(world) == {}


def test_a_copy_of_the_database_is_left_alone_by_a_look_that_does_not_read_it(world: Converged) -> None:
    copied_cluster(world.aws)
    observed = world.observed()
    assert isinstance(observed.strays[EU], Unknown)
    assert list(database_findings(world.topology, observed, ())) == []
