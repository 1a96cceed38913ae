"""The control plane's names and settings: what its templates, `meridian bootstrap` and the functions agree on.

One per account and home Region, whatever topologies there are, so nothing of a topology is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import EDGE_REGION, Topology

QUEUE = "meridian-reconcile"
DEAD_LETTERS = "meridian-reconcile-dead"
EVENTS = "meridian-events"
"""The topic that notices are published to."""
WAKE = "meridian-wake"
RECONCILE = "meridian-reconcile"
SYNTH = "meridian-synth"
OBSERVER = "meridian-observer"
SERVICE = "meridian-cloudformation"
SERVICE_DELETE = "meridian-cloudformation-delete"
BREAK_GLASS = "meridian-break-glass"
GITHUB_PLAN = "meridian-github-plan"
GITHUB_MAIN = "meridian-github-main"
GITHUB_APPROVE = "meridian-github-approve"
REPOSITORY = r"[A-Za-z0-9-]+(@[0-9]+)?/[A-Za-z0-9._-]+(@[0-9]+)?"
"""As GitHub's tokens name it: those made or renamed since July 2026 have the numbers of owner and repository behind the names."""
APPROVAL_ENVIRONMENT = "meridian-approval"
"""GitHub's environment, protected by whoever must say yes, in which alone a workflow may approve a plan."""
APPROVALS = "approval#"
"""What the partition of a topology's approval in table meridian-state begins with."""
FORWARD = "meridian-forward"
"""With `-<region>` behind it: roles are the account's, and each Region has its own."""
RESYNC = timedelta(minutes=15)
"""Between two looks at a topology that nothing happens to. No more than SQS delays a message: wake spreads them over it."""
METRICS = "Meridian"
"""Namespace of what the functions measure."""
COUNTED = ("apigateway", "cloudformation", "cloudfront", "cloudtrail", "rds", "route53")
"""Services whose calls are counted each for itself, since AWS throttles them early; of all others the sum."""
ISSUER = "token.actions.githubusercontent.com"
RUNTIME, ARCHITECTURE = "python3.13", "arm64"
"""What the functions run on unless somebody says otherwise: MERIDIAN_RUNTIME, MERIDIAN_ARCHITECTURE."""


def revision_bucket(account: str, region: str) -> str:
    return f"meridian-revisions-{account}-{region}"


def queue_url(account: str, region: str) -> str:
    return f"https://sqs.{region}.amazonaws.com/{account}/{QUEUE}"


def home_parameters() -> Mapping[str, str]:
    """Parameters of the stack in the home Region, with what they are when nobody asked for anything."""
    return {
        "Runtime": RUNTIME,
        "Architecture": ARCHITECTURE,
        "SynthImage": "",
        "GithubRepository": "",
        "GithubProvider": "",
        "AlarmEmail": "",
        "NotifyEmail": "",
        "MakeTrail": "no",
    }


def remote_parameters(home_region: str) -> Mapping[str, str]:
    """Parameters of the stacks that forward events from other Regions."""
    return {"HomeRegion": home_region, "MakeTrail": "no"}


def control_refs(topology: Topology) -> tuple[StackRef, ...]:
    """The control plane's stacks, home first. us-east-1 always has one: events of Route 53 and CloudFront arrive there."""
    home = topology.home_region
    others = sorted({*topology.deployment_regions, EDGE_REGION} - {home})
    return tuple(StackRef(StackKind.CONTROL, region) for region in (home, *others))


def control_key(ref: StackRef, home_region: str) -> str:
    return "control" if ref.region == home_region else "control-remote"
