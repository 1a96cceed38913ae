"""The table of operations: what the product calls, what the embedded AWS makes of it, and which test shows it.

`python -m tests.contract.operations` writes `local_aws/OPERATIONS.md`; with `--check` it writes nothing and fails when

- the product calls an operation that `local_aws/operations/` lacks,
- something that the file says must be shown is claimed by no conformance test, or a test claims what the file does not know,
  (`tests/contract/conformance/claims.py` says how tests claim),
- the table is not up to date.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import sys
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
PRODUCT = (ROOT / "reconciler" / "aws", ROOT / "handlers")
FACTS = ROOT / "local_aws" / "operations"
TABLE = ROOT / "local_aws" / "OPERATIONS.md"
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


# ---- what there is ------------------------------------------------------------------------------------------------------


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
    is taken to call it. That may find too much, never too little.
    """
    names: dict[str, set[str]] = defaultdict(set)  # attribute or text -> modules
    services: set[str] = set()
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            text = node.value if isinstance(node, ast.Constant) else getattr(node, "attr", None)
            if isinstance(text, str):
                names[text].add(os.path.relpath(path, ROOT))
                services |= {text} & _services() if isinstance(node, ast.Constant) else set()
    return {
        f"{service}:{operation}": names[method]
        for service in sorted(services)
        for method, operation in _methods(service).items()
        if method in names
    }


@cache
def _session() -> Session:
    return Session()


@cache
def _services() -> frozenset[str]:
    return frozenset(_session().get_available_services())


@cache
def _methods(service: str) -> dict[str, str]:
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


Known = dict[str, Operation]
Found = dict[str, Shown]
Ours = dict[str, set[str]]  # operation -> modules that call it
_LISTS = {"refusal": "refusals", "state": "states"}

# ---- what is wrong ------------------------------------------------------------------------------------------------------


def problems(known: Known, found: Found, ours: Ours) -> Iterator[str]:
    """What is missing where, each with the way out."""
    for name, modules in ours.items():
        if name not in known:
            where = ", ".join(sorted(modules))
            yield f"{name}: called in {where}, but not in the table: {_add(name)}, and test it in the conformance suite"
    for name, entry in known.items():
        yield from _unproven(entry, found.get(name, Shown()))
    for name in sorted(found.keys() - known.keys() - ours.keys()):
        yield f"{name}: claimed by a conformance test, but not in the table: {_add(name)}"


def _add(name: str) -> str:
    service, _, operation = name.partition(":")
    return f"add [{operation}] to local_aws/operations/{service}.toml"


def _unproven(entry: Operation, found: Shown) -> Iterator[str]:
    service, _, operation = entry.name.partition(":")
    if service not in _services() or operation not in _methods(service).values():
        yield f"{entry.name}: boto3 has no such operation: correct or remove it in local_aws/operations/"
    if entry.not_modelled:
        return
    if not found.success:
        yield f'{entry.name}: no conformance test shows its success: claim it with @success("{entry.name}", source=…)'
    if not found.real and not entry.cost:
        yield f"{entry.name}: no test of it is @real, and its entry does not say why: mark one, or add `cost`"
    for word, asked, claimed in (
        ("refusal", set(entry.refusals), found.refusals),
        ("state", set(entry.states), found.states),
    ):
        for what in sorted(asked - claimed):
            yield f'{entry.name}: no conformance test shows the {word} {what}: claim it with @{word}("{entry.name}", "{what}", …)'
        for what in sorted(claimed - asked):
            yield f"{entry.name}: a test claims the {word} {what}: add it to `{_LISTS[word]}` of its entry in local_aws/operations/"


# ---- the table -----------------------------------------------------------------------------------------------------------

_HEAD = """# Operations

Generated by `make operations` from [operations/](operations/) and the conformance suite (`tests/contract/conformance`);
`make check` fails when it is out of date, or when the product calls an operation that is not here.

- **enforced**: the success, every refusal and every state in between that is listed has a conformance test.
- **differs**: accepted, with tests for what is listed, but not as on AWS in the way that is told.
- **not modelled**: not there, for the reason that is told.

*Used by* **product**: the reconciler calls it; **people**: scripts, tests and later parts do. *Real*: whether part of the tests
runs on a real account with `make conformance ENDPOINT=real`; where nothing does, the reason or the price.
"""


def table(known: Known, found: Found, ours: Ours) -> str:
    lines = [_HEAD, _summary(known, ours), ""]
    for service in sorted({name.partition(":")[0] for name in known}):
        lines += [
            f"## {service}\n",
            "| operation | used by | verdict | refuses | states in between | real |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            _row(entry, found.get(name, Shown()), product=name in ours)
            for name, entry in sorted(known.items())
            if name.startswith(f"{service}:")
        ]
        lines += ["", *_notes(service, known), *_sources(service, found)]
    return "\n".join(lines).rstrip() + "\n"


def _summary(known: Known, ours: Ours) -> str:
    counts = {word: sum(e.verdict == word for e in known.values()) for word in ("enforced", "differs", "not modelled")}
    total = f"{len(known)} operations, of which the product calls {len(known.keys() & ours.keys())}"
    return f"{total}: " + ", ".join(f"{number} {word}" for word, number in counts.items()) + "."


def _row(entry: Operation, found: Shown, *, product: bool) -> str:
    cells = [
        entry.name.partition(":")[2],
        "product" if product else "people",
        entry.verdict,
        ", ".join(sorted(entry.refusals)) or "–",
        ", ".join(sorted(entry.states)) or "–",
        "yes" if found.real else (entry.cost or "–"),
    ]
    return f"| {' | '.join(cell.replace('|', '∣') for cell in cells)} |"


def _notes(service: str, known: Known) -> list[str]:
    told = [
        f"- **{name.partition(':')[2]}** {entry.verdict}: {entry.not_modelled or entry.differs}"
        for name, entry in sorted(known.items())
        if name.startswith(f"{service}:") and (entry.not_modelled or entry.differs)
    ]
    return [*told, ""] if told else []


def _sources(service: str, found: Found) -> list[str]:
    sources = sorted({s for name, entry in found.items() if name.startswith(f"{service}:") for s in entry.sources})
    return [f"Sources: {'; '.join(sources)}.", ""] if sources else []


def main(arguments: list[str], where: Path = TABLE) -> int:
    everything = operations(), shown(claims()), called()
    wrong, text = list(problems(*everything)), table(*everything)
    if arguments != ["--check"]:
        where.write_text(text)
    elif not where.exists() or where.read_text() != text:
        wrong.append(f"{os.path.relpath(where, ROOT)} is out of date: run `make operations` and commit it")
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
