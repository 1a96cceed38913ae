"""A failover, judged by what the Region that takes over sees."""

import pytest

from reconciler.act import Wait
from reconciler.act.failover import fail_over
from reconciler.model.observed import GlobalCluster, GlobalMember
from reconciler.model.requests import FailOver

EAST, WEST = "us-east-1", "eu-west-1"
WHOLE = {"Status": "available", "DBClusterMembers": [{"DBInstanceIdentifier": "0"}]}


def arn(region):
    return f"arn:aws:rds:{region}:111111111111:cluster:orders-{region}"


def group(writer=EAST, **more):
    members = tuple(
        GlobalMember(region=r, cluster_arn=arn(r), is_writer=r == writer, synchronization=None) for r in (WEST, EAST)
    )
    given = {"members": members, "status": "available", **more}
    return GlobalCluster(identifier="orders", engine_version="16.8", **given)


def test_it_is_asked_in_the_region_that_takes_over():
    assert fail_over("orders", WEST, group(), WHOLE) == FailOver(
        region=WEST, global_cluster="orders", target_arn=arn(WEST)
    )


def test_it_is_done_once_the_region_writes_and_is_available():
    assert fail_over("orders", WEST, group(WEST), WHOLE) is None
    assert fail_over("orders", WEST, group(WEST), {**WHOLE, "Status": "failing-over"}) == Wait(
        "eu-west-1 is the writer; its cluster is failing-over"
    )


def test_while_the_writer_is_on_its_way_nothing_is_asked():
    moving = group(failover="failing-over", moving_to=WEST)
    assert isinstance(fail_over("orders", WEST, moving, WHOLE), Wait)


@pytest.mark.parametrize(
    ("seen", "cluster", "code", "words"),
    [
        (None, None, "GlobalClusterNotFound", "eu-west-1 knows no global database orders"),
        (group(members=()), None, "NotAMember", "Regions that do: none"),
        (group(), {"Status": "available", "DBClusterMembers": []}, "NoInstance", "no instance that could write"),
        (group(failover="switching-over", moving_to="ap-south-1"), WHOLE, "WriterIsMoving", "its way to ap-south-1"),
    ],
)
def test_what_stands_in_the_way_is_named(seen, cluster, code, words):
    problem = fail_over("orders", WEST, seen, cluster)
    assert (problem.code, problem.retry) == (code, False)
    assert words in problem.message
