"""Reads from the registry schemas that cfn-lint ships what CloudFormation can compare; run as a program it writes the table."""

import json
from pathlib import Path
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.unit.diff.create_only import TABLE as TYPES

TABLE = Path(__file__).parents[3] / "reconciler/diff/drift_checks.json"


def drift_checks(resource_type: str) -> dict[str, Any]:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema
    pointers = schema.get("writeOnlyProperties", [])
    return {
        "read": "read" in schema.get("handlers", {}),
        "writeOnly": sorted({p.removeprefix("/properties/").replace("/", ".") for p in pointers}),
    }


def table(types: list[str]) -> dict[str, dict[str, Any]]:
    return {t: drift_checks(t) for t in sorted(types)}


if __name__ == "__main__":
    TABLE.write_text(json.dumps(table(list(json.loads(TYPES.read_text()))), indent=1) + "\n")
