"""Where a client is, and how far every Region is from there.

A place has a number N in `data/locations.json`. Whoever asks from 127.0.N.1 stands there, and so does a client subnet
(EDNS) inside 198.18.N.0/24 (set aside for benchmarks, RFC 2544) or 2001:db8:N::/48 (for documentation, RFC 3849), N in decimal
digits. Everybody else stands at the default place.

Route 53's latencies are measured and not published [K]: here it is the great-circle distance, at 1.5 times the way of light
in fibre, there and back, plus 5 ms; POST /_meridian/locations replaces one pair, which moves a client.
"""

import json
from ipaddress import IPv4Address, IPv6Address, ip_address
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Any

from local_aws import models

Address = IPv4Address | IPv6Address
# name -> (number, latitude, longitude)
_PLACES: dict[str, tuple[int, float, float]] = {
    name: tuple(place)
    for name, place in json.loads((Path(__file__).parents[1] / "data/locations.json").read_text()).items()
}
_BY_NUMBER = {place[0]: name for name, place in _PLACES.items()}
REGIONS = models.enum("ResourceRecordSetRegion", "route53")
EARTH_KM, MS_PER_KM, LOCAL_MS = 6371.0, 0.015, 5.0

# What POST /_meridian/locations changed: the default place, and the latency of pairs (place, Region).
standing: dict[str, str] = {}
moved: dict[tuple[str, str], float] = {}


def number(place: str) -> int:
    return _PLACES[place][0]


def default() -> str:
    return standing.get("default", "us-east-1")


def of_source(address: str) -> str:
    """The place of a resolver, by the address that its query comes from."""
    found = ip_address(address)
    parts = str(getattr(found, "ipv4_mapped", None) or found).split(".")
    if len(parts) == 4 and parts[:2] == ["127", "0"]:
        return _BY_NUMBER.get(int(parts[2]), default())
    return of_subnet(address)


def of_subnet(address: str) -> str:
    """The place of a client, by its subnet."""
    found = ip_address(address)
    if isinstance(found, IPv4Address):
        net, inside = str(found).split(".")[:3], str(found).startswith("198.18.")
        return _BY_NUMBER.get(int(net[2]), default()) if inside else default()
    groups = found.exploded.split(":")
    digits = groups[2].lstrip("0")
    if groups[:2] == ["2001", "0db8"] and digits.isdecimal():
        return _BY_NUMBER.get(int(digits), default())
    return default()


def latency(place: str, region: str) -> float:
    """Milliseconds there and back."""
    changed = moved.get((place, region))
    return distance(place, region) * MS_PER_KM + LOCAL_MS if changed is None else changed


def distance(place: str, region: str) -> float:
    """Kilometres on the great circle."""
    (_, north, east), (_, north2, east2) = _PLACES[place], _PLACES[region]
    a, b = radians(north), radians(north2)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(east2 - east) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(half))


# ---- control endpoint ------------------------------------------------------------------------------------------------------


def described(_: Any = None) -> dict[str, Any]:
    """GET /_meridian/locations."""
    return {
        "default": default(),
        "locations": {
            name: {
                "source": f"127.0.{n}.1",
                "subnets": [f"198.18.{n}.0/24", f"2001:db8:{n}::/48"],
                "ms": {region: round(latency(name, region), 1) for region in REGIONS},
            }
            for name, (n, _, _) in _PLACES.items()
        },
    }


def change(request: dict[str, Any]) -> dict[str, Any]:
    """POST {"default": place} and/or {"location": place, "region": Region, "ms": number}; ms null is the distance again."""
    place, pair = request.get("default"), (request.get("location"), request.get("region"))
    if place is None and pair == (None, None):
        raise ValueError("give default, or location, region and ms")
    for name in (place, pair[0]):
        if name is not None and name not in _PLACES:
            raise ValueError(f"no location {name!r}: GET /_meridian/locations lists them")
    if pair != (None, None):
        _move(pair, request.get("ms"))
    if place is not None:
        standing["default"] = place
    return {"default": default()}


def _move(pair: tuple[Any, Any], ms: Any) -> None:
    place, region = pair
    if place is None or region not in REGIONS:
        raise ValueError(f"location and a Region for latency records belong together, not {place!r} and {region!r}")
    if ms is not None and (isinstance(ms, bool) or not isinstance(ms, int | float) or ms < 0):
        raise ValueError(f"ms {ms!r} must be a number of milliseconds, or null")
    moved.pop((place, region), None)
    if ms is not None:
        moved[place, region] = float(ms)
