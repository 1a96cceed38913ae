"""Rules across documents: what two topologies cannot share, wherever their files are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.load.document import Finding, Path, shown
from reconciler.load.view import View
from reconciler.model.errors import Problem

_UNIQUE: tuple[tuple[Path, str, str], ...] = (
    (("metadata", "name"), "DuplicateName", "one document per name"),
    (("spec", "domain", "name"), "DuplicateDomain", "one topology per domain"),
)
_HOME = ("spec", "homeRegion")


def problems(views: Sequence[View]) -> Iterator[Problem]:
    for path, code, rule in _UNIQUE:
        yield from _clashes(views, path, code, rule)
    yield from _homes(views)


def _clashes(views: Sequence[View], path: Path, code: str, rule: str) -> Iterator[Problem]:
    first: dict[str, View] = {}
    for view in views:
        name = view.find(*path)
        if name is not None and (taken := first.setdefault(name, view)) is not view:
            message = f"{shown(name)} is taken by {_where(taken, path)}; {rule}"
            yield view.document.problem(Finding(path, code, message))


def _homes(views: Sequence[View]) -> Iterator[Problem]:
    """An account has one home Region: it holds the lease table that all its topologies share."""
    first: dict[str, View] = {}
    for view in views:
        account, home = view.find("spec", "account"), view.find(*_HOME)
        if account is None or home is None:
            continue
        other = first.setdefault(account, view)
        if home != other.find(*_HOME):
            taken = f"{other.find(*_HOME)} in {_where(other, _HOME)}"
            message = f"{shown(home)} differs from {taken}; an account has one home Region"
            yield view.document.problem(Finding(_HOME, "HomeRegionDiffers", message))


def _where(view: View, path: Path) -> str:
    place = view.document.problem(Finding(path, "", ""))
    return f"{place.file}:{place.line}:{place.column}"
