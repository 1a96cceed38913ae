"""What does not fit is left out whole, the lightest first, and a line says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.report.github.limits import COMMENT, Limit, Section, fit

ROOM = Limit(characters=4_000, size=5_000)


def section(name: str, weight: int, length: int, short: int = 0, letter: str = "x") -> Section:
    return Section(name=name, weight=weight, full=letter * length, short="s" * short)


@pytest.mark.parametrize(
    ("sections", "texts"),
    [
        ([section("a", 1, 500), section("b", 2, 500)], ["x" * 500, "x" * 500]),
        ([section("a", 1, 9_000, 9), section("b", 2, 500)], ["s" * 9, "x" * 500]),
        ([section("a", 2, 9_000, 9), section("b", 1, 500, 5)], ["s" * 9, "s" * 5]),
        ([section("a", 2, 900), section("b", 1, 900)], ["x" * 900]),
        ([section("a", 1, 9_000), section("b", 2, 500)], ["x" * 500]),
        ([section("a", 1, 900, letter="😀")], []),
    ],
)
def test_the_lightest_is_said_in_less_or_not_at_all(sections, texts):
    assert [t for t in fit("H", sections, "F", "elsewhere", ROOM).split("\n\n")[1:-1] if t[0] != ">"] == texts


def test_a_line_names_what_is_missing_and_where_it_is():
    found = fit("H", [section("the a", 1, 9_000), section("the b", 2, 9_000, 9)], "F", "the whole is there", ROOM)
    assert found.split("\n\n")[1] == "> No more fits here, the whole is there. Shortened: the b. Left out: the a."
    many = fit("H", [section(f"s{n}", n, 900) for n in range(30)], "F", "w", ROOM)
    assert "s9 and 19 others." in many


@given(
    st.lists(
        st.builds(
            section,
            st.sampled_from("abc"),
            st.integers(0, 3),
            st.integers(0, 3_000),
            st.integers(0, 300),
            st.sampled_from("x€😀"),
        ),
        max_size=40,
    )
)
def test_it_always_fits_and_nothing_is_cut(sections):
    text = fit("H", sections, "F", "elsewhere", ROOM)
    assert ROOM.holds(text)
    pieces = {form for s in sections for form in (s.full, s.short)}
    assert set(text.split("\n\n")[1:-1]) <= pieces | {t for t in text.split("\n\n") if t.startswith(">")}


def test_github_takes_what_is_called_a_comment():
    assert COMMENT.characters < 65_536
    assert COMMENT.size < 262_144
