"""A picture of the Regions before and after a plan: who serves, and where the writer is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.model.change import Change
from reconciler.model.observed import known
from reconciler.model.outcome import Outcome
from reconciler.model.plan import StepAction
from reconciler.model.stacks import StackKind
from reconciler.report.github.escape import in_diagram
from reconciler.report.regions import region_reports
from reconciler.report.words import count

MOST = 12
"""Regions drawn one by one."""
_CLASSES = (
    "classDef serving fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
    "classDef out fill:#eaeef2,stroke:#6e7781,color:#1f2328,stroke-dasharray:4 3",
    "classDef unsure fill:#fff8c5,stroke:#9a6700,color:#1f2328",
    "classDef writer stroke-width:3px",
)
_UNSURE = frozenset({"unknown", "quarantined"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    name: str
    traffic: str
    writes: bool = False

    @property
    def style(self) -> str:
        return "serving" if self.traffic == "serving" else "unsure" if self.traffic in _UNSURE else "out"


def places_now(outcome: Outcome) -> tuple[Place, ...]:
    live = set(outcome.observed.live_regions())
    writer = _writer(outcome)
    shown = (r for r in region_reports(outcome) if r.name in live or r.traffic in _UNSURE)
    return tuple(Place(name=r.name, traffic=r.traffic, writes=r.name == writer) for r in shown)


def places_then(outcome: Outcome) -> tuple[Place, ...]:
    """Where the plan leads: what changes does, and what somebody holds by hand stays."""
    traffic = {p.name: "drained" if p.traffic == "draining" else p.traffic for p in places_now(outcome)}
    asked = {c.path: c for c in outcome.plan.changes if c.desired is not None}
    writer = _asked(asked, "database/writer") or _writer(outcome) or _founder(outcome)
    return tuple(
        Place(
            name=name,
            traffic=_asked(asked, f"regions/{name}/traffic") or traffic.get(name, "drained"),
            writes=name == writer,
        )
        for name in outcome.regions
    )


def picture(outcome: Outcome) -> str:
    """Both, or one where they are the same; empty where there is nothing and nothing is to be."""
    now, then = places_now(outcome), places_then(outcome)
    if not now and not then:
        return ""
    if set(now) == set(then):
        return _diagram(["", *_side("n", outcome.topology, now, "    ")])
    ends = "as asked for" if outcome.plan.refusals else "after this plan"
    before = _box("before", "now", "n", outcome.topology, now)
    after = _box("after", ends, "t", outcome.topology, then)
    frames = [f"    style {side} fill:transparent,stroke:#8c959f" for side in ("before", "after")]
    return _diagram([*before, *after, "    before ==> after", *frames])


def moves(outcome: Outcome) -> bool:
    """Whether the picture after the plan is another one."""
    return set(places_now(outcome)) != set(places_then(outcome))


def _diagram(lines: Iterable[str]) -> str:
    body = "\n".join(line for line in ("flowchart LR", *lines, *(f"    {c}" for c in _CLASSES)) if line)
    return f"```mermaid\n{body}\n```"


def _box(name: str, title: str, prefix: str, topology: str, places: Sequence[Place]) -> list[str]:
    inner = _side(prefix, topology, places, "        ") or [f'        {prefix}0["nothing"]:::out']
    return [f'    subgraph {name}["{title}"]', "        direction LR", *inner, "    end"]


def _side(prefix: str, topology: str, places: Sequence[Place], indent: str) -> list[str]:
    """The name that clients know, and an arrow to each Region that it leads to."""
    if not places:
        return []
    shown = [*places] if len(places) <= MOST else [p for p in places if p.writes or p.traffic != "serving"][: MOST - 1]
    lines = [f'{prefix}0(["{in_diagram(topology)}"])']
    for number, place in enumerate(shown, 1):
        arrow = "-->" if place.traffic == "serving" else "-.->"
        role = " · writer" if place.writes else ""
        label = f"{in_diagram(place.name)}<br/>{in_diagram(place.traffic)}{role}"
        lines.append(f'{prefix}0 {arrow} {prefix}{number}["{label}"]:::{place.style}')
        lines += [f"class {prefix}{number} writer"] if place.writes else []
    rest = [p for p in places if p not in shown]
    serving = sum(p.traffic == "serving" for p in rest)
    said = f"{count(len(rest), 'more Region')}<br/>{serving} serving"
    lines += [f'{prefix}0 --> {prefix}99["{said}"]:::serving'] if rest else []
    return [indent + line for line in lines]


def _asked(asked: dict[str, Change], path: str) -> str:
    return str(asked[path].desired) if path in asked else ""


def _writer(outcome: Outcome) -> str | None:
    cluster = known(outcome.observed.global_cluster)
    return cluster.writer if cluster else None


def _founder(outcome: Outcome) -> str | None:
    """The first database that is made is the writer."""
    made = (s for s in outcome.plan.steps if s.action is StepAction.DEPLOY and s.stack)
    return next((s.region for s in made if s.stack and s.stack.kind is StackKind.DATA), None)
