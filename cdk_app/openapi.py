"""A service's OpenAPI document → the definition that API Gateway imports.

Only routes are taken: API Gateway understands a part of OpenAPI, and a schema or a description that it dislikes must
not stop a deployment. Every operation goes to the function; what the document does not name is not reachable.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ANY = "x-amazon-apigateway-any-method"
METHODS = ("get", "head", "post", "put", "patch", "delete", "options", ANY)
EVERYTHING: dict[str, Any] = {"/": {ANY: {}}, "/{proxy+}": {ANY: {}}}
"""Routes of a service without a document: all of them."""


def routes(document: Path) -> dict[str, tuple[str, ...]]:
    """Methods by path, in the document's order."""
    paths: Any = EVERYTHING
    if document.is_file():
        try:
            content = yaml.safe_load(document.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise ValueError(f"{document}: not YAML: {' '.join(str(error).split())}") from error
        paths = content.get("paths") if isinstance(content, dict) else None
    if not isinstance(paths, dict) or not all(isinstance(v, dict) and str(k).startswith("/") for k, v in paths.items()):
        raise ValueError(f"{document}: `paths` must map each path, which begins with /, to its operations")
    found = {path: tuple(m for m in METHODS if m in operations) for path, operations in paths.items()}
    return {path: methods for path, methods in found.items() if methods}


def definition(name: str, routes: dict[str, tuple[str, ...]], *, health: str, signed: bool, uri: Any) -> dict[str, Any]:
    """The document to import: each operation a proxy to the function at `uri`, signed but for `GET` on the health path."""
    every = {**routes, health: tuple(dict.fromkeys(("get", *routes.get(health, ()))))}
    return {
        "openapi": "3.0.1",
        "info": {"title": name, "version": "1"},
        "paths": {
            path: {m: _operation(path, uri, signed=signed and (path, m) != (health, "get")) for m in methods}
            for path, methods in sorted(every.items())
        },
        "components": {
            "securitySchemes": {
                "sigv4": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                }
            }
        },
    }


def _operation(path: str, uri: Any, *, signed: bool) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "responses": {"200": {"description": "whatever the service answers"}},
        "x-amazon-apigateway-auth": {"type": "AWS_IAM" if signed else "NONE"},
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            "httpMethod": "POST",
            "uri": uri,
            "passthroughBehavior": "when_no_match",
            "timeoutInMillis": 29000,
        },
    }
    if signed:
        operation["security"] = [{"sigv4": []}]
    if names := re.findall(r"{(\w+)\+?}", path):
        operation["parameters"] = [
            {"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names
        ]
    return operation
