"""Edits of the file, as commits bring them: only what they concern is touched, in order; what is not safe is refused by name."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.acceptance.world import REGIONS, Project, World, conditions

EU = "{name: eu-west-1,      cidr: 10.20.0.0/16, traffic: serving}"
TOKYO = "{name: ap-northeast-1, cidr: 10.30.0.0/16, traffic: serving}"
FRANKFURT = "{name: eu-central-1, cidr: 10.40.0.0/16, traffic: serving}"
WRITER_LAST = ("eu-west-1", "ap-northeast-1", "us-east-1")


def test_a_setting_goes_out_region_by_region_the_writer_last(world: World, project: Project) -> None:
    project.edit(("memoryMb: 512", "memoryMb: 1024"))
    plan = world.meridian(project, "plan", "--detailed-exitcode", "--format", "json")
    assert plan.code == 2
    assert {(c["path"], c["origin"]) for c in plan.json["changes"]} == {
        (f"regions/{r}/api/memoryMb", "git") for r in REGIONS
    }
    before = world.stacks()
    world.forget_calls()
    world.converges(project)
    assert world.updated_since(before) == [(region, "meridian-orders-api") for region in WRITER_LAST]
    assert world.calls()["cloudformation:ExecuteChangeSet"] == 3
    moments = [operation(world, region) for region in WRITER_LAST]
    assert all(end <= begin for (_, end), (begin, _) in pairwise(moments))
    for region in REGIONS:
        function = world.client("lambda", region).get_function_configuration(FunctionName="meridian-orders-api")
        assert function["MemorySize"] == 1024


def operation(world: World, region: str):
    """When the api stack's latest operation began and ended, as its own events tell."""
    events = world.client("cloudformation", region).describe_stack_events(StackName="meridian-orders-api")
    own = [e for e in events["StackEvents"] if e["LogicalResourceId"] == "meridian-orders-api"]
    began = max(e["Timestamp"] for e in own if e["ResourceStatus"] == "UPDATE_IN_PROGRESS")
    return began, max(e["Timestamp"] for e in own if e["ResourceStatus"] == "UPDATE_COMPLETE")


def test_a_ttl_and_a_price_class_touch_routing_and_edge_only(world: World, project: Project) -> None:
    project.edit(("ttlSeconds: 10", "ttlSeconds: 20"), ("PriceClass_100", "PriceClass_200"))
    before = world.stacks()
    world.converges(project)
    assert set(world.updated_since(before)) == {
        ("us-east-1", "meridian-orders-routing"),
        ("us-east-1", "meridian-orders-edge"),
    }
    assert {r["TTL"] for r in world.records() if r["Name"].startswith("route.")} == {20}
    (distribution,) = world.client("cloudfront").list_distributions()["DistributionList"]["Items"]
    assert distribution["PriceClass"] == "PriceClass_200"
    assert world.is_in_sync(project)


def test_a_fourth_region_joins(world: World, project: Project) -> None:
    project.edit((TOKYO, f"{TOKYO}\n    - {FRANKFURT}"))
    before = world.stacks()
    status = world.converges(project).lines[-1]
    assert world.updated_since(before) == [
        ("eu-central-1", "meridian-foundation"),
        ("eu-central-1", "meridian-orders-data"),
        ("eu-central-1", "meridian-orders-api"),
        ("us-east-1", "meridian-orders-routing"),
    ]
    assert conditions(status)["Ready"] == "True"
    assert {r["name"]: r["traffic"] for r in status["regions"]} == dict.fromkeys((*REGIONS, "eu-central-1"), "serving")
    assert world.gate("eu-central-1")["HealthCheckVersion"] == 2
    assert {r["SetIdentifier"] for r in world.records() if r["Name"].startswith("origin.")} == {
        *REGIONS,
        "eu-central-1",
    }


