"""What the control plane costs in a month in which nothing happens: list prices times what was measured.

Prices are those of us-east-1, without any free tier, as of `DATED`: [V] by AWS's page, [S] by somebody else's that quotes it, [K]
known and not looked up. What is free and therefore not in it: events of AWS services on their own bus, the first copy of
management events, control-plane reads (CloudFormation, Route 53, RDS, API Gateway, CloudFront, Lambda, IAM).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DATED = "2026-11"
DAYS = 30
RESYNCS = 96 * DAYS
"""Passes of a topology to which nothing happens: one each quarter of an hour, and none of its own will once it is converged."""
POLLS = 5 * 3 * 60 * 24 * DAYS
"""Lambda keeps five long polls of 20 seconds at a queue in which there is nothing."""
RECORD_DAYS = 90
PRICES: Mapping[str, tuple[float, str]] = {
    "Lambda, GB-second, arm64": (0.0000133334, "[S] cloudchipr.com/blog/aws-lambda-pricing"),
    "Lambda, request": (0.20e-6, "[S] the same"),
    "SQS, request": (0.40e-6, "[S] unanswered.io/guide/aws-sqs-pricing-and-cost-optimization"),
    "DynamoDB, write unit": (0.625e-6, "[S] airbyte.com/data-engineering-resources/dynamodb-pricing"),
    "DynamoDB, read unit": (0.125e-6, "[S] the same"),
    "S3, PUT or LIST": (0.005e-3, "[K]"),
    "S3, GET or HEAD": (0.0004e-3, "[K]"),
    "S3, GB-month": (0.023, "[K]"),
    "KMS, key": (1.0, "[V] aws.amazon.com/kms/pricing; each yearly rotation adds one, twice at most [K]"),
    "KMS, request": (0.03e-4, "[S] wring.co/blog/aws-kms-pricing-guide"),
    "CloudWatch, metric": (0.30, "[S] signoz.io/guides/cloudwatch-pricing"),
    "CloudWatch, alarm": (0.10, "[K]"),
    "CloudWatch, dashboard": (3.0, "[S] factualminds.com, amazon-cloudwatch-pricing"),
    "CloudWatch, metric asked for": (0.01e-3, "[K]"),
    "logs, GB taken in": (0.50, "[S] factualminds.com, amazon-cloudwatch-pricing"),
    "EventBridge, event to another Region": (1.0e-6, "[S] cloudburn.io/blog/amazon-eventbridge-pricing"),
}
RESYNC_SECONDS, AT_ONCE = 900, 10
METRICS, ALARMS, DASHBOARDS, KEYS = 14, 11, 1, 1
"""Series that are told where nothing happens: of passes six, of their calls seven, of wake one. A lease that is held, a commit that
is under way or converges, and each kind of drift have one more each, paid for by the hour in which it is told: six at most."""
WAKE_GB, PASS_GB = 0.25, 1.0
WAKE_SECONDS = 1.5
"""Mostly a cold start: 96 times a day an environment is rarely still there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One with nothing to do, as measured."""

    seconds: float
    """With the cold start."""
    calls: Mapping[str, int]
    """By service."""
    record_bytes: int
    log_bytes: int
    metrics_asked: int = 0
    state_bytes: int = 0
    """Of the status document: what a write of it costs, and a read."""


def bill(measured: Pass, topologies: int) -> dict[str, float]:
    """Dollars a month, by service."""
    price = {name: cost for name, (cost, _) in PRICES.items()}
    passes = RESYNCS * topologies
    writes = 4 + max(1, -(-measured.state_bytes // 1024))  # lease taken, renewed, released, and the status
    reads = 3 + max(1, -(-measured.state_bytes // 4096))
    sent = RESYNCS * -(-topologies // 10)
    return {
        "Lambda": (passes * measured.seconds * PASS_GB + RESYNCS * WAKE_SECONDS * WAKE_GB)
        * price["Lambda, GB-second, arm64"]
        + (passes + RESYNCS) * price["Lambda, request"],
        "SQS": (POLLS + sent + 2 * passes) * price["SQS, request"],
        "DynamoDB": passes * (writes * price["DynamoDB, write unit"] + reads * price["DynamoDB, read unit"]),
        "S3": (passes + RESYNCS) * price["S3, PUT or LIST"]
        + passes * 2 * price["S3, GET or HEAD"]
        + passes * RECORD_DAYS / DAYS * measured.record_bytes / 1e9 * price["S3, GB-month"],
        "KMS": KEYS * price["KMS, key"] + passes * 4 * price["KMS, request"],
        "CloudWatch": METRICS * price["CloudWatch, metric"]
        + ALARMS * price["CloudWatch, alarm"]
        + DASHBOARDS * price["CloudWatch, dashboard"]
        + passes * measured.metrics_asked * price["CloudWatch, metric asked for"],
        "logs": (passes * measured.log_bytes + RESYNCS * 500) / 1e9 * price["logs, GB taken in"],
    }


def route53_share(measured: Pass, topologies: int, over: float) -> float:
    """Of the five requests a second that Route 53 answers in an account, how many the looks at all topologies take."""
    return measured.calls.get("route53", 0) * topologies / over / 5


def costs(measured: Pass) -> list[str]:
    """The section of HOSTED.md."""
    counts = (1, 100)
    bills = [bill(measured, count) for count in counts]
    calls = ", ".join(f"{name} {count}" for name, count in sorted(measured.calls.items()))
    busy = measured.seconds * counts[-1] / (RESYNC_SECONDS * AT_ONCE)
    told = [
        f"List prices of us-east-1, {DATED}, without free tiers, times what was measured: {measured.seconds:.1f} s of a pass with",
        f"its cold start at {PASS_GB:g} GB (here, of an AWS that answers at once), a record of {measured.record_bytes} bytes kept",
        f"{RECORD_DAYS} days, {measured.log_bytes} bytes of log, a status of {measured.state_bytes} bytes, and",
        f"{measured.metrics_asked} metrics asked for. Calls of a pass over three Regions: {calls}.",
    ]
    region = measured.metrics_asked / 3 * RESYNCS * PRICES["CloudWatch, metric asked for"][0]
    share = route53_share(measured, counts[-1], RESYNC_SECONDS)
    burst = measured.calls.get("route53", 0) * counts[-1] / 5
    dear = METRICS * counts[-1] * PRICES["CloudWatch, metric"][0]
    judged = [
        "- One more Region of a topology adds about 21 reads to a pass (RESULTS.md), which AWS does not charge for, and",
        f"  ${region:.2f} a month for metrics asked for. Events from there cost a dollar a million.",
        f"- Metrics of each topology would be ${dear:.0f} a month for 100. Alarms need the sum alone, and the log says which",
        "  topology it was: there is no such dimension.",
        f"- 100 topologies need 100 × {measured.seconds:.1f} s in each quarter of an hour: {busy:.0%} of what {AT_ONCE}",
        f"  at once can do. Spread over it, as wake does, they take {share:.0%} of the five requests a second that Route 53",
        f"  answers in an account; all at once they would have taken all of them for {burst:.0f} s.",
    ]
    return [
        "## What a month costs in which nothing happens",
        "",
        *told,
        "",
        "| dollars a month | 1 topology | 100 topologies |",
        "|---|---|---|",
        *(f"| {name} | " + " | ".join(f"{b[name]:.2f}" for b in bills) + " |" for name in bills[0]),
        "| **together** | " + " | ".join(f"**{sum(b.values()):.2f}**" for b in bills) + " |",
        "",
        *judged,
        "",
        "| price | dollars | source |",
        "|---|---|---|",
        *(
            f"| {name} | {cost:.12f}".rstrip("0").rstrip(".") + f" | {source} |"
            for name, (cost, source) in PRICES.items()
        ),
    ]
