"""What each template depends on: the key under which a synthesised template is kept. Knows nothing of aws_cdk.

A change elsewhere in the document, such as the traffic state or the writer, must not synthesise anything again; a field
missing here would serve a stale template. The tests change every field of a topology and compare both.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path
from typing import Any

from cdk_app.code import shipped
from reconciler.model.topology import Topology

HERE = Path(__file__).parent
ROUTER = HERE.parent / "handlers" / "edge_router"

KEYS = ("foundation-home", "foundation", "global", "data-founder", "data", "api", "routing", "edge")

_ZONE = ("domain.name", "domain.zone_id")
_MEMBER = (
    "name",
    "database.engine",
    "database.version",
    "database.min_capacity",
    "database.max_capacity",
    "database.instances_per_region",
    "database.write_forwarding",
)
FIELDS: dict[str, tuple[str, ...]] = {
    "foundation-home": (),
    "foundation": (),
    "global": ("name", "database.engine", "database.version"),
    "data-founder": (*_MEMBER, "database.name"),
    "data": _MEMBER,
    "api": (
        "name",
        *_ZONE,
        "database.name",
        "api.handler",
        "api.runtime",
        "api.memory_mb",
        "api.timeout_seconds",
        "api.origin_auth",
        "api.throttle_rate",
        "api.throttle_burst",
        "api.health.path",
        "api.health.interval_seconds",
        "api.health.failure_threshold",
    ),
    "routing": (*_ZONE, "region_names", "routing.ttl_seconds"),
    "edge": (
        "name",
        *_ZONE,
        "edge.price_class",
        "edge.http_version",
        "edge.minimum_tls",
        "edge.web_acl_arn",
        "edge.certificate_arn",
    ),
}
"""Fields of the topology that a template is made from, by template key."""


def projection(topology: Topology, key: str) -> dict[str, Any]:
    """The part of the topology that template `key` is made from."""
    return {path: attrgetter(path)(topology) for path in FIELDS[key]}


def code_folder(topology: Topology, key: str) -> Path | None:
    """The folder that ships with template `key`, if any."""
    return {"api": topology.root / topology.api.code, "edge": ROUTER}.get(key)


def sources(topology: Topology, key: str) -> tuple[Path, ...]:
    """Folders whose content the template depends on; `cdk_app.code.shipped` says which of their files."""
    folder = code_folder(topology, key)
    return (HERE,) if folder is None else (HERE, folder)


def fingerprint(topology: Topology, key: str) -> str:
    """Equal fingerprints mean equal templates and assets: projection, content of the sources, version of aws-cdk-lib."""
    digest = hashlib.sha256(
        json.dumps([key, version("aws-cdk-lib"), projection(topology, key)], sort_keys=True).encode()
    )
    for folder in sources(topology, key):
        for path in shipped(folder):
            content = hashlib.sha256((folder / path).read_bytes()).hexdigest()
            digest.update(f"{path.as_posix()}\0{content}\n".encode())
    return digest.hexdigest()
