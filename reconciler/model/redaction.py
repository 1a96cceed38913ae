"""What may not be written anywhere: values under names that speak of secrets. Their place is taken by a hash.

Whoever needs to tell two such values apart compares hashes, so that a record without the values still leads to the same plan.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

_SECRET = re.compile(r"secret|password|passwd|token|credential|private_?key", re.IGNORECASE)
_DIGITS = 12


def names_secret(path: str) -> bool:
    return _SECRET.search(path) is not None


class Redacted(str):
    """Stands where a secret stood; made once from the value, never the way back. Equal where the values were equal."""

    __slots__ = ()

    @classmethod
    def of(cls, value: Any) -> Redacted:
        return cls.with_digest(value.digest if isinstance(value, Redacted) else _digest(value))

    @classmethod
    def with_digest(cls, digest: str) -> Redacted:
        return cls(f"redacted:sha256:{digest}")

    @property
    def digest(self) -> str:
        return self.rpartition(":")[2]


def without_secrets(path: str, value: Any) -> Any:
    """The value as JSON; under a path, or a key, that names a secret only its hash."""
    if value is None or isinstance(value, bool):
        return value
    if names_secret(path) or isinstance(value, Redacted):
        return {"redacted": True, "sha256": Redacted.of(value).digest}
    if isinstance(value, Mapping):
        return {str(k): without_secrets(str(k), v) for k, v in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((without_secrets("", v) for v in value), key=str)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [without_secrets("", v) for v in value]
    return _scalar(value)


def digest(path: str, value: Any) -> str:
    """A short hash to remember a value by: the same whether its secrets were taken out or not."""
    return _digest(json.dumps(without_secrets(path, value), sort_keys=True))


def iso_time(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_duration(span: timedelta) -> str:
    """ISO 8601: `PT25M`, `PT1H0.5S`; days are written as hours."""
    seconds = round(max(span.total_seconds(), 0.0), 3)
    hours, rest = divmod(seconds, 3600)
    minutes, secs = divmod(rest, 60)
    parts = [f"{hours:.0f}H" if hours else "", f"{minutes:.0f}M" if minutes else ""]
    if secs or not (hours or minutes):
        parts.append(f"{secs:.3f}".rstrip("0").rstrip(".") + "S")
    return "PT" + "".join(parts)


def _scalar(value: Any) -> Any:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, datetime):
        return iso_time(value)
    if isinstance(value, timedelta):
        return iso_duration(value)
    return value if isinstance(value, (str, int, float)) else str(value)


def _digest(value: Any) -> str:
    canonical = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode(errors="surrogatepass")).hexdigest()[:_DIGITS]
