"""The main job: one command makes AWS what the file says, a second one has nothing to do, and looking changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import First
from tests.acceptance.world import ACCOUNT, REGIONS, Project, World, conditions
from tests.contract.operations import operations
from tests.embedded.conftest import STILL

DOMAIN = "api.example.com"


@pytest.fixture
def world(server: World, first: First) -> Iterator[World]:
    """What the command itself made."""
    server.restore(first.snapshot)
    yield server
    server.control("clock", {"speed": STILL})


def test_converges_from_nothing(first: First) -> None:
    *passes, status = first.ran.lines
    assert {p["kind"] for p in passes} == {"Outcome"}
    assert passes[-1]["result"] == "Converged"
    assert status["kind"] == "Status"
    assert conditions(status) == {"Ready": "True", "Serving": "True", "DriftDetected": "False"}


def test_status_is_ready_and_serving(world: World, project: Project) -> None:
    ran = world.meridian(project, "status", "--format", "json")
    assert ran.code == 0
    assert conditions(ran.json)["Ready"] == conditions(ran.json)["Serving"] == "True"
    assert [(r["name"], r["traffic"], r["health"], r["databaseRole"]) for r in ran.json["regions"]] == [
        ("us-east-1", "serving", "Healthy", "writer"),
        ("eu-west-1", "serving", "Healthy", "reader"),
        ("ap-northeast-1", "serving", "Healthy", "reader"),
    ]
    assert ran.json["edge"]["status"] == "Deployed"


def test_makes_what_the_contract_names(world: World) -> None:
    regional = {(r, f"meridian-{what}") for r in REGIONS for what in ("foundation", "orders-data", "orders-api")}
    central = {("us-east-1", f"meridian-orders-{what}") for what in ("global", "routing", "edge")}
    stacks = world.stacks()
    assert set(stacks) == regional | central
    assert {s["StackStatus"] for s in stacks.values()} == {"CREATE_COMPLETE"}
    assert world.client("dynamodb").describe_table(TableName="meridian-state")
    for region in REGIONS:
        clusters = world.client("rds", region).describe_db_clusters()["DBClusters"]
        assert [c["DBClusterIdentifier"] for c in clusters] == [f"orders-{region}"]
        apis = world.client("apigateway", region).get_rest_apis()["items"]
        assert [a["name"] for a in apis] == ["orders"]
        assert apis[0]["tags"]["meridian:topology"] == "orders"
        domains = world.client("apigateway", region).get_domain_names()["items"]
        assert {d["domainName"] for d in domains} == {f"origin.{DOMAIN}", f"{region}.origin.{DOMAIN}"}
        assert world.client("s3", region).head_bucket(Bucket=f"meridian-assets-{ACCOUNT}-{region}")
    (whole,) = world.client("rds").describe_global_clusters()["GlobalClusters"]
    assert whole["GlobalClusterIdentifier"] == "orders"


def test_gates_are_open_and_watch_their_region(world: World) -> None:
    gates = world.gates()
    assert {r.rpartition("/")[0] for r in gates} == {f"meridian/orders/{r}/gate" for r in REGIONS}
    for reference, gate in gates.items():
        config, region = gate["HealthCheckConfig"], reference.split("/")[2]
        assert config["HealthThreshold"] == len(config["ChildHealthChecks"])
        children = [
            world.client("route53").get_health_check(HealthCheckId=c)["HealthCheck"]["HealthCheckConfig"]
            for c in config["ChildHealthChecks"]
        ]
        assert f"{region}.origin.{DOMAIN}" in [c.get("FullyQualifiedDomainName") for c in children]


def test_names_lead_to_the_regions_through_their_gates(world: World) -> None:
    gates = {reference.split("/")[2]: gate["Id"] for reference, gate in world.gates().items()}
    for name in ("route", "origin"):
        records = [r for r in world.records() if r["Name"] == f"{name}.{DOMAIN}."]
        found = {r["SetIdentifier"]: (r["Region"], r["HealthCheckId"]) for r in records}
        assert found == {region: (region, gates[region]) for region in REGIONS}
    (distribution,) = world.client("cloudfront").list_distributions()["DistributionList"]["Items"]
    targets = {r["Type"]: r["AliasTarget"]["DNSName"] for r in world.records() if r["Name"] == f"{DOMAIN}."}
    assert {kind: target.rstrip(".") for kind, target in targets.items()} == dict.fromkeys(
        ("A", "AAAA"), distribution["DomainName"]
    )


def test_a_second_converge_makes_no_mutating_call(world: World, project: Project) -> None:
    world.forget_calls()
    *passes, status = world.converges(project).lines
    assert world.mutating() == 0, world.calls()
    assert [(p["result"], p["requests"]) for p in passes] == [("Converged", [])]
    assert conditions(status)["Ready"] == "True"


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "--detailed-exitcode"),
        ("drift", "--detailed-exitcode"),
        ("status",),
        ("validate",),
        ("synth", "--out", "assembly"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_looking_writes_nothing_at_all(world: World, project: Project, arguments: tuple[str, ...]) -> None:
    table = world.client("dynamodb").scan(TableName="meridian-state")["Items"]
    world.forget_calls()
    ran = world.meridian(project, *arguments)
    assert ran.code == 0, ran.said
    assert world.mutating() == 0
    assert {c for c in world.calls() if c.startswith("dynamodb:")} <= {"dynamodb:Query"}
    assert world.client("dynamodb").scan(TableName="meridian-state")["Items"] == table


def test_status_in_an_empty_account_says_what_is_missing(nothing: World, project: Project) -> None:
    ran = nothing.meridian(project, "status", "--format", "json")
    assert ran.code == 1
    assert ran.json["errors"][0]["code"] == "NotRecorded"


def test_every_call_is_in_the_table_of_operations(first: First) -> None:
    """The table is read off the adapters' source; this is the same question, asked of a run."""
    assert set(first.calls) - set(operations()) == set()
