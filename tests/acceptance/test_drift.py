"""Changes made by a plain script behind our back: found and named, repaired or held, and then in sync again."""

from __future__ import annotations

from collections.abc import Callable

from tests.acceptance.world import REGIONS, Project, World, conditions

ZONE = "Z0123456789EXAMPLE"


def change_price_class(world: World) -> None:
    edge, id_ = world.client("cloudfront"), world.resource("Distribution", "meridian-orders-edge")
    answer = edge.get_distribution_config(Id=id_)
    config = {**answer["DistributionConfig"], "PriceClass": "PriceClass_All"}
    edge.update_distribution(Id=id_, IfMatch=answer["ETag"], DistributionConfig=config)


def change_ttl(world: World) -> None:
    change_record(world, "UPSERT", {**route(world, "eu-west-1"), "TTL": 222})


def change_memory(world: World) -> None:
    world.client("lambda", "eu-west-1").update_function_configuration(
        FunctionName="meridian-orders-api", MemorySize=256
    )


def change_retention(world: World) -> None:
    world.client("logs", "us-east-1").put_retention_policy(logGroupName="/meridian/orders/api", retentionInDays=3)


def delete_record(world: World) -> None:
    change_record(world, "DELETE", route(world, "ap-northeast-1"))


def change_probe(world: World) -> None:
    probe = world.resource("Probe", "meridian-orders-api", "eu-west-1")
    world.client("route53").update_health_check(HealthCheckId=probe, FailureThreshold=9)


def force_gate_open(world: World) -> None:
    gate = world.gate("us-east-1")
    world.client("route53").update_health_check(HealthCheckId=gate["Id"], HealthThreshold=0)


def route(world: World, region: str) -> dict:
    return next(r for r in world.records() if r["Name"].startswith("route.") and r["SetIdentifier"] == region)


def change_record(world: World, action: str, record: dict) -> None:
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
    world.client("route53").change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch=batch)


# What a script does, and the finding that it must lead to; `tests/catalogue` has each alone.
HEALED: dict[Callable[[World], None], str] = {
    change_price_class: "edge/priceClass",
    change_ttl: "routing/ttlSeconds eu-west-1",
    change_memory: "regions/eu-west-1/api/memoryMb eu-west-1",
    change_retention: "regions/us-east-1/api/FunctionLogs/RetentionInDays us-east-1",
    delete_record: "routing/records ap-northeast-1",
    change_probe: "regions/eu-west-1/api/health/failureThreshold eu-west-1",
    force_gate_open: "regions/us-east-1/traffic us-east-1",
}


def test_changes_from_outside_are_named_and_repaired(world: World, project: Project) -> None:
    for change in HEALED:
        change(world)
    findings = world.findings(project)
    assert {key: f["disposition"] for key, f in findings.items()} == dict.fromkeys(HEALED.values(), "heal")
    for change, found in HEALED.items():
        assert findings[found]["desired"] != findings[found]["observed"] or change is delete_record
    plan = world.meridian(project, "plan", "--detailed-exitcode", "--format", "json")
    assert plan.code == 2, plan.said
    expected = {found.split()[0] for found in HEALED.values()}
    assert {c["path"]: c["origin"] for c in plan.json["changes"]} == dict.fromkeys(expected, "drift")
    before = world.stacks()
    world.converges(project)
    touched = world.updated_since(before)
    assert set(touched) == {
        ("us-east-1", "meridian-orders-edge"),
        ("us-east-1", "meridian-orders-routing"),
        ("us-east-1", "meridian-orders-api"),
        ("eu-west-1", "meridian-orders-api"),
    }
    for region, stack in touched:
        client = world.client("cloudformation", region)
        newest = max(client.list_change_sets(StackName=stack)["Summaries"], key=lambda s: s["CreationTime"])
        told = client.describe_change_set(StackName=stack, ChangeSetName=newest["ChangeSetName"])
        assert told["DeploymentMode"] == "REVERT_DRIFT", stack
    assert world.is_in_sync(project)


def test_a_report_only_topology_is_left_as_it_is(world: World, project: Project) -> None:
    change_memory(world)
    project.edit(("mode: heal ", "mode: report "))
    world.forget_calls()
    status = world.converges(project).lines[-1]
    assert conditions(status)["DriftDetected"] == "True"
    assert world.mutating() == 0


def close_gate(world: World) -> None:
    gate = world.gate("eu-west-1")
    children = gate["HealthCheckConfig"]["ChildHealthChecks"]
    world.client("route53").update_health_check(HealthCheckId=gate["Id"], HealthThreshold=len(children) + 1)


def disable_distribution(world: World) -> None:
    edge, id_ = world.client("cloudfront"), world.resource("Distribution", "meridian-orders-edge")
    answer = edge.get_distribution_config(Id=id_)
    config = {**answer["DistributionConfig"], "Enabled": False}
    edge.update_distribution(Id=id_, IfMatch=answer["ETag"], DistributionConfig=config)
    world.until(lambda: edge.get_distribution(Id=id_)["Distribution"]["Status"] == "Deployed")


def move_writer(world: World) -> None:
    rds = world.client("rds", "us-east-1")
    target = world.client("rds", "eu-west-1").describe_db_clusters()["DBClusters"][0]["DBClusterArn"]
    rds.switchover_global_cluster(GlobalClusterIdentifier="orders", TargetDbClusterIdentifier=target)
    world.until(lambda: writer(world) == "eu-west-1")


def writer(world: World) -> str:
    (whole,) = world.client("rds").describe_global_clusters()["GlobalClusters"]
    writers = [m["DBClusterArn"].split(":")[3] for m in whole["GlobalClusterMembers"] if m["IsWriter"]]
    return writers[0] if whole["Status"] == "available" and len(writers) == 1 else ""


HELD: dict[Callable[[World], None], str] = {
    move_writer: "database/writer",
    close_gate: "regions/eu-west-1/traffic eu-west-1",
    disable_distribution: "edge/Distribution/DistributionConfig/Enabled",
}


def test_what_an_operator_does_in_an_incident_is_held(world: World, project: Project) -> None:
    for change in HELD:
        change(world)
    findings = world.findings(project)
    assert {key: f["disposition"] for key, f in findings.items()} == dict.fromkeys(HELD.values(), "hold")
    gates = world.gates()
    world.forget_calls()
    status = world.converges(project).lines[-1]
    assert world.mutating() == 0, world.calls()
    assert conditions(status)["DriftDetected"] == "True"
    assert world.gates() == gates


def test_a_held_change_does_not_keep_a_commit_from_going_out(world: World, project: Project) -> None:
    close_gate(world)
    gates = world.gates()
    project.edit(("memoryMb: 512", "memoryMb: 640"))
    world.converges(project)
    for region in REGIONS:
        function = world.client("lambda", region).get_function_configuration(FunctionName="meridian-orders-api")
        assert function["MemorySize"] == 640, region
    assert world.gates() == gates
