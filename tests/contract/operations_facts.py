"""What is told of AWS's operations, what the product calls of them, and what the conformance tests claim."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from botocore import xform_name
from botocore.session import Session

from tests.contract.conformance.claims import Claim, claims_of

ROOT = Path(__file__).parents[2]
NOT_SERVICES = {"connect"}
"""Texts of the product that are something else: `Action=connect` is what a token of RDS is for."""
PRODUCT = (ROOT / "reconciler" / "aws", ROOT / "handlers")
FACTS = ROOT / "local_aws" / "operations"
SUITE = ROOT / "tests" / "contract" / "conformance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One entry of `local_aws/operations/<service>.toml`: what has to be shown of it."""

    name: str
    refusals: tuple[str, ...] = ()  # error codes
    states: tuple[str, ...] = ()  # what is seen in between
    differs: str = ""  # accepted, but not as on AWS: how
    not_modelled: str = ""  # why not
    cost: str = ""  # why nothing of it runs on a real account, and what that would cost

    @property
    def verdict(self) -> str:
        if self.not_modelled:
            return "not modelled"
        return "differs" if self.differs else "enforced"


@dataclass(slots=True)
class Shown:
    """What the tests claim about one operation."""

    success: bool = False
    refusals: set[str] = field(default_factory=set)
    states: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    real: bool = False


Known = dict[str, Operation]
Found = dict[str, Shown]
Ours = dict[str, set[str]]  # operation -> modules that call it


def operations(facts: Path = FACTS) -> dict[str, Operation]:
    return {
        f"{path.stem}:{name}": Operation(name=f"{path.stem}:{name}", **_tuples(entry))
        for path in sorted(facts.glob("*.toml"))
        for name, entry in tomllib.loads(path.read_text()).items()
    }


def _tuples(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


def called(folders: Iterable[Path] = PRODUCT) -> dict[str, set[str]]:
    """Operations that the product's adapters call, and the modules that do.

    Read off the source: a module that names a method (`describe_db_clusters`) of a service that any of them names (`"rds"`)
    is taken to call it. That may find too much, never too little. What other people wrote (`vendor`) calls nothing of AWS.
    """
    names: dict[str, set[str]] = defaultdict(set)  # attribute or text -> modules
    named: set[str] = set()  # services
    found = (path for folder in folders for path in folder.rglob("*.py"))
    for path in sorted(p for p in found if "vendor" not in p.parts):
        for node in ast.walk(ast.parse(path.read_text())):
            text = node.value if isinstance(node, ast.Constant) else getattr(node, "attr", None)
            if isinstance(text, str):
                names[text].add(os.path.relpath(path, ROOT))
                named |= {text} & services() if isinstance(node, ast.Constant) else set()
    return {
        f"{service}:{operation}": names[method]
        for service in sorted(named)
        for method, operation in methods(service).items()
        if method in names
    }


@cache
def _session() -> Session:
    return Session()


@cache
def services() -> frozenset[str]:
    return frozenset(_session().get_available_services()) - NOT_SERVICES


@cache
def methods(service: str) -> dict[str, str]:
    return {xform_name(name): name for name in _session().get_service_model(service).operation_names}


def claims() -> Iterator[tuple[Claim, bool]]:
    """Every claim of the suite, and whether its test may run on a real account."""
    for path in sorted(SUITE.glob("test_*.py")):
        module = importlib.import_module(f"tests.contract.conformance.{path.stem}")
        for name, test in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_") and test.__module__ == module.__name__:
                runs_real = any(mark.name == "real" for mark in getattr(test, "pytestmark", ()))
                for claim in claims_of(test):
                    yield claim, runs_real


def shown(told: Iterable[tuple[Claim, bool]]) -> dict[str, Shown]:
    found: dict[str, Shown] = defaultdict(Shown)
    for claim, runs_real in told:
        entry = found[claim.operation]
        entry.sources.add(claim.source)
        entry.real |= runs_real
        if claim.kind == "success":
            entry.success = True
        else:
            (entry.refusals if claim.kind == "refusal" else entry.states).add(claim.what)
    return found
