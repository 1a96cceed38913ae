"""The handlers as they ship: staged into a folder of their own, with the configuration of the worked example."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from cdk_app.code import stage

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


@pytest.fixture
def api(tmp_path, monkeypatch) -> ModuleType:
    """Open to everybody; `service` stages one that is not."""
    return service(tmp_path, monkeypatch, CLIENT_MODE="none")


def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **environment: str) -> ModuleType:
    """The service as Lambda would import it: its folder on the path, its modules fresh."""
    given = {"AWS_REGION": "eu-west-1", "VERSION": "abc", "HEALTH_PATH": "/health", **environment}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    folder = stage(HANDLERS / "api", tmp_path / "api")
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    for module in folder.glob("*.py"):
        monkeypatch.delitem(sys.modules, module.stem, raising=False)
    return imported(folder / "app.py")


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
