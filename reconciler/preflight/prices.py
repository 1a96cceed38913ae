"""The price table: what is known of AWS's prices, and when that was read. What is not in it is not guessed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files

HOURS = 730
"""Of a month, as AWS's own calculator counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    read: date
    acu_hour: Mapping[str, Decimal]
    health_check: Decimal
    health_check_option: Decimal
    key: Decimal
    secret: Decimal
    alarm: Decimal


@cache
def prices() -> Prices:
    table = tomllib.loads((files("reconciler.preflight") / "prices.toml").read_text(encoding="utf-8"))
    return Prices(
        read=table["read"],
        acu_hour={region: Decimal(price) for region, price in table["acu_hour"].items()},
        **{name: Decimal(price) for name, price in table["month"].items()},
    )
