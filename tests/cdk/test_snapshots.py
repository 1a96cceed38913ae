"""A changed template shows in review. `make snapshots` writes the new ones."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from cdk_app.projection import KEYS

GOLDEN = Path(__file__).parents[1] / "golden" / "templates"


def normalised(template: dict) -> str:
    """Without what follows from the code of a function alone: its hash, and the version that hash names."""
    text = json.dumps(template, indent=1, sort_keys=True) + "\n"
    text = re.sub(r"[0-9a-f]{64}", "<hash>", text)
    text = re.sub(r'"VERSION": "[0-9a-f]{12}"', '"VERSION": "<version>"', text)
    return re.sub(r"RouterVersion[0-9a-f]{10}", "RouterVersion<hash>", text)


@pytest.mark.parametrize("key", KEYS)
def test_template_is_the_reviewed_one(key, templates):
    golden = GOLDEN / f"{key}.json"
    text = normalised(templates[key])
    if os.environ.get("UPDATE_SNAPSHOTS"):
        GOLDEN.mkdir(parents=True, exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text(), f"template {key} changed: `make snapshots`, then read the difference"


def test_no_snapshot_without_a_template():
    assert {path.stem for path in GOLDEN.iterdir()} == set(KEYS)
