"""The handlers as they ship: staged into a folder of their own, with the configuration of the worked example."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from unittest import mock

import pytest
import trustme

from cdk_app.code import stage
from cdk_app.projection import RUNNER, RUNNER_BESIDE
from tests.handlers import postgres
from tests.handlers.postgres import MASTER, PASSWORD, Network, Pair, environment

HANDLERS = Path(__file__).parents[2] / "handlers"
CONFIG = {"route": "route.api.example.com", "origin": "origin.api.example.com"}


def imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"shipped_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def router(tmp_path, monkeypatch) -> ModuleType:
    """A fresh sandbox: nothing remembered, the role's credentials in the environment."""
    for name, value in {
        "ACCESS_KEY_ID": "AKIDEXAMPLE",
        "SECRET_ACCESS_KEY": "secret",
        "SESSION_TOKEN": "tok/en==",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    folder = stage(HANDLERS / "edge_router", tmp_path / "router", generated={"config.json": json.dumps(CONFIG)})
    return imported(folder / "router.py")


def sandbox(folder: Path, variables: Mapping[str, str]) -> SimpleNamespace:
    """The folder's modules as a new execution environment has them, with the packages that they bring along."""
    names = {path.stem for path in folder.glob("*.py")}
    brought = {"pg8000", "jwt", *names}
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in brought}
    path = list(sys.path)
    sys.path.insert(0, str(folder))
    try:
        with mock.patch.dict(os.environ, variables):
            return SimpleNamespace(**{name: import_module(name) for name in sorted(names)})
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] in brought]:
            del sys.modules[name]
        sys.modules.update(kept)
        sys.path[:] = path


def told(tmp_path: Path, **variables: str) -> ModuleType:
    """The service's `app` as a new execution environment with these variables imports it."""
    given = {**environment("eu-west-1"), "VERSION": "abc", "HEALTH_PATH": "/health", **variables}
    return sandbox(stage(HANDLERS / "api", tmp_path / "api"), given).app


@pytest.fixture(scope="session")
def api_folder(tmp_path_factory) -> Path:
    return stage(HANDLERS / "api", tmp_path_factory.mktemp("api") / "api")


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def trusted(authority, tmp_path_factory) -> Path:
    """What stands in for RDS's authorities."""
    path = tmp_path_factory.mktemp("authority") / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="session")
def service(api_folder, trusted) -> SimpleNamespace:
    """The service's modules in eu-west-1; its database is whatever answers to the Region's names."""
    modules = sandbox(
        api_folder, {**environment("eu-west-1"), "VERSION": "abc", "HEALTH_PATH": "/health", "CLIENT_MODE": "none"}
    )
    modules.rds.AUTHORITIES = trusted
    return modules


@pytest.fixture(scope="session")
def runner(tmp_path_factory, trusted) -> SimpleNamespace:
    """The modules of the migrations runner."""
    folder = stage(RUNNER, tmp_path_factory.mktemp("migrate") / "migrate", beside=RUNNER_BESIDE)
    modules = sandbox(folder, environment("us-east-1", "meridian_migrator"))
    modules.rds.AUTHORITIES = trusted
    return modules


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    with postgres.scratch() as folder:
        yield postgres.make_template(folder)


@pytest.fixture(scope="session")
def network(authority) -> Iterator[Network]:
    network = Network(authority)
    with mock.patch.object(socket, "getaddrinfo", network.getaddrinfo):
        yield network


@pytest.fixture(scope="session")
def pair(template, network) -> Iterator[Pair]:
    """One pair for all tests that move no writer."""
    with postgres.running(template, network) as pair:
        yield pair


@pytest.fixture(scope="session")
def orders(pair, runner) -> Pair:
    """With roles and tables."""
    return migrated(pair, runner)


@pytest.fixture
def moving(template, network, runner) -> Iterator[Pair]:
    """A pair of the test's own, whose writer it may move."""
    with postgres.running(template, network) as pair:
        yield migrated(pair, runner)


def migrated(pair: Pair, runner: SimpleNamespace) -> Pair:
    asked = {"action": "prepare", "user": MASTER, "password": PASSWORD}
    assert ask_runner(runner, asked) == {"state": "prepared"}
    assert ask_runner(runner, {"action": "migrate", "migrations": migrations()})["state"] == "done"
    pair.caught_up()
    return pair


def migrations() -> list[dict[str, str]]:
    """What the reconciler would send."""
    found = sorted((HANDLERS / "api/migrations").glob("*.sql"))
    return [migration(path.name, path.read_text(encoding="utf-8")) for path in found]


def migration(name: str, sql: str) -> dict[str, str]:
    return {"name": name, "sha256": hashlib.sha256(sql.encode()).hexdigest(), "sql": sql}


def ask_runner(runner: SimpleNamespace, event: Mapping, region: str = "us-east-1", *, seconds: float = 60) -> dict:
    return runner.runner.respond(event, environment(region, "meridian_migrator"), seconds=seconds)


@pytest.fixture
def request_() -> dict:
    """What CloudFront hands to an origin-request function."""
    return {
        "clientIp": "203.0.113.7",
        "method": "POST",
        "uri": "/orders/a%20b",
        "querystring": "b=2&a=x%20y",
        "headers": {
            "host": [{"key": "Host", "value": "origin.api.example.com"}],
            "authorization": [{"key": "Authorization", "value": "Bearer client"}],
            "via": [{"key": "Via", "value": "2.0 abc.cloudfront.net (CloudFront)"}],
            "content-length": [{"key": "Content-Length", "value": "7"}],
            "x-amz-date": [{"key": "X-Amz-Date", "value": "19700101T000000Z"}],
            "x-amz-cf-id": [{"key": "X-Amz-Cf-Id", "value": "kept"}],
            "x-edge-thing": [{"key": "X-Edge-Thing", "value": "forged"}],
            "x-meridian-route": [{"key": "X-Meridian-Route", "value": "forged"}],
            "x-client-authorization": [{"key": "X-Client-Authorization", "value": "forged"}],
        },
        "origin": {
            "custom": {
                "customHeaders": {},
                "domainName": "origin.api.example.com",
                "keepaliveTimeout": 5,
                "path": "",
                "port": 443,
                "protocol": "https",
                "readTimeout": 30,
                "sslProtocols": ["TLSv1.2"],
            }
        },
        "body": {"action": "read-only", "data": "eyJhIjoxfQ==", "encoding": "base64", "inputTruncated": False},
    }
