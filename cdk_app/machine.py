"""What this machine is, in Lambda's words."""

from __future__ import annotations

import platform
import sys

MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
"""Lambda's architectures, and what machines call themselves."""


def host() -> tuple[str, str]:
    """Runtime and architecture of this machine: what can be packaged without a network, and runs on the embedded AWS here."""
    architecture = next(
        (name for name, machine in MACHINES.items() if machine == platform.machine()), platform.machine()
    )
    return f"python{sys.version_info.major}.{sys.version_info.minor}", architecture
