"""The issuer's keys in a plan: the gate in front of a function that would get none, and what the reader should know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.model.client_keys import keys_for
from reconciler.model.observed import Unknown
from reconciler.model.plan import Gate
from reconciler.model.stacks import StackKind, StackRef
from reconciler.plan.scene import Scene


def known(scene: Scene, refs: Iterable[StackRef]) -> tuple[Gate, ...]:
    """A function that knows no key refuses everybody: before one of these stacks is deployed there must be some, the issuer's
    or those that another Region has."""
    client, reason = scene.topology.api.client, scene.observed.issuer_keys
    waiting = [ref for ref in refs if ref.kind is StackKind.API and scene.pending(ref)]
    if client.mode == "none" or not isinstance(reason, Unknown):
        return ()
    if all(keys_for(scene.topology, scene.observed, ref.region) for ref in waiting):
        return ()
    detail = f"the keys of {client.issuer} cannot be read, and no Region has them yet: {reason}"
    return (
        Gate(name="client-keys", region=None, detail=f"{detail}; correct spec.api.auth.client.issuer if it is wrong"),
    )


def notes(scene: Scene) -> Iterator[str]:
    """That nobody needs a token; or that the keys may be old."""
    client, reason = scene.topology.api.client, scene.observed.issuer_keys
    if client.mode == "none":
        yield "auth.client.mode is none: the API is public, anybody may call it"
    elif isinstance(reason, Unknown):
        yield (
            f"the keys of {client.issuer} cannot be read{_since(scene)} ({reason}): Regions keep the keys that they have, and "
            "tokens signed with a newer one are refused"
        )


def _since(scene: Scene) -> str:
    """By the last status, where they could not be read then either."""
    conditions = (scene.observed.recorded or {}).get("conditions", ())
    found = (c["lastTransitionTime"] for c in conditions if c["type"] == "ClientKeys" and c["status"] == "Unknown")
    return next((f" since {time}" for time in found), "")
