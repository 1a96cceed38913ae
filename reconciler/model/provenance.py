"""Who changed something: what CloudTrail is asked, and what it has to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """One question to a Region's event history, by one attribute (`ResourceName`, `EventName`): it takes no more."""

    region: str
    attribute: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One recorded call."""

    id: str
    at: datetime
    call: str
    """The event's name: `UpdateDistribution`; of Lambda with its API's version, `UpdateFunctionCode20150331v2`."""
    who: str
    """ARN of the caller, else the service or the kind of identity."""
    address: str
    """Where from: an IP address, or a service that acts on somebody's behalf."""
    agent: str
    read_only: bool
    failed: bool
    request: Mapping[str, Any] = field(default_factory=dict)
    """requestParameters."""
