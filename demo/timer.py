"""`python -m demo.timer off`: switches the control plane's slow resync off, or on again; plain boto3."""

from __future__ import annotations

import sys
from typing import Any

import boto3

RULE = "meridian-resync"


def main() -> None:
    events: Any = boto3.client("events", region_name="us-east-1")
    change = {"off": events.disable_rule, "on": events.enable_rule}[sys.argv[1]]
    change(Name=RULE)
    print(f"rule {RULE} is {sys.argv[1]}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
