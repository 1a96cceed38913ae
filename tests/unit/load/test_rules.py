"""One bad document per rule, and exactly what the user reads: see bad_documents.txt."""

from pathlib import Path

import pytest


def cases() -> list[tuple[str, str, list[str]]]:
    entries = (Path(__file__).parent / "bad_documents.txt").read_text(encoding="utf-8").split("\n\n")
    found = []
    for entry in entries:
        lines = [line for line in entry.splitlines() if line[:2] in {"- ", "+ ", "! "}]
        old, new, told = ([line[2:] for line in lines if line[0] == mark] for mark in "-+!")
        if lines:
            found.append(("\n".join(old), "\n".join(new), told))
    return found


@pytest.mark.parametrize(("old", "new", "told"), [pytest.param(*case, id=case[1][:70]) for case in cases()])
def test_a_bad_document_is_told_where_and_why(project, old, new, told):
    project.write(project.edited((old, new)))

    assert project.problems() == [f"desired_state/orders.yaml:{line}" for line in told]


def test_no_case_is_lost():
    assert len(cases()) > 80
