"""What the control plane's stacks should be given: what somebody asked for now, else what they have, else what there is to use.

What a stack of ours made it goes on making, though the account has it now: to take it for a stranger's would delete it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model.control import ISSUER, home_parameters, remote_parameters
from reconciler.model.topology import EDGE_REGION

Parameters = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """Options of the command; None: whatever it was before."""

    synth_image: str | None = None
    github: str | None = None
    alarm_email: str | None = None
    notify_email: str | None = None
    runtime: str | None = None
    architecture: str | None = None


def of_home(region: str, wishes: Wishes, applied: Parameters, *, trail: str | None, provider: str | None) -> Parameters:
    """Parameters of the home Region's stack. `applied`: its present ones; `trail`, `provider`: what was found of others'."""
    asked = {
        "SynthImage": wishes.synth_image,
        "GithubRepository": wishes.github,
        "AlarmEmail": wishes.alarm_email,
        "NotifyEmail": wishes.notify_email,
    }
    before = {name: value for name, value in applied.items() if name in asked}
    on = {"Runtime": wishes.runtime, "Architecture": wishes.architecture}
    chosen = {**home_parameters(), **before, **{k: v for k, v in {**asked, **on}.items() if v is not None}}
    return {
        **chosen,
        "GithubProvider": _provider(chosen, applied, provider),
        "MakeTrail": makes_trail(region, applied, trail),
    }


def _provider(chosen: Parameters, applied: Parameters, found: str | None) -> str:
    ours = bool(applied.get("GithubRepository")) and not applied.get("GithubProvider")
    return "" if ours or not chosen["GithubRepository"] else found or ""


def of_remote(region: str, home_region: str, applied: Parameters, *, trail: str | None) -> Parameters:
    return {**remote_parameters(home_region), "MakeTrail": makes_trail(region, applied, trail)}


def makes_trail(region: str, applied: Parameters, trail: str | None) -> str:
    """`yes` in us-east-1 alone, where the events of Route 53 and CloudFront arrive, unless somebody's trail does."""
    wanted = region == EDGE_REGION and (applied.get("MakeTrail") == "yes" or trail is None)
    return "yes" if wanted else "no"


def usable_trail(trails: Iterable[Mapping[str, Any]]) -> str | None:
    """The ARN of one that makes EventBridge hear of writes; one of every Region rather than of us-east-1 alone."""
    found = [t for t in trails if t.get("IsLogging") and any(map(_records_writes, t.get("Selectors", ())))]
    found.sort(key=lambda t: (not t.get("IsMultiRegionTrail"), t["TrailARN"]))
    return next((str(t["TrailARN"]) for t in found), None)


def _records_writes(selector: Mapping[str, Any]) -> bool:
    fields = {f["Field"]: f for f in selector.get("FieldSelectors", ())}
    if fields:
        management = fields.get("eventCategory", {}).get("Equals") == ["Management"]
        return bool(management and fields.get("readOnly", {}).get("Equals", ["false"]) == ["false"])
    return bool(selector.get("IncludeManagementEvents")) and selector.get("ReadWriteType") in ("All", "WriteOnly")


def github_provider(arns: Iterable[str]) -> str | None:
    return next((arn for arn in arns if arn.endswith(f":oidc-provider/{ISSUER}")), None)
