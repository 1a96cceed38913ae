"""What a drift-aware change set says of drift: what of it a repair was not made for, and all of it as a `Detection`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.model.detection import MOST, Detection, Drifted, kept
from reconciler.model.plan import Step
from reconciler.model.requests import ChangeSet, ResourceChange

NEVER = ("AWS::RDS::", "AWS::KMS::", "AWS::EC2::VPC", "AWS::EC2::Subnet")
"""Types, or their beginnings, that no drift-aware change set writes back: what holds data, and what it stands in. A subnet's
association with its route table is neither."""
_EXCEPT = "AWS::EC2::SubnetRouteTableAssociation"


def unexpected(change_set: ChangeSet, step: Step) -> Iterator[str]:
    """Drift that executing it would write back though the step is not for it, each as the change and why not."""
    for change in change_set.changes:
        for prop in _reverted(change):
            place = f"{change.logical_id}{f'.{prop}' if prop else ''} ({change.resource_type})"
            if change.resource_type.startswith(NEVER) and change.resource_type != _EXCEPT:
                yield f"{place}: its drift is never written back by a change set"
            elif not any(_covers(*expected, change.logical_id, prop) for expected in step.reverts):
                yield f"{place}: it drifted, too, and nobody judged it yet"


def detection(change_set: ChangeSet, at: datetime, changed_at: datetime) -> Detection | None:
    """None where it says nothing: it failed for another reason than that there is nothing to change."""
    if not change_set.empty and (change_set.pending or change_set.status != "CREATE_COMPLETE"):
        return None
    return Detection(
        at=at,
        changed_at=changed_at,
        resources={c.logical_id: c.drift for c in change_set.changes if c.drift},
        ignored={f"{c.logical_id}.{prop}": why for c in change_set.changes for prop, why in c.ignored.items()},
        drifted=tuple(d for c in change_set.changes for d in _drifted(c))[:MOST],
    )


def _reverted(change: ResourceChange) -> Iterator[str]:
    """Properties that go back; an empty one for a resource that is made again, or of which AWS does not say what."""
    if change.drift == "DELETED" or (change.drift == "MODIFIED" and not change.drifted):
        yield ""
    yield from (d.prop for d in change.drifted if not (d.kept or d.changed))


def _drifted(change: ResourceChange) -> Iterator[Drifted]:
    if change.drift == "DELETED":
        yield Drifted(logical_id=change.logical_id, resource_type=change.resource_type)
    for drift in change.drifted:
        yield Drifted(
            logical_id=change.logical_id,
            resource_type=change.resource_type,
            prop=drift.prop,
            desired=kept(drift.prop, drift.deployed),
            observed=kept(drift.prop, drift.actual),
        )


def _covers(logical_id: str, expected: str, named: str, prop: str) -> bool:
    """The same property, or one inside the other: direct reads and CloudFormation do not cut values in the same way. A whole
    resource is only covered by itself."""
    if logical_id != named or (not expected) != (not prop):
        return False
    return expected == prop or prop.startswith(expected + ".") or expected.startswith(prop + ".")
