"""A template is made again exactly when a field it depends on changes: neither a stale template nor wasted work."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

from cdk_app.app import build
from cdk_app.projection import FIELDS, KEYS, fingerprint, projection, sources
from reconciler.model.topology import Migration, Region, Topology, Traffic
from tests.cdk.topologies import ORDERS, ROOT, shipped_with

CHANGED: dict[str, Any] = {
    "name": "parcels",
    "account": "222222222222",
    "home_region": "eu-west-1",
    "domain.name": "api.example.org",
    "domain.zone_id": "Z9",
    "domain.zone_name": "example.org",
    "regions": (Region(name="us-east-1", cidr="10.50.0.0/16"), Region(name="eu-central-1", cidr="10.60.0.0/16")),
    "database.engine": "aurora-mysql",
    "database.version": "17.4",
    "database.name": "parcels",
    "database.writer": "eu-west-1",
    "database.min_capacity": 0.5,
    "database.max_capacity": 128,
    "database.instances_per_region": 3,
    "database.write_forwarding": "global",
    "database.migrations": None,
    "database.deletion_policy": "snapshot",
    "database.max_replica_lag_ms": 1,
    "api.code": "elsewhere/api",
    "api.handler": "main.run",
    "api.runtime": "python3.12",
    "api.memory_mb": 1024,
    "api.timeout_seconds": 20,
    "api.origin_auth": "none",
    "api.client.mode": "jwt",
    "api.client.issuer": "https://issuer.example.com",
    "api.client.audience": "orders",
    "api.throttle_rate": 1,
    "api.throttle_burst": 1,
    "api.health.path": "/well",
    "api.health.interval_seconds": 30,
    "api.health.failure_threshold": 5,
    "migrations": (Migration(name="0001_first.sql", sql="create"),),
    "routing.policy": "weighted",
    "routing.ttl_seconds": 20,
    "routing.drain_seconds": 600,
    "edge.price_class": "PriceClass_All",
    "edge.http_version": "http2",
    "edge.minimum_tls": "TLSv1.3_2025",
    "edge.web_acl_arn": "arn:aws:wafv2:us-east-1:111111111111:global/webacl/a/1",
    "edge.certificate_arn": "arn:aws:acm:us-east-1:111111111111:certificate/0000",
    "safety.min_serving": 2,
    "safety.soak_seconds": 0,
    "safety.max_concurrent_regions": 2,
    "safety.windows": ({"cron": "0 3 * * *"},),
    "safety.allow": ({"hazard": "x"},),
    "safety.approval": "hazards",
    "drift.mode": "report",
    "drift.ignore": ({"path": "x"},),
    "drift.schedule": "rate(1 hour)",
    "suspend": True,
    "source": "desired_state/other.yaml",
}
"""Another value for every field of the topology, by path."""


def leaves(value: Any, prefix: str = "") -> Iterator[str]:
    for field in fields(value):
        inner = getattr(value, field.name)
        if is_dataclass(inner):
            yield from leaves(inner, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


def changed(topology: Any, path: str, value: Any) -> Any:
    head, _, rest = path.partition(".")
    return replace(topology, **{head: changed(getattr(topology, head), rest, value) if rest else value})


def field_of(path: str) -> str:
    """`region_names` is made of the field `regions`."""
    return "regions" if path == "region_names" else path


@pytest.fixture
def elsewhere(tmp_path) -> Topology:
    """The worked example in another checkout, whose API is also in a second folder."""
    for code in ("handlers/api", "elsewhere/api"):
        shutil.copytree(ROOT / "handlers" / "api", tmp_path / code, ignore=shutil.ignore_patterns("__pycache__"))
    return replace(ORDERS, root=tmp_path)


def test_every_field_has_another_value():
    assert set(CHANGED) == set(leaves(ORDERS)) - {"root"}


@pytest.mark.parametrize("key", KEYS)
def test_other_fields_change_nothing(key, elsewhere, synthesise):
    topology = elsewhere
    for path in set(CHANGED) - {field_of(p) for p in FIELDS[key]}:
        topology = changed(topology, path, CHANGED[path])
    assert projection(topology, key) == projection(ORDERS, key)
    assert synthesise(topology, key) == synthesise(ORDERS, key)


@pytest.mark.parametrize("key", KEYS)
def test_each_field_of_the_projection_changes_the_template(key, synthesise):
    before = synthesise(ORDERS, key)
    for path in FIELDS[key]:
        topology = changed(ORDERS, field_of(path), CHANGED[field_of(path)])
        assert projection(topology, key) != projection(ORDERS, key), path
        assert synthesise(topology, key) != before, path


def test_routing_knows_names_only(synthesise):
    drained = tuple(replace(r, cidr="10.99.0.0/16", traffic=Traffic.DRAINED) for r in ORDERS.regions)
    topology = replace(ORDERS, regions=drained)
    assert projection(topology, "routing") == projection(ORDERS, "routing")
    assert synthesise(topology, "routing") == synthesise(ORDERS, "routing")


def test_code_is_part_of_the_fingerprint_of_its_template_only(elsewhere):
    before = {key: fingerprint(elsewhere, key) for key in KEYS}
    (elsewhere.root / "handlers/api/new.py").write_text("x = 1\n")
    after = {key: fingerprint(elsewhere, key) for key in KEYS}
    assert {key for key in KEYS if before[key] != after[key]} == {"api"}
    (elsewhere.root / "handlers/api/new.py").unlink()
    cache = elsewhere.root / "handlers/api/__pycache__"
    cache.mkdir()
    (cache / "app.cpython-311.pyc").write_bytes(b"\0")
    assert {key: fingerprint(elsewhere, key) for key in KEYS} == before


def test_runner_is_ours_whatever_the_service_is(elsewhere, tmp_path):
    """The team's folder has no driver: the runner brings its own."""
    for path in (elsewhere.root / "handlers/api").iterdir():
        if path.name not in ("app.py", "openapi.yaml"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    build(elsewhere, tmp_path / "assembly", ["api"])
    assert {"rds.py", "vendor/pg8000/native.py"} <= {*shipped_with(tmp_path / "assembly", "runner.py").namelist()}


def test_runner_is_part_of_the_fingerprint(monkeypatch, tmp_path):
    before = {key: fingerprint(ORDERS, key) for key in KEYS}
    changed = tmp_path / "migrate"
    shutil.copytree(ROOT / "handlers/migrate", changed)
    (changed / "runner.py").write_text("x = 1\n")
    monkeypatch.setattr("cdk_app.projection.RUNNER", changed)
    assert {key for key in KEYS if fingerprint(ORDERS, key) != before[key]} == {"api"}


def test_fingerprint_does_not_depend_on_where_the_checkout_is(elsewhere):
    assert [fingerprint(elsewhere, key) for key in KEYS] == [fingerprint(ORDERS, key) for key in KEYS]


def test_sources_are_the_app_and_the_code_that_ships():
    assert {path.name for path in sources(ORDERS, "data")} == {
        "cdk_app",
        "archive.py",
        "control.py",
        "topology.py",
        "stacks.py",
    }
    handlers = ROOT / "handlers"
    ours = ["rds.py", "rds-global-bundle.pem", "vendor"]
    assert [path for path in sources(ORDERS, "api") if handlers in path.parents] == [
        handlers / "api",
        handlers / "migrate",
        *(handlers / "api" / name for name in ours),
    ]
    assert sources(ORDERS, "edge")[-1] == ROOT / "handlers" / "edge_router"


def test_looking_into_the_cache_does_not_load_aws_cdk():
    code = (
        "import sys, cdk_app.projection; print(json.dumps([m for m in sys.modules if 'jsii' in m or 'aws_cdk' in m]))"
    )
    shown = subprocess.run([sys.executable, "-c", "import json;" + code], cwd=ROOT, capture_output=True, check=True)
    assert json.loads(shown.stdout) == []
