"""The loopback addresses that stand for AWS's own endpoints.

The Regions' API Gateways have 127.1.N.1 and 127.1.N.2 (N: the Region's number among `locations`), CloudFront has 127.2.0.1 to
127.2.0.4. As AAAA the same ones are mapped (::ffff:127.1.N.1), which connects on a machine that has no more of IPv6 than ::1.
A data plane that listens there knows from the address dialled in which Region it is: custom domains of one name
stand in several.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ministack.services import apigateway_v1

from local_aws.dns import locations
from local_aws.drift.shape import plain_name
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.apigateway_v1._domain_names",
    "ministack.services.apigateway_v1.find_domain_scope",
)
EDGE = ("127.2.0.1", "127.2.0.2", "127.2.0.3", "127.2.0.4")
_dialled: ContextVar[str] = ContextVar("dialled", default="")


def of_region(region: str) -> tuple[str, ...]:
    n = locations.number(region)
    return (f"127.1.{n}.1", f"127.1.{n}.2")


def served() -> Iterator[str]:
    """Every address at which somebody answers."""
    yield from EDGE
    for region in locations.REGIONS:
        yield from of_region(region)


def mapped(address: str) -> str:
    return f"::ffff:{address}"


def region_at(address: str) -> str | None:
    """The Region whose API Gateway has this address."""
    plain = address.removeprefix("::ffff:")
    return next((region for region in locations.REGIONS if plain in of_region(region)), None)


@contextmanager
def dialling(region: str) -> Iterator[None]:
    """What is requested inside arrives at this Region's API Gateway."""
    token = _dialled.set(region)
    try:
        yield
    finally:
        _dialled.reset(token)


def _find_domain_scope(stock: Any, name: str) -> Any:
    """The custom domain in the Region that was dialled: ministack takes the first of that name in any Region."""
    region = _dialled.get()
    if not region:
        return stock(name)
    for (account, where, stored), _ in list(apigateway_v1._domain_names.all_items()):
        if where == region and plain_name(stored) == plain_name(name):
            return account, where, stored
    return None


def install() -> None:
    around(apigateway_v1, "find_domain_scope", _find_domain_scope)
