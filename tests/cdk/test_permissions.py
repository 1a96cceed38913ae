"""The service roles' permissions are those of our templates. `make snapshots`, run twice, writes what changed."""

from __future__ import annotations

import json
import os

from cdk_app.projection import CONTROL, KEYS
from cdk_app.stacks.control import service_roles
from tests.cdk.service_permissions import generated

OURS = tuple(key for key in KEYS if key not in CONTROL)


def test_permissions_are_those_of_the_templates(templates):
    found = generated({key: templates[key] for key in OURS})
    text = json.dumps(found, indent=1) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        service_roles.DATA.write_text(text)
    assert service_roles.DATA.read_text() == text, "a template changed: `make snapshots`, then read the difference"
