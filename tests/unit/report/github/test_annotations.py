"""Lines that a runner obeys: only ours."""

import pytest
from hypothesis import given, settings

from reconciler.model.errors import InvalidDesiredState, Problem
from reconciler.report.github.annotations import LEVELS, Annotation, commands, of_invalid
from tests.unit.report.github.hostile import TEXTS


def note(level="error", **more) -> Annotation:
    return Annotation(level=level, **{"message": "m", **more})


@pytest.mark.parametrize(
    ("given_", "line"),
    [
        (note(), "::error::m"),
        (note("notice", title="a, b: c"), "::notice title=a%2C b%3A c::m"),
        (note(file="a.yaml", line=3, column=7), "::error file=a.yaml,line=3,col=7::m"),
        (note(line=3), "::error::m"),
        (note(message="100 %\nnext"), "::error::100 %25%0Anext"),
        (note("warning", message="a: b, c", file="x,y:z"), "::warning file=x%2Cy%3Az::a: b, c"),
    ],
)
def test_each_note_is_one_command(given_, line):
    assert commands([given_]) == [line]


@given(message=TEXTS, title=TEXTS, file=TEXTS)
@settings(deadline=None, max_examples=200)
def test_nobody_adds_a_command_or_a_property(message, title, file):
    (line,) = commands([note(message=message, title=title, file=file, line=1)])
    head, _, said = line.removeprefix("::error").partition("::")
    assert len(line.splitlines()) == 1
    assert [p.partition("=")[0].strip() for p in head.split(",") if p] in (
        [],
        ["title"],
        ["file", "line"],
        ["file", "line", "title"],
    )
    assert not set(said) & set("\r\n\x1b")


def test_ten_of_a_level_at_most_the_worst_level_first_and_the_tenth_counts_the_others():
    many = [note(level, message=str(n)) for level in reversed(LEVELS) for n in range(12)]
    lines = commands(many)
    assert [line.split("::")[1].split()[0] for line in lines] == ["error"] * 10 + ["warning"] * 10 + ["notice"] * 10
    assert lines[9] == "::error title=and more::and 3 more, see the summary of this run"
    assert len(commands(many[:9])) == 9


def test_an_invalid_document_is_annotated_line_by_line():
    error = InvalidDesiredState(
        (Problem("a.yaml", 4, 2, "spec.x", "Wrong", "is wrong"), Problem("a.yaml", 1, 1, "", "Big", "b"))
    )
    assert commands(of_invalid(error)) == [
        "::error file=a.yaml,line=1,col=1,title=Big::b",
        "::error file=a.yaml,line=4,col=2,title=Wrong::spec.x: is wrong",
    ]
