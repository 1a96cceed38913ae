"""Before a plan runs: what is asked about the account and the world outside it, and what came back.

`preflight` says what to ask, an adapter asks it, `preflight` judges the answers. What is there already is not asked about again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias


class Topic(StrEnum):
    """What a question is about, and what its answer is when it could be read."""

    REGIONS = "regions"
    """Region to its OptInStatus, of every Region that there is."""
    QUOTA = "quota"
    """The account's limit as an integer; `name` is `service/code` as Service Quotas has them."""
    NETWORKS = "networks"
    """How many VPCs the Region holds."""
    API_NAMES = "api-names"
    """The custom domain names of the Region."""
    DISTRIBUTIONS = "distributions"
    """Distribution to its aliases."""
    DATABASES = "databases"
    """RDS's name of a quota (`DBClusters`) to the `Room` in it."""
    HEALTH_CHECKS = "health-checks"
    """The `Room` for health checks."""
    RECORDS = "records"
    """The `Room` for record sets in the zone `name`."""
    CONCURRENCY = "concurrency"
    """How many executions the Region's functions share that no function has reserved."""
    ENGINE = "engine"
    """The engine's version `name` (`engine/version`) as RDS describes it; None where it is not offered."""
    CERTIFICATE = "certificate"
    """DescribeCertificate's Certificate; None where there is none."""
    ROLE = "role"
    """True where it is there, else None; the same for functions and buckets."""
    FUNCTION = "function"
    BUCKET = "bucket"
    """`kind` is whose it should be. Somebody else's cannot be told from one that may not be asked about: `Unknown` and denied."""
    ZONE_SERVERS = "zone-servers"
    """Name servers that the NS record of the zone `name` itself names; `kind` is the zone's domain."""
    DNS = "dns"
    """What the public DNS answers for `name` and the record type `kind`; empty where there is nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    topic: Topic
    region: str
    """Where it is asked: us-east-1 for what exists once."""
    name: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much of a quota is in use."""

    used: int
    limit: int


Answers: TypeAlias = Mapping[Question, Any]
"""An answer of the question's topic, None where AWS says there is no such thing, or `Unknown`."""
