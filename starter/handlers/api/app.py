"""A service to begin with: says from which Region it answers. The health check of the Region asks for HEALTH_PATH."""

import json
import os
from typing import Any


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    known = {os.environ.get("HEALTH_PATH", "/health"): {"status": "ok"}, "/": {"region": os.environ.get("AWS_REGION")}}
    found = known.get(event.get("path", "/"))
    return {
        "statusCode": 200 if found else 404,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(found or {"error": "nothing here"}),
    }
