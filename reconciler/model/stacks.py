"""Stacks: their kinds, their addresses, and the templates that make them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from reconciler.model.topology import EDGE_REGION, Topology


class StackKind(StrEnum):
    FOUNDATION = "foundation"
    GLOBAL = "global"
    DATA = "data"
    API = "api"
    ROUTING = "routing"
    EDGE = "edge"
    CONTROL = "control"


REGIONAL = (StackKind.FOUNDATION, StackKind.DATA, StackKind.API, StackKind.CONTROL)
"""Kinds that exist once per Region; the others exist once per topology."""

SHARED = (StackKind.FOUNDATION, StackKind.CONTROL)
"""Kinds that belong to the account, not to a topology. `control` is the control plane's own: no pass touches it."""


@dataclass(frozen=True, slots=True, order=True)
class StackRef:
    """Address of one stack: its kind and the Region it is deployed in. Prints as `data/eu-west-1` or `edge`."""

    kind: StackKind
    region: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.region}" if self.kind in REGIONAL else str(self.kind)

    def name(self, topology: str) -> str:
        return f"meridian-{self.kind}" if self.kind in SHARED else f"meridian-{topology}-{self.kind}"


def stack_refs(topology: Topology) -> tuple[StackRef, ...]:
    """Every stack that the desired topology asks for, in the order in which a first deployment makes them."""
    return (
        *(StackRef(StackKind.FOUNDATION, r) for r in topology.deployment_regions),
        StackRef(StackKind.GLOBAL, topology.home_region),
        *(StackRef(StackKind.DATA, r) for r in topology.region_names),
        *(StackRef(StackKind.API, r) for r in topology.region_names),
        StackRef(StackKind.ROUTING, topology.home_region),
        StackRef(StackKind.EDGE, EDGE_REGION),
    )


@dataclass(frozen=True, slots=True)
class Asset:
    """A folder or file that a template names by content hash. `path` is on this machine; `key` is in the asset bucket."""

    key: str
    path: Path


@dataclass(frozen=True, slots=True)
class Template:
    """One synthesised template. `key` names the variant: `foundation-home`, `foundation`, `global`, `data-founder`,
    `data-heir`, `data`, `api`, `routing`, `edge`, `control` or `control-remote`; one serves every Region."""

    key: str
    body: dict[str, Any]
    assets: tuple[Asset, ...] = ()


@dataclass(frozen=True, slots=True)
class DesiredStack:
    """What one stack should be. `parameters` is None while a value it needs does not exist yet (an output, a gate)."""

    ref: StackRef
    template: Template
    parameters: Mapping[str, str] | None
    held: str = ""
    """Why the template is not the one that the document asks for: a rollout of that one failed."""


def template_key(ref: StackRef, *, home_region: str, founder: str | None) -> str:
    """Which template variant serves this stack; `founder` is the Region whose data stack carries the master credentials."""
    if ref.kind is StackKind.FOUNDATION and ref.region == home_region:
        return "foundation-home"
    if ref.kind is StackKind.DATA and ref.region == founder:
        return "data-founder"
    return str(ref.kind)


def gate_parameter(region: str) -> str:
    """Parameter of the routing stack that carries a Region's traffic gate: `eu-west-1` gives `GateEuWest1`."""
    return "Gate" + camel(region)


CLIENT_KEYS = "ClientKeys"
"""Parameter of the `api` stacks that carries the public keys of the issuer of clients' tokens."""


def record_ids(region: str) -> tuple[str, str]:
    """Logical ids of a Region's two latency records in the routing stack."""
    return f"Route{camel(region)}", f"Origin{camel(region)}"


def routed_regions(routing: Mapping[str, Any] | None) -> frozenset[str]:
    """Regions whose latency records this template of the routing stack holds."""
    resources = (routing or {}).get("Resources", {})
    named = (body.get("Properties", {}).get("SetIdentifier") for body in resources.values())
    return frozenset(r for r in named if isinstance(r, str))


def camel(region: str) -> str:
    """`eu-west-1` gives `EuWest1`: the form that logical ids take."""
    return "".join(part.capitalize() for part in region.split("-"))
