"""The way from PATH to topologies: read, parse, check the form, check the meaning, build. All problems at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reconciler.load import build, files, folders, migrations, rules, schema, together, yaml_text
from reconciler.load.document import Document
from reconciler.load.view import View, apply
from reconciler.model.errors import InvalidDesiredState, Problem
from reconciler.model.topology import Topology


@dataclass(frozen=True, slots=True)
class Loaded:
    """Every topology at PATH, by file and by place in it, and what is worth a word though it is valid."""

    topologies: tuple[Topology, ...]
    warnings: tuple[Problem, ...]


def load(path: Path) -> tuple[Topology, ...]:
    """Every topology at PATH, a file or a folder: at least one, or InvalidDesiredState with all the problems."""
    return tuple(_built(view) for view in _valid(path))


def load_with_warnings(path: Path, now: datetime) -> Loaded:
    """As `load`, with a warning for each entry that is over by `now`."""
    views = _valid(path)
    warnings = (view.document.problem(finding) for view in views for finding in rules.expired(view, now))
    return Loaded(tuple(_built(view) for view in views), tuple(sorted(warnings)))


def _built(view: View) -> Topology:
    return build.topology(view.data, root=view.root, source=view.document.file)


def _valid(path: Path) -> list[View]:
    found = files.read(path)
    problems = list(found.problems)
    views: list[View] = []
    for text in found.texts:
        documents, malformed = yaml_text.parse(text.file, text.text)
        problems += malformed
        if not documents and not malformed:
            problems.append(Problem(text.file, 1, 1, "", "NoDocument", "the file holds no document"))
        for document in documents:
            view, wrong = _check(document, found.root)
            views.append(view)
            problems += wrong
    problems += together.problems(views)
    if problems:
        raise InvalidDesiredState(tuple(problems))
    return views


def _check(document: Document, root: Path) -> tuple[View, list[Problem]]:
    """Form first, then meaning: rules skip what the schema has refused, so nothing is told twice."""
    form = schema.findings(document)
    broken = frozenset(finding.path for finding in form)
    view = View(document, schema.filled(document.data), broken, root)
    meaning = apply((*rules.RULES, *folders.RULES, *migrations.RULES), view)
    return view, [document.problem(finding) for finding in (*form, *meaning)]
