"""What of botocore's data ships: the newest model of each service that the reconciler calls, without its prose.

botocore knows four hundred services, some in twenty versions, in thirty megabytes. Models are most of what a client costs to
make, in time and in memory, and more than half of a model is documentation. A service that is missing here shows as
`UnknownServiceError` in the functions; a test holds the list against what the adapters call.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

SERVICES = (
    "acm",
    "apigateway",
    "cloudformation",
    "cloudfront",
    "cloudtrail",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "rds",
    "route53",
    "s3",
    "secretsmanager",
    "service-quotas",
    "sns",
    "sqs",
    "sts",
)
DATA = "botocore/data/"
_KINDS = ("service-2", "endpoint-rule-set-1", "paginators-1")
"""What calls need. Waiters, examples and completions are for others: a pass never waits."""


def pruned(files: Mapping[str, Path]) -> Iterator[tuple[str, bytes]]:
    """Those of `botocore/data/` that ship, as they ship."""
    newest = _newest(files)
    for name, path in files.items():
        match PurePosixPath(name.removeprefix(DATA)).parts:
            case (_,):  # partitions, endpoints, retries and defaults
                yield name, _compact(path)
            case (service, version, file) if newest.get(service) == version and file.startswith(_KINDS):
                yield name.removesuffix(".gz"), _compact(path)


def _newest(files: Mapping[str, Path]) -> dict[str, str]:
    """By service; versions are dates."""
    found: dict[str, str] = {}
    for name in files:
        parts = PurePosixPath(name.removeprefix(DATA)).parts
        if len(parts) == 3 and parts[0] in SERVICES and parts[2].startswith("service-2"):
            found[parts[0]] = max(parts[1], found.get(parts[0], ""))
    return found


def _compact(path: Path) -> bytes:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    model: dict[str, Any] = json.loads(data)
    _drop_prose(model)
    return json.dumps(model, ensure_ascii=False, separators=(",", ":")).encode()


def _drop_prose(model: dict[str, Any]) -> None:
    """Only where the model's own format has prose: members of shapes may be called `documentation` too."""
    shapes, operations = model.get("shapes", {}).values(), model.get("operations", {}).values()
    members = [m for shape in shapes for m in shape.get("members", {}).values()]
    parts = [shape[part] for shape in shapes for part in ("member", "key", "value") if part in shape]
    errors = [error for operation in operations for error in operation.get("errors", ())]
    parameters = [p for operation in operations for p in operation.get("staticContextParams", {}).values()]
    rules = list(model.get("parameters", {}).values()) if "rules" in model else []
    for described in (model, *shapes, *operations, *members, *parts, *errors, *parameters, *rules):
        if isinstance(described.get("documentation"), str):
            del described["documentation"]
        described.pop("documentationUrl", None)
