"""A control plane at work: what a team does to it (commits, bundles), and what one sees of it from outside.

Nothing here makes a pass: bundles are uploaded, and everything else is the functions' doing, which run in the embedded AWS with the
rights that `meridian bootstrap` gave them. Who looks is an observer, whose calls change nothing of the run.
"""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.embedded.command import Meridian
from tests.embedded.conftest import SPEED, Aws

ACCOUNT, HOME = "111111111111", "us-east-1"
REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")
BUCKET = f"meridian-revisions-{ACCOUNT}-{HOME}"
QUEUE, DEAD = "meridian-reconcile", "meridian-reconcile-dead"
FUNCTIONS = ("wake", "reconcile", "synth")
QUIET = {"rules": "off", "schedules": "off"}
_ENDS = ("Converged", "Failed", "Stalled", "Blocked")
_REFUSED = ("AccessDenied", "is not authorized to perform", "UnauthorizedOperation")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that may change something, as CloudTrail tells it."""

    at: float
    name: str
    region: str
    key: str
    """The access key: of one execution environment, or of a user."""
    role: str
    agent: str
    error: str
    asked: Any

    @property
    def lease(self) -> int:
        """The token of the lease under which it was made; 0 without one."""
        _, found, rest = self.agent.partition("meridian-lease/orders#")
        return int(rest.split()[0]) if found else 0


@dataclass(frozen=True, slots=True)
class Plane:
    aws: Aws
    meridian: Meridian

    # ---- what a team does ------------------------------------------------------------------------------------------------

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.com")
        command = ["git", "-C", str(self.meridian.folder), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, old: str, new: str) -> int:
        """Changes the document; the generation that this makes."""
        path = self.meridian.folder / "desired_state" / "orders.yaml"
        text = path.read_text()
        assert text.count(old) == 1, old
        path.write_text(text.replace(old, new))
        self.git("commit", "-qam", f"{old} is {new}")
        return int(self.git("rev-list", "--count", "--first-parent", "HEAD"))

    def upload(self) -> None:
        code, out, err = self.meridian.run("bundle", "--upload")
        assert code == 0, out + err

    # ---- the world -------------------------------------------------------------------------------------------------------

    def speed(self, factor: float) -> None:
        self.aws.control("clock", {"speed": factor})

    def faults(self, *faults: dict[str, Any], seed: int = 1) -> None:
        status, answer = self.aws.control("faults", {"faults": list(faults), "seed": seed})
        assert status == 200, answer

    def snapshot(self) -> str:
        """Of the world at rest: nothing wakes anybody meanwhile, and what is under way comes to its end."""
        self.faults(QUIET)

        def kept() -> str | None:
            status, answer = self.aws.control("snapshot", {})
            return answer["id"] if status == 200 else None

        found = str(self.aws.until(kept))
        self.faults()
        return found

    def restore(self, snapshot: str) -> None:
        """Its bundles are those of the first commit only, and so is the folder."""
        self.aws.control("reset", {})
        assert self.aws.control("restore", {"id": snapshot})[0] == 200
        self.speed(SPEED)
        self.git("checkout", "-qB", "main", "first")

    def passes_by(self, seconds: float) -> None:
        """So many virtual seconds."""
        end = self.aws.now().timestamp() + seconds
        self.aws.until(lambda: self.aws.now().timestamp() >= end, seconds=120)

    # ---- what one sees ---------------------------------------------------------------------------------------------------

    def client(self, service: str, region: str = HOME) -> Any:
        return self.aws.client(service, region, agent="observer", attempts=3)

    def item(self, kind: str) -> dict[str, Any] | None:
        key = {"pk": {"S": "topology#orders"}, "sk": {"S": kind}}
        found = self.client("dynamodb").get_item(TableName="meridian-state", Key=key, ConsistentRead=True)
        return found.get("Item")

    def status(self) -> dict[str, Any]:
        item = self.item("status")
        return json.loads(item["body"]["S"]) if item else {}

    def condition(self, kind: str) -> dict[str, Any]:
        return next((c for c in self.status().get("conditions", []) if c["type"] == kind), {})

    def converged(self, generation: int, *, seconds: float = 60) -> dict[str, Any]:
        """The status at the end; fails on another end than convergence."""

        def done() -> dict[str, Any] | None:
            status = self.status()
            if status.get("observedGeneration") != generation or status["result"] not in _ENDS:
                return None
            assert status["result"] == "Converged", (status["result"], status["problems"], self.passes()[-3:])
            return status

        try:
            found: dict[str, Any] = self.aws.until(done, seconds=seconds)
        except AssertionError as error:
            seen = {k: self.status().get(k) for k in ("result", "observedGeneration", "problems", "waitingFor")}
            raise AssertionError(f"{error}; {seen}; the last passes: {self.passes()[-4:]}") from None
        return found

    def log(self, function: str) -> list[str]:
        logs, group = self.client("logs"), f"/meridian/control/{function}"
        found: list[tuple[int, str]] = []
        for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
            pages, token = [], None
            while True:
                more = {"nextToken": token} if token else {}
                answer = logs.get_log_events(
                    logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True, **more
                )
                pages += answer["events"]
                if not answer["events"] or answer["nextForwardToken"] == token:
                    break
                token = answer["nextForwardToken"]
            found += [(e["timestamp"], line) for e in pages for line in e["message"].splitlines()]
        return [line for _, line in sorted(found, key=lambda pair: pair[0])]

    def lines(self, function: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log(function) if line.startswith("{")]

    def passes(self) -> list[dict[str, Any]]:
        """What each pass said, in order."""
        return [line for line in self.lines("reconcile") if line.get("event") == "pass"]

    def refused_by_iam(self) -> list[str]:
        """What anybody of ours was not allowed to do, from the functions' logs and from CloudTrail."""
        told = [line for f in FUNCTIONS for line in self.log(f) if any(word in line for word in _REFUSED)]
        return told + [f"{c.role} {c.name} {c.error}" for c in self.calls(0.0) if any(w in c.error for w in _REFUSED)]

    def waiting(self, queue: str = QUEUE) -> int:
        """Messages that are there: to be had, on their way, and in somebody's hands."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return sum(int(told[f"ApproximateNumberOfMessages{kind}"]) for kind in ("", "Delayed", "NotVisible"))

    def calls(self, since: float, regions: Sequence[str] = REGIONS) -> list[Call]:
        """Everybody's writes from then on, but for those that CloudFormation makes, in the order in which they came."""
        return sorted((c for region in regions for c in self._trail(region, since)), key=lambda c: c.at)

    def _trail(self, region: str, since: float) -> Iterator[Call]:
        pages = self.client("cloudtrail", region).get_paginator("lookup_events")
        wanted = {"LookupAttributes": [{"AttributeKey": "ReadOnly", "AttributeValue": "false"}], "StartTime": since}
        for page in pages.paginate(**wanted):
            for event in page["Events"]:
                told = json.loads(event["CloudTrailEvent"])
                who = told["userIdentity"]
                if who.get("invokedBy"):
                    continue
                issuer = who.get("sessionContext", {}).get("sessionIssuer", {}).get("userName", "")
                yield Call(
                    at=event["EventTime"].timestamp(),
                    name=event["EventName"],
                    region=told["awsRegion"],
                    key=event["AccessKeyId"],
                    role=issuer or who.get("type", ""),
                    agent=told.get("userAgent", ""),
                    error=told.get("errorCode", ""),
                    asked=told.get("requestParameters"),
                )

    def writes(self, since: float) -> Counter[tuple[str, str]]:
        """How often the function reconcile changed what, since then: by kind of call and Region."""
        made = [c for c in self.calls(since) if c.role == "meridian-reconcile"]
        return Counter((c.name, c.region) for c in made)

    def trail_is_told(self) -> None:
        """CloudTrail tells minutes later."""
        self.passes_by(20 * 60)

    def now(self) -> float:
        return self.aws.now().timestamp()

    def serves(self, region: str) -> int:
        """The status of a Region's own health endpoint, as a checker asks it."""
        domain = self.client("apigateway", region).get_domain_name(domainName=f"{region}.origin.api.example.com")
        assert domain["domainNameStatus"] == "AVAILABLE"
        request = urllib.request.Request(f"{self.aws.url}/health", headers={"Host": domain["domainName"]})
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def slowly(plane: Plane, factor: float) -> None:
    plane.speed(factor)
    time.sleep(0.05)
