"""Reads create-only properties from the registry schemas that cfn-lint ships; run as a program it writes the table."""

import json
from pathlib import Path

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

TABLE = Path(__file__).parents[3] / "reconciler/diff/create_only.json"


def create_only(resource_type: str) -> list[str]:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema
    pointers = [
        *schema.get("createOnlyProperties", []),
        *schema.get("conditionalCreateOnlyProperties", []),
    ]
    return sorted({p.removeprefix("/properties/").replace("/", ".") for p in pointers})


def table(types: list[str]) -> dict[str, list[str]]:
    return {t: create_only(t) for t in sorted(types)}


if __name__ == "__main__":
    import sys

    known = sys.argv[1:] or list(json.loads(TABLE.read_text()))
    TABLE.write_text(json.dumps(table(known), indent=1) + "\n")
