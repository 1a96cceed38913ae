"""`meridian failover`: what it refuses, what it keeps, and how it goes on when calls fail; without AWS."""

import json
from dataclasses import dataclass, field

import pytest

from reconciler.cli.exits import NotDone
from reconciler.cli.failover import FailingOver
from reconciler.model.errors import AccessDenied, CloudUnavailable, Unanswered
from tests.fakes import outcomes
from tests.unit.report.test_schemas import check

OLD, NEW = "us-east-1", "eu-west-1"


def arn(region):
    return f"arn:aws:rds:{region}:111111111111:cluster:orders-{region}"


@dataclass
class Region:
    """RDS and S3 of the Region that takes over. `script`: what becomes of the writer, look after look, once it was asked."""

    script: list = field(default_factory=lambda: ["pending", "failing-over", "done"])
    early: list = field(default_factory=list)
    """What was under way before, look after look."""
    writer: str = OLD
    asked: int = 0
    state: str = ""
    lost: list = field(default_factory=list)
    """Errors of the calls to come, by the name of the call."""
    kept: dict = field(default_factory=dict)

    def _fail(self, call):
        if self.lost and self.lost[0][0] == call:
            raise self.lost.pop(0)[1]

    def global_cluster(self, name):
        self._fail("global_cluster")
        if self.early:
            self.state = self.early.pop(0)
        elif self.asked and self.script:
            self.state = self.script.pop(0)
            self.writer = NEW if self.state == "done" else self.writer
        moving = self.state in {"pending", "switching-over", "failing-over"}
        return {
            "GlobalClusterIdentifier": name,
            "GlobalClusterArn": f"arn:aws:rds::111111111111:global-cluster:{name}",
            "Status": "available",
            "EngineVersion": "16.8",
            "GlobalClusterMembers": [{"DBClusterArn": arn(r), "IsWriter": r == self.writer} for r in (OLD, NEW)],
            "FailoverState": {"Status": self.state, "ToDbClusterArn": arn(NEW)} if moving else {},
        }

    def cluster(self, identifier):
        assert identifier == f"orders-{NEW}"
        return {"Status": "available", "DBClusterMembers": [{}]}

    def fail_over(self, request):
        assert (request.region, request.target_arn) == (NEW, arn(NEW))
        self.asked += 1
        self._fail("fail_over")

    def keep(self, bucket, key, text):
        self._fail("keep")
        assert bucket == f"meridian-assets-111111111111-{NEW}"
        self.kept.setdefault(key, []).append(check(json.loads(text)))

    def now(self):
        return outcomes.NOW

    def run(self):
        said = []
        over = FailingOver(name="orders", to=NEW, region=self, clock=self, tell=said.append, sleep=lambda: None)
        return over.until_done(), said


def test_it_is_refused_until_the_loss_is_accepted(meridian):
    ran = meridian("failover", "orders", "--to", NEW, "--format", "json")
    assert (ran.code, ran.json["errors"][0]["code"]) == (3, "DataLossNotAccepted")
    assert "commit `database.writer: eu-west-1`" in ran.err


def test_the_intention_is_kept_before_the_call_and_the_result_after_it():
    region = Region()
    done, said = region.run()
    assert (done.state, done.source, done.target, region.asked) == ("Done", OLD, NEW, 1)
    ((key, entries),) = region.kept.items()
    assert key.startswith("failover/orders/20260301T030000Z-")
    assert [entry["state"] for entry in entries] == ["Intended", "Done"]
    assert [line.split("  ", 1)[1] for line in said] == [
        "asking eu-west-1 to take over",
        "the writer moves to eu-west-1: pending",
        "the writer moves to eu-west-1: failing-over",
    ]


def test_a_run_after_one_that_died_goes_on_without_asking_again():
    region = Region(state="failing-over", script=["failing-over", "done"], asked=1)
    assert region.run()[0].state == "Done"
    assert region.asked == 1


def test_the_writer_already_there_is_left_alone():
    region = Region(writer=NEW)
    assert region.run()[0].state == "AlreadyWriter"
    assert (region.asked, region.kept) == (0, {})


def test_what_cannot_be_written_down_does_not_stop_it():
    region = Region(lost=[("keep", CloudUnavailable("no bucket"))] * 2)
    done, said = region.run()
    assert (done.state, done.journal) == ("Done", None)
    assert any("not written down" in line for line in said)


def test_an_answer_that_is_lost_is_looked_after():
    region = Region(lost=[("fail_over", Unanswered("closed"))])
    done, said = region.run()
    assert (done.state, region.asked) == ("Done", 1)
    assert any("trying again" in line for line in said)


def test_nobody_there_at_the_first_look_or_a_refusal_ends_it():
    with pytest.raises(CloudUnavailable):
        Region(lost=[("global_cluster", CloudUnavailable("down"))]).run()
    region = Region(lost=[("fail_over", AccessDenied("no"))])
    with pytest.raises(AccessDenied):
        region.run()
    ((_, entries),) = region.kept.items()
    assert (entries[-1]["state"], entries[-1]["reason"]) == ("Failed", "no")


def test_a_failover_that_comes_back_is_told_and_kept():
    region = Region(script=["pending", "back"])
    with pytest.raises(NotDone, match="eu-west-1 does not write"):
        region.run()
    ((_, entries),) = region.kept.items()
    assert entries[-1]["state"] == "Failed"


def test_after_a_switchover_that_came_to_nothing_it_asks_and_waits_for_aws_to_begin():
    region = Region(early=["switching-over", ""], script=["", "failing-over", "done"])
    assert region.run()[0].state == "Done"
    assert region.asked == 1
