"""A failover, as the Region that takes over sees the global database: ask for it, wait, or why it cannot be. Pure.

Only people ask for one (I17): a pass never does. It takes what the Region has, so writes that never reached it are lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.act import Wait
from reconciler.model.observed import GlobalCluster
from reconciler.model.outcome import Problem
from reconciler.model.requests import FailOver

Move = FailOver | Wait | Problem | None


def fail_over(name: str, to: str, group: GlobalCluster | None, cluster: Mapping[str, Any] | None) -> Move:
    """The next move to make `to` the writer of `name`; None once it is, and available. `cluster` is the Region's own."""
    if group is None:
        return _problem(
            to,
            "GlobalClusterNotFound",
            f"{to} knows no global database {name}: correct the name, or use credentials of its account",
        )
    member = group.member(to)
    if member is None or cluster is None:
        members = ", ".join(m.region for m in group.members) or "none"
        return _problem(to, "NotAMember", f"{to} holds no copy of {name}'s data; Regions that do: {members}")
    if group.failover and group.moving_to != to:
        return _problem(
            to,
            "WriterIsMoving",
            f"the writer of {name} is already on its way to {group.moving_to} ({group.failover}), which cannot be "
            "stopped: run this again when that has ended",
        )
    if group.failover:
        return Wait(f"the writer moves to {to}: {group.failover}")
    if member.is_writer:
        status = cluster["Status"]
        return None if status == "available" else Wait(f"{to} is the writer; its cluster is {status}")
    if not cluster.get("DBClusterMembers"):
        return _problem(
            to,
            "NoInstance",
            f"the cluster of {name} in {to} has storage but no instance that could write: choose another Region, or add one",
        )
    return FailOver(region=to, global_cluster=group.identifier, target_arn=member.cluster_arn)


def _problem(to: str, code: str, message: str) -> Problem:
    return Problem(code=code, step=f"failover/{to}", message=message)
