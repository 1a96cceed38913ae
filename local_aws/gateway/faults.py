"""Faults that a test or a person sets, and whether one of them strikes now.

Each kind is a small class; its fields are the keys of an entry of POST /_meridian/faults (`fault_input` reads them). With a seed,
chance can be repeated: whether the n-th call of an operation in a Region is hit depends on the seed and the fault's place in the
list, not on what other calls come between.
"""

import random
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ministack.core.responses import get_region

from local_aws.gateway import planes
from local_aws.gateway.wire import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What strikes by chance, in one Region or in all."""

    region: str | None = None
    probability: float = 1.0
    times: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceFault(Fault):
    """A resource of this type fails in a stack; the type may have /rollback or /delete after it."""

    resource: str
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfApplied(Fault):
    """One operation of a stack stops when `after` resources are done, and rolls back; with `rollback: "fails"`, not even that."""

    stack: str
    after: int
    rollback: Literal["fails"] | None = None
    times: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFault(Fault):
    """A call (`rds:DescribeDBClusters`, `rds:*`, `*:*`) takes some wall seconds longer, and nothing else."""

    call: str
    delay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(CallFault):
    """It is answered with this error. `Throttling` is what the service itself says when it throttles."""

    error: str
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(CallFault):
    """The connection closes without an answer, before the call takes effect or after it."""

    drop: Literal["before", "after"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale(CallFault):
    """A read is answered as it would have been so many virtual seconds ago, though not as before the fault was set."""

    stale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """All of a Region's control plane, or of its data plane, is out until the list of faults is replaced."""

    outage: str
    plane: Literal["control", "data"] = "control"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """Each message of the queue of this name is delivered `copies` times; with `shuffle`, in any order."""

    queue: str
    copies: int = 1
    shuffle: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LostEvents:
    """What matches a rule of EventBridge is lost. Rules on a schedule go on, unless `schedules` are off too."""

    rules: Literal["off"]
    schedules: Literal["on", "off"] = "on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A function's environment ends by SIGKILL at its mutating call number `call`, before or after that takes effect."""

    kill: str
    call: int
    when: Literal["before", "after"] = "before"


AnyFault = Fault | Outage | Duplicates | LostEvents | Kill


@dataclass(slots=True)
class _Armed:
    """A fault that is set, and what has been used of it."""

    fault: AnyFault
    place: int
    struck: int = 0
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)

    def strikes(self, what: str, region: str) -> bool:
        """Whether it hits this time; counts the hit."""
        fault = self.fault
        assert isinstance(fault, Fault), f"{fault} strikes by no chance"
        if fault.region not in (None, region) or (fault.times is not None and self.struck >= fault.times):
            return False
        self.seen[what, region] += 1
        chance = f"{_chance['seed']}/{self.place}/{what}/{region}/{self.seen[what, region]}"
        hit = random.Random(chance).random() < fault.probability
        self.struck += hit
        return hit


_armed: list[_Armed] = []
_outages: list[Outage] = []
_chance: dict[str, object] = {"seed": 0}


def arm(faults: Sequence[AnyFault], seed: object = None) -> object:
    """Replace what is set; the seed in use."""
    _armed[:] = [_Armed(fault, place) for place, fault in enumerate(faults)]
    _outages[:] = [fault for fault in faults if isinstance(fault, Outage)]
    _chance.update(seed=secrets.randbelow(2**32) if seed is None else seed, shuffles=0)
    return _chance["seed"]


def for_call(call: Call) -> CallFault | None:
    wanted = {call.name, f"{call.service}:*", "*:*"}
    for armed in _armed:
        if isinstance(armed.fault, CallFault) and armed.fault.call in wanted and armed.strikes(call.name, call.region):
            return armed.fault
    return None


def fail_resource(kind: str) -> None:
    for armed in _armed:
        fault = armed.fault
        if isinstance(fault, ResourceFault) and fault.resource == kind and armed.strikes(kind, get_region()):
            raise ValueError(fault.error or f"{kind} failed by an injected fault")


def half_applied(stack: str) -> HalfApplied | None:
    """The fault that stops the operation that begins; counts it."""
    for armed in _armed:
        fault = armed.fault
        if isinstance(fault, HalfApplied) and fault.stack == stack and armed.strikes(stack, get_region()):
            return fault
    return None


def killed(function: str) -> Kill | None:
    """The fault that ends the environment which now makes a mutating call; counts the call."""
    struck = None
    for armed in _armed:
        if isinstance(armed.fault, Kill) and armed.fault.kill == function:
            armed.seen["calls", ""] += 1
            struck = armed.fault if armed.seen["calls", ""] == armed.fault.call else struck
    return struck


def duplicates(queue: str) -> Duplicates | None:
    return next((a.fault for a in _armed if isinstance(a.fault, Duplicates) and a.fault.queue == queue), None)


def shuffled(queue: str, many: list[Any]) -> list[Any]:
    """In an order that chance has for this queue now."""
    number = _chance["shuffles"] = int(str(_chance.get("shuffles", 0))) + 1
    return random.Random(f"{_chance['seed']}/{queue}/{number}").sample(many, len(many))


def events_are_lost(*, scheduled: bool) -> bool:
    lost = [armed.fault for armed in _armed if isinstance(armed.fault, LostEvents)]
    return any(not scheduled or fault.schedules == "off" for fault in lost)


def stale_services() -> set[str]:
    return {armed.fault.call.partition(":")[0] for armed in _armed if isinstance(armed.fault, Stale)}


def is_out(call: Call) -> bool:
    """Whether the plane that would serve this call is out."""
    plane = "data" if planes.is_data_plane(call) else "control"
    return Outage(outage=planes.region_of(call.service, call.region), plane=plane) in _outages


def control_plane_is_out(region: str) -> bool:
    return Outage(outage=region) in _outages


def data_plane_is_out(region: str) -> bool:
    return Outage(outage=region, plane="data") in _outages
