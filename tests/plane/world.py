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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.embedded.command import Meridian
from tests.embedded.conftest import SPEED, Aws
from tests.embedded.dead_holder import KEY

ACCOUNT, HOME = "111111111111", "us-east-1"
REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")
ZONE = "Z0123456789EXAMPLE"
BUCKET = f"meridian-revisions-{ACCOUNT}-{HOME}"
QUEUE, DEAD = "meridian-reconcile", "meridian-reconcile-dead"
TOLD = "told"
"""A queue of the team's own, that is subscribed to the topic for notices."""
FUNCTIONS = ("wake", "reconcile", "synth")
QUIET = {"rules": "off", "schedules": "off"}
TTL = ("ttlSeconds: 10\n", "ttlSeconds: 20\n")
"""A commit that touches one stack, `routing`, at once in all Regions."""
MEMORY = ("memoryMb: 512", "memoryMb: 640")
"""One that goes from Region to Region."""
QUICKLY = 20_000  # nobody looks, and nobody wakes
LOOK = 0.15  # wall seconds between two looks
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
    def compares(self) -> bool:
        name = self.asked.get("changeSetName") if isinstance(self.asked, dict) else None
        return str(name or "").rpartition("/")[2].startswith("meridian-drift-")

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
        self.git("commit", "-qam", new.strip())
        return int(self.git("rev-list", "--count", "--first-parent", "HEAD"))

    def upload(self) -> None:
        code, out, err = self.meridian.run("bundle", "--upload")
        assert code == 0, out + err

    def set_record_ttl(self, seconds: int) -> None:
        """By hand: of the first latency record."""
        record = {**self._latency_records()[0], "TTL": seconds}
        change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
        self.aws.client("route53").change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch=change)

    def steal(self, token: int, *, until: float) -> None:
        """Somebody else holds the lease, until that moment of wall time."""
        self.aws.client("dynamodb").update_item(
            TableName="meridian-state",
            Key=KEY,
            UpdateExpression="SET #h = :h, #t = :t, #u = :u",
            ExpressionAttributeNames={"#h": "holder", "#t": "token", "#u": "until"},
            ExpressionAttributeValues={":h": {"S": "thief"}, ":t": {"N": str(token)}, ":u": {"N": str(until)}},
        )

    # ---- the world -------------------------------------------------------------------------------------------------------

    def subscribe(self) -> None:
        """The team's queue gets what the topic for notices tells."""
        sqs, topic = self.aws.client("sqs"), f"arn:aws:sns:{HOME}:{ACCOUNT}:meridian-events"
        sqs.create_queue(QueueName=TOLD)
        queue = f"arn:aws:sqs:{HOME}:{ACCOUNT}:{TOLD}"
        allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        only = {"Resource": queue, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allow, **only}]})
        sqs.set_queue_attributes(
            QueueUrl=self._told, Attributes={"Policy": policy, "MessageRetentionPeriod": "1209600"}
        )
        self.aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)

    def speed(self, factor: float) -> None:
        self.aws.control("clock", {"speed": factor})

    def faults(self, *faults: dict[str, Any], seed: int = 1) -> None:
        status, answer = self.aws.control("faults", {"faults": list(faults), "seed": seed})
        assert status == 200, answer

    def hush(self) -> None:
        """From here on nothing wakes anybody, and whoever was awake has gone to sleep: no function works, no message waits."""
        self.faults(QUIET)
        self.idle()

    def idle(self) -> None:
        """Until no function works and no message waits."""
        self.until(lambda: self._at_rest() and self.waiting() == 0 and self._at_rest())

    def _at_rest(self) -> str:
        status, answer = self.aws.control("snapshot", {})
        return str(answer["id"]) if status == 200 else ""

    def snapshot(self) -> str:
        """Of the world at rest: nothing wakes anybody meanwhile, and what is under way comes to its end."""
        self.faults(QUIET)
        self.speed(QUICKLY)
        found = str(self.until(self._at_rest))
        self.speed(SPEED)
        self.faults()
        return found

    def restore(self, snapshot: str) -> None:
        """Its bundles are those of the first commit only, and so is the folder."""
        self.aws.control("reset", {})
        assert self.aws.control("restore", {"id": snapshot})[0] == 200
        self.speed(SPEED)
        self.git("checkout", "-qB", "main", "first")

    def until(self, condition: Callable[[], Any], *, seconds: float = 60) -> Any:
        """As `Aws.until`, but seldom enough to leave the machine to the functions."""
        deadline = time.monotonic() + seconds
        while not (answer := condition()):
            assert time.monotonic() < deadline, f"nothing after {seconds} s; the last answer was {answer!r}"
            time.sleep(LOOK)
        return answer

    def passes_by(self, seconds: float) -> None:
        """So many virtual seconds."""
        end = self.aws.now().timestamp() + seconds
        self.until(lambda: self.now() >= end, seconds=120)

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
            found: dict[str, Any] = self.until(done, seconds=seconds)
        except AssertionError as error:
            seen = {k: self.status().get(k) for k in ("result", "observedGeneration", "problems", "waitingFor")}
            raise AssertionError(f"{error}; {seen}; the last passes: {self.passes()[-4:]}") from None
        return found

    def log(self, function: str) -> list[str]:
        """In order of time."""
        pages = self.client("logs").get_paginator("filter_log_events")
        found = [e for page in pages.paginate(logGroupName=f"/meridian/control/{function}") for e in page["events"]]
        return [line for e in sorted(found, key=lambda e: e["timestamp"]) for line in e["message"].splitlines()]

    def lines(self, function: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log(function) if line.startswith("{")]

    def passes(self) -> list[dict[str, Any]]:
        """What each pass said, in order."""
        return [line for line in self.lines("reconcile") if line.get("event") == "pass"]

    def refused_by_iam(self, since: float = 0.0) -> list[str]:
        """What anybody of ours was not allowed to do, from the functions' logs and, since then, from CloudTrail."""
        told = [line for f in FUNCTIONS for line in self.log(f) if any(word in line for word in _REFUSED)]
        return told + [f"{c.role} {c.name} {c.error}" for c in self.calls(since) if any(w in c.error for w in _REFUSED)]

    def waiting(self, queue: str = QUEUE) -> int:
        """Messages that are there: to be had, on their way, and in somebody's hands."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return sum(int(told[f"ApproximateNumberOfMessages{kind}"]) for kind in ("", "Delayed", "NotVisible"))

    @property
    def _told(self) -> str:
        return str(self.client("sqs").get_queue_url(QueueName=TOLD)["QueueUrl"])

    def told(self) -> list[dict[str, Any]]:
        """Notices that came since this was last asked, in order of their times; each as a queue gets it."""
        sqs, url, found = self.client("sqs"), self._told, []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(json.loads(message["Body"])["Message"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return sorted(found, key=lambda notice: notice["at"])

    def page(self) -> dict[str, Any]:
        """The page as S3 has it."""
        found = self.client("s3").get_object(Bucket=BUCKET, Key="reports/orders.html")
        return {**found, "text": found["Body"].read().decode()}

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
        """How often the function reconcile changed what, since then: by kind of call and Region. CloudFormation's comparison, for
        which a change set is made and deleted every few hours, changes nothing."""
        made = [c for c in self.calls(since) if c.role == "meridian-reconcile" and not c.compares]
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

    def _latency_records(self) -> list[dict[str, Any]]:
        found = self.client("route53").list_resource_record_sets(
            HostedZoneId=ZONE, StartRecordName="route.api.example.com"
        )
        return [r for r in found["ResourceRecordSets"] if r["Name"] == "route.api.example.com."]

    def record_ttl(self) -> int:
        """The longest of the latency records'."""
        return max(int(record["TTL"]) for record in self._latency_records())

    def memories(self) -> dict[str, int]:
        """Of the API's functions, by Region."""
        found = {}
        for region in REGIONS:
            functions = self.client("lambda", region).list_functions()["Functions"]
            (found[region],) = [f["MemorySize"] for f in functions if f["FunctionName"] == "meridian-orders-api"]
        return found

    def in_progress(self, stack: str, region: str) -> bool:
        (found,) = self.client("cloudformation", region).describe_stacks(StackName=stack)["Stacks"]
        return str(found["StackStatus"]).endswith("_IN_PROGRESS")

    def woken(self) -> int:
        """How often the function wake has run."""
        return sum(line.startswith("START ") for line in self.log("wake"))


@dataclass(frozen=True, slots=True)
class Made:
    plane: Plane
    bootstrapped: str
    """A snapshot."""


@dataclass(frozen=True, slots=True)
class Alone:
    """A convergence from nothing by events alone: the status before and after, and what one saw at its end."""

    before: dict[str, Any]
    status: dict[str, Any]
    ready: dict[str, Any]
    head: str
    serves: dict[str, int]
    calls: list[Call]
    refused: list[str]
    dead: int
    notices: list[dict[str, Any]]
    snapshot: str
