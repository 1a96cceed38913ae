"""What is told of the control plane once `bootstrap` is through: its stacks, and what was found and left as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.stacks import StackRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """`result`: Created, Updated, Unchanged, Removed or Absent."""

    ref: StackRef
    result: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrapped:
    account: str
    home_region: str
    stacks: Sequence[Deployed]
    trail: str | None = None
    """Of somebody else, which is used; None: there is none but ours."""
    provider: str | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    kept: Sequence[str] = ()
    """What stays after a removal, on purpose."""

    @property
    def changed(self) -> bool:
        return any(stack.result not in ("Unchanged", "Absent") for stack in self.stacks)


def bootstrap_json(done: Bootstrapped) -> dict[str, Any]:
    return {
        "schemaVersion": "1",
        "kind": "Bootstrap",
        "account": done.account,
        "homeRegion": done.home_region,
        "changed": done.changed,
        "stacks": [
            {"name": s.ref.name(""), "region": s.ref.region, "result": s.result, "status": s.status}
            for s in done.stacks
        ],
        "found": {"trail": done.trail, "githubProvider": done.provider},
        "outputs": dict(done.outputs),
        "kept": list(done.kept),
    }


def bootstrap_text(done: Bootstrapped) -> str:
    lines = [f"{s.ref!s:<28} {s.result.lower()}" for s in done.stacks]
    if done.trail:
        lines.append(f"uses the trail {done.trail}")
    if done.provider:
        lines.append(f"uses the identity provider {done.provider}")
    if done.kept:
        lines += ["What stays, on purpose:", *(f"- {text}" for text in done.kept)]
    if not done.changed:
        lines.append("Nothing to change.")
    elif bucket := done.outputs.get("RevisionBucket"):
        lines.append(f"The control plane waits for bundles in {bucket}: `meridian bundle --upload` puts one there.")
    return "\n".join(lines)
