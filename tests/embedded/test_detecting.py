"""The second detector on a topology that really stands: what direct reads leave out, CloudFormation finds; it is healed or held."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.detecting import change_set_name, detect, detect_under
from reconciler.loop import look
from reconciler.model.change import Finding
from reconciler.model.facts import Sweep
from tests.embedded.conftest import Aws
from tests.embedded.converged import Converged, converged
from tests.embedded.test_putting_back import calls, passes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
EU = "eu-west-1"
BUCKET = f"meridian-assets-111111111111-{EU}"


@pytest.fixture(scope="module")
def module_world(server: Aws) -> Iterator[Converged]:
    with converged(server) as world:
        yield world


@pytest.fixture
def world(module_world: Converged) -> Converged:
    module_world.restore()
    return module_world


def findings(world: Converged) -> dict[str, Finding]:
    return {f.path: f for f in look(world.ports, world.topology, sweep=Sweep.FULL).diff.findings}


def test_what_nobody_touched_is_in_sync(world: Converged) -> None:
    assert detect(world.ports, world.topology) == {}
    assert findings(world) == {}


def test_what_direct_reads_leave_out_is_found_healed_or_held(world: Converged) -> None:
    s3 = world.aws.client("s3", EU)
    s3.put_public_access_block(
        Bucket=BUCKET,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": False,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    (vpc,) = (s.resources["Vpc"] for ref, s in world.observed().stacks.items() if str(ref) == f"data/{EU}")
    world.aws.client("ec2", EU).modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
    assert findings(world) == {}, "nobody who only looks can tell"
    assert detect(world.ports, world.topology) == {}
    found = findings(world)
    bucket = f"regions/{EU}/foundation/Assets/PublicAccessBlockConfiguration/BlockPublicAcls"
    network = f"regions/{EU}/data/Vpc/EnableDnsHostnames"
    assert {p: (str(f.disposition), f.detected_by) for p, f in found.items()} == {
        bucket: ("heal", "change-set"),
        network: ("hold", "change-set"),
    }
    assert found[network].desired == "true"
    assert found[network].observed == "false"
    assert {call for call, _ in calls(passes(world))} == {
        "cloudformation:CreateChangeSet",
        "cloudformation:ExecuteChangeSet",
    }
    assert list(findings(world)) == [network]
    block = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert block["BlockPublicAcls"] is True


def test_a_repair_meets_drift_that_it_was_not_made_for_and_judges_it_first(world: Converged) -> None:
    """Direct reads see the security group; of the network beside it, which is held, only the repair's change set tells."""
    ec2 = world.aws.client("ec2", EU)
    (made,) = (s.resources for ref, s in world.observed().stacks.items() if str(ref) == f"data/{EU}")
    vpc, group = made["Vpc"], made["DatabaseGroup"]
    everybody = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[everybody])
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
    asked = calls(passes(world))
    assert [call for call, _ in asked] == ["cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet"]
    found = findings(world)
    network = f"regions/{EU}/data/Vpc/EnableDnsHostnames"
    assert (str(found[network].disposition), found[network].detected_by) == ("hold", "change-set")
    assert found[f"regions/{EU}/data/DatabaseGroup/SecurityGroupIngress"].detected_by == "both"
    (seen,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert "0.0.0.0/0" in str(seen["IpPermissions"]), "held together with what is beside it"
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert detect(world.ports, world.topology) == {}
    assert ("cloudformation:ExecuteChangeSet", EU) in calls(passes(world))
    assert findings(world) == {}


def test_no_stack_is_begun_with_once_the_time_is_over(world: Converged) -> None:
    seen = look(world.ports, world.topology, sweep=Sweep.FULL)
    with world.ports.journal.lease(world.topology) as lease:
        left = detect_under(lease, world.ports, world.topology, seen, seconds=-1)
    assert set(left.values()) == {"left for the next time"}
    assert len(left) == len(seen.observed.stacks)


def test_a_change_set_that_somebody_left_is_put_away(world: Converged) -> None:
    cloudformation, name = world.aws.client("cloudformation", EU), change_set_name(world.topology)
    stack = "meridian-orders-api"
    keys = [p["ParameterKey"] for p in cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Parameters"]]
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=name,
        ChangeSetType="UPDATE",
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in keys],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    assert detect(world.ports, world.topology) == {}
    left = cloudformation.list_change_sets(StackName=stack)["Summaries"]
    assert name not in {s["ChangeSetName"] for s in left}
