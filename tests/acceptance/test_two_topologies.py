"""Two APIs in one account and one folder: each converges, they share only the foundation, one failing leaves the other alone."""

from __future__ import annotations

from tests.acceptance.world import REGIONS, Project, World, conditions

BILLING = (
    ("  name: orders  ", "  name: billing "),
    ("    name: orders\n    writer: us-east-1", "    name: billing\n    writer: eu-west-1"),
    ("name: api.example.com", "name: billing.example.com"),
    ("    - {name: us-east-1,      cidr: 10.10.0.0/16, traffic: serving}     # serving | drained\n", ""),
    ("10.20.0.0/16", "10.120.0.0/16"),
    ("    - {name: ap-northeast-1, cidr: 10.30.0.0/16, traffic: serving}\n", ""),
)


def test_a_second_topology_joins_the_first(world: World, project: Project) -> None:
    project.add("billing", *BILLING)
    before = world.stacks()
    documents = world.converges(project).lines
    statuses = {d["topology"]: d for d in documents if d["kind"] == "Status"}
    assert {name: conditions(s)["Ready"] for name, s in statuses.items()} == {"billing": "True", "orders": "True"}
    assert set(world.updated_since(before)) == {
        *(("us-east-1", f"meridian-billing-{kind}") for kind in ("global", "routing", "edge")),
        *(("eu-west-1", f"meridian-billing-{kind}") for kind in ("data", "api")),
    }
    assert {r.split("/")[1] for r in world.gates()} == {"orders", "billing"}
    for command, kind in (("plan", "Plan"), ("drift", "DriftReport"), ("status", "Status")):
        ran = world.meridian(project, command, "--format", "json")
        assert ran.code == 0, ran.said
        assert ran.json["kind"] == "List"
        assert [(d["kind"], d["topology"]) for d in ran.json["items"]] == [(kind, "billing"), (kind, "orders")]


def test_one_that_fails_leaves_the_other_its_turn(world: World, project: Project) -> None:
    project.add("billing", *BILLING)
    project.edit(("memoryMb: 512", "memoryMb: 1024"))
    world.faults({"resource": "AWS::RDS::GlobalCluster", "error": "the quota of global clusters is used up"})
    ran = world.meridian(project, "converge")
    world.faults()
    assert ran.code == 5, ran.said
    assert "the quota of global clusters is used up" in ran.out + ran.err
    for region in REGIONS:
        function = world.client("lambda", region).get_function_configuration(FunctionName="meridian-orders-api")
        assert function["MemorySize"] == 1024


def test_two_documents_of_one_domain_are_refused(world: World, project: Project) -> None:
    project.add("billing", BILLING[0], BILLING[1])
    world.forget_calls()
    ran = world.meridian(project, "converge")
    assert ran.code == 65
    assert "api.example.com" in ran.err
    assert world.control("calls")["total"] == 0
