"""Desired states at random, as somebody might write them: every field that a template carries is drawn."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

from reconciler.load import load
from reconciler.model.topology import Topology
from tests.embedded.conftest import ROOT
from tests.fakes.topologies import NAMES, cidr


def generated(seed: int, folder: Path, *, most: int) -> Topology:
    """A topology of up to so many Regions."""
    shutil.copytree(ROOT / "handlers", folder / "handlers", ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "desired_state" / "orders.yaml"
    path.parent.mkdir()
    # JSON, which YAML contains: leaves no doubt about what is text.
    path.write_text(json.dumps(_document(random.Random(seed), most)))  # an example, not a secret
    (topology,) = load(path)
    return topology


def _document(chance: random.Random, most: int) -> dict[str, Any]:
    names = chance.sample(NAMES, chance.randint(1, most))
    spec = {
        "account": "111111111111",
        "homeRegion": chance.choice((names[0], "us-east-1")),
        "domain": {"name": "api.example.com", "hostedZoneId": "Z0123456789EXAMPLE", "hostedZoneName": "example.com"},
        "regions": _regions(chance, names),
        "database": _database(chance, names),
        "api": _api(chance),
        "routing": {"ttlSeconds": (ttl := chance.randint(5, 300)), "drainSeconds": 269 + ttl + min(ttl, 60)},
        "edge": {
            "priceClass": chance.choice(("PriceClass_100", "PriceClass_200", "PriceClass_All")),
            "httpVersion": chance.choice(("http1.1", "http2", "http3", "http2and3")),
            "minimumTls": chance.choice(("TLSv1.2_2019", "TLSv1.2_2021", "TLSv1.2_2025")),
        },
        "safety": {"soakSeconds": chance.choice((0, 60))},
    }
    return {"apiVersion": "meridian/v1", "kind": "MultiRegionApi", "metadata": {"name": "orders"}, "spec": spec}


def _regions(chance: random.Random, names: list[str]) -> list[dict[str, str]]:
    drained = set(chance.sample(names[1:], chance.randint(0, 1))) if len(names) > 1 else set()
    traffic = {name: "drained" if name in drained else "serving" for name in names}
    return [{"name": name, "cidr": cidr(name), "traffic": traffic[name]} for name in names]


def _database(chance: random.Random, names: list[str]) -> dict[str, Any]:
    low, high = sorted((chance.randint(1, 512) / 2, chance.randint(1, 512) / 2))
    return {
        "version": chance.choice(("15.10", "16.8", "17.4")),
        "name": chance.choice(("orders", "off", "null")),
        "writer": chance.choice(names),
        "capacity": {"min": low, "max": max(high, 1)},
        "instancesPerRegion": chance.randint(1, 3),
        "writeForwarding": chance.choice(("session", "eventual", "global", "off")),
        "migrations": chance.choice(("handlers/api/migrations", None)),
    }


def _api(chance: random.Random) -> dict[str, Any]:
    return {
        "runtime": chance.choice(("python3.12", "python3.13")),
        "memoryMb": chance.randint(128, 10240),
        "timeoutSeconds": chance.randint(1, 29),
        "auth": {"origin": chance.choice(("edge-sigv4", "none"))},
        "throttle": {"rate": chance.randint(1, 10_000), "burst": chance.randint(1, 5000)},
        "health": {
            "intervalSeconds": chance.choice((10, 30)),
            "failureThreshold": chance.randint(1, 10),
        },
    }
