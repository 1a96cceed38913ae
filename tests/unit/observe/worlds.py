"""Facts by hand: an account in which nothing is there, and what tests put into it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from reconciler.model.facts import Facts, RegionFacts, StackFacts
from tests.fakes.topologies import orders

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
TOPOLOGY = orders()


def facts(regions: dict[str, RegionFacts] | None = None, **more: Any) -> Facts:
    empty = {region: RegionFacts(stacks={}) for region in TOPOLOGY.region_names}
    nothing = Facts(
        at=AT,
        account="111111111111",
        regions=empty | (regions or {}),
        zone=None,
        records=(),
        health_checks=(),
        health={},
        global_cluster=None,
        distribution=None,
    )
    return replace(nothing, **more)


def stack(name: str, status: str = "CREATE_COMPLETE", **more: Any) -> dict[str, Any]:
    return {"StackName": name, "StackId": f"arn:{name}", "StackStatus": status, "CreationTime": AT, **more}


def region_with(
    name: str, status: str = "CREATE_COMPLETE", outputs: dict[str, str] | None = None, **more: Any
) -> RegionFacts:
    """A Region with one stack."""
    listed = [{"OutputKey": k, "OutputValue": v} for k, v in (outputs or {}).items()]
    given: dict[str, Any] = {"template": {"Resources": {}}, **more}
    return RegionFacts(stacks={name: StackFacts(stack=stack(name, status, Outputs=listed), **given)})


def check(identifier: str, reference: str, **config: Any) -> dict[str, Any]:
    return {
        "Id": identifier,
        "CallerReference": reference,
        "HealthCheckVersion": 1,
        "HealthCheckConfig": {"Type": "CALCULATED", "ChildHealthChecks": ["probe"], "HealthThreshold": 2, **config},
    }
