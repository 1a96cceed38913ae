"""What each template depends on: the key under which a synthesised template is kept. Knows nothing of aws_cdk.

A change elsewhere in the document, such as the traffic state or the writer, must not synthesise anything again; a field
missing here would serve a stale template. The tests change every field of a topology and compare both.
"""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path
from typing import Any

from cdk_app.code import shipped
from reconciler.model import archive as model_archive
from reconciler.model import control as model_control
from reconciler.model import stacks as model_stacks
from reconciler.model import topology as model_topology
from reconciler.model.control import ARCHITECTURE, RUNTIME
from reconciler.model.topology import Topology

_HERE = Path(__file__).parent
APP = (_HERE, *(Path(str(module.__file__)) for module in (model_archive, model_control, model_stacks, model_topology)))
"""What makes any template: this package, the model's derived names, and how code is put together."""
_HANDLERS = _HERE.parent / "handlers"
ROUTER = _HANDLERS / "edge_router"
RUNNER = _HANDLERS / "migrate"
RUNNER_BESIDE = tuple(_HANDLERS / "api" / name for name in ("rds.py", "rds-global-bundle.pem", "vendor"))
"""What the migrations runner shares with the sample service; with ours, whatever service the topology has."""

CONTROL = ("control", "control-remote")
"""The control plane: `bootstrap` deploys these, no pass does."""
KEYS = (
    "foundation-home",
    "foundation",
    "global",
    "data-founder",
    "data-heir",
    "data",
    "api",
    "routing",
    "edge",
    *CONTROL,
)

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
    "data-heir": _MEMBER,
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
        "api.client.mode",
        "api.client.issuer",
        "api.client.audience",
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
    "control": (),
    "control-remote": (),
}
"""Fields of the topology that a template is made from, by template key."""


def projection(topology: Topology, key: str) -> dict[str, Any]:
    """The part of the topology that template `key` is made from."""
    return {path: attrgetter(path)(topology) for path in FIELDS[key]}


def code_folder(topology: Topology, key: str) -> Path | None:
    """The folder that ships with template `key`, if any."""
    return {"api": topology.root / topology.api.code, "edge": ROUTER}.get(key)


def sources(topology: Topology, key: str) -> tuple[Path, ...]:
    """Folders and files whose content the template depends on; `cdk_app.code.shipped` says which files of a folder."""
    return (*APP, *_code(topology, key))


def fingerprint(topology: Topology, key: str) -> str:
    """Equal fingerprints mean equal templates and assets: projection, content of the sources, version of aws-cdk-lib."""
    inputs = [key, _program(), projection(topology, key), *map(_content, _code(topology, key))]
    if key == "control":
        inputs.append(platform())
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def platform() -> tuple[str, str]:
    """Which Python and which processor the functions of the control plane are put together for."""
    return os.environ.get("MERIDIAN_RUNTIME") or RUNTIME, os.environ.get("MERIDIAN_ARCHITECTURE") or ARCHITECTURE


def _code(topology: Topology, key: str) -> tuple[Path, ...]:
    """Folders and files that ship with the template."""
    if key == "control":
        from cdk_app.packaging import sources  # noqa: PLC0415  # no pass needs it, and it takes time to load

        return sources()
    folder = code_folder(topology, key)
    if folder is None:
        return ()
    return (folder, RUNNER, *RUNNER_BESIDE) if key == "api" else (folder,)


@cache
def _program() -> str:
    """What synthesises: it does not change while a process runs."""
    return hashlib.sha256(json.dumps([version("aws-cdk-lib"), *map(_content, APP)]).encode()).hexdigest()


def _content(source: Path) -> str:
    """Names and contents of the files that ship."""
    files = {path.as_posix(): source / path for path in shipped(source)} if source.is_dir() else {source.name: source}
    listed = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    return hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()