CIDR, OLDER = ("10.20.0.0/16", "10.77.0.0/16"), ('version: "16.8"', 'version: "16.6"')
# Edits of one commit, and what must be refused of it, by name and place. What stops the look at everything else stands alone.
REFUSED: dict[str, tuple[tuple[tuple[str, str], ...], set[tuple[str, str]]]] = {
    "what cannot be changed": (
        (
            ('version: "16.8"', 'version: "17.4"'),
            CIDR,
            ("intervalSeconds: 10", "intervalSeconds: 30"),
            ("    name: orders\n    writer", "    name: other\n    writer"),
            ("instancesPerRegion: 2", "instancesPerRegion: 1"),
            ("name: api.example.com", "name: www.example.com"),
        ),
        {
            ("EngineMajorUpgradeNotSupported", "spec.database.version"),
            ("ReplacementRefused", "spec.regions.eu-west-1.cidr"),
            ("ReplacementRefused", "spec.api.health.intervalSeconds"),
            ("ReplacementRefused", "spec.database.name"),
            ("RemovalRefused", "spec.database.instancesPerRegion"),
            ("DomainChangeRefused", "spec.domain"),
        },
    ),
    "two Regions": (((f"    - {EU}\n    - {TOKYO}\n", ""),), {("BlastRadius", "spec.safety.maxConcurrentRegions")}),
    "rename": ((("  name: orders  ", "  name: renamed  "),), {("NameTaken", "metadata.name")}),
    "account": ((('account: "111111111111"', 'account: "222222222222"'),), {("WrongAccount", "spec.account")}),
    "zone": (
        (("Z0123456789EXAMPLE", "Z9999999999EXAMPLE"),),
        {("HostedZoneNotInAccount", "spec.domain.hostedZoneId")},
    ),
    "home Region": (
        (("homeRegion: us-east-1", "homeRegion: eu-west-1"),),
        {("HomeRegionChanged", "spec.homeRegion")},
    ),
}


@pytest.mark.parametrize(("edits", "refused"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_safe_is_refused_by_name(
    world: World, project: Project, edits: tuple[tuple[str, str], ...], refused: set[tuple[str, str]]
) -> None:
    project.edit(*edits)
    world.forget_calls()
    ran = world.meridian(project, "converge", "--format", "json")
    assert ran.code == 3, ran.said
    (outcome,) = (line for line in ran.lines if line["kind"] == "Outcome")
    assert refused <= {(r["code"], r["path"]) for r in outcome["refusals"]}, ran.said
    assert world.mutating() == 0, world.calls()


def test_a_refusal_leaves_the_rest_of_the_commit_alone_and_says_where(world: World, project: Project) -> None:
    project.edit(("memoryMb: 512", "memoryMb: 1024"), OLDER, CIDR)
    world.forget_calls()
    plan = world.meridian(project, "plan", "--format", "json")
    assert plan.code == 3
    assert plan.json["waves"] == []
    assert {r["code"]: r["path"] for r in plan.json["refusals"]} == {
        "EngineDowngradeRefused": "spec.database.version",
        "ReplacementRefused": "spec.regions.eu-west-1.cidr",
    }
    assert world.mutating() == 0


def test_a_plan_that_moved_is_not_carried_out(world: World, project: Project) -> None:
    project.edit(("memoryMb: 512", "memoryMb: 1024"))
    assert world.meridian(project, "plan", "--out", "plan.json").code == 0
    project.edit(("ttlSeconds: 10", "ttlSeconds: 20"))
    world.forget_calls()
    ran = world.meridian(project, "converge", "--plan", "plan.json", "--format", "json")
    assert ran.code == 3
    assert "PlanMoved" in ran.out
    assert world.mutating() == 0


def test_suspended_by_the_document(world: World, project: Project) -> None:
    project.edit(("memoryMb: 512", "memoryMb: 1024"), ("suspend: false", "suspend: true"))
    world.forget_calls()
    ran = world.meridian(project, "converge", "--format", "json")
    assert ran.code == 3
    assert conditions(ran.lines[-1])["Suspended"] == "True"
    assert world.mutating() == 0
