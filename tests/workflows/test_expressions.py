from __future__ import annotations

import pytest

from tests.workflows.expressions import Expressions, Unknown, asks_for_status

CONTEXTS = {
    "github": {"event": {"pull_request": {"title": "it's"}}, "ref": "refs/heads/main"},
    "inputs": {"account": ""},
    "vars": {"ACCOUNT": "111111111111"},
    "steps": {"one": {"outputs": {"x": "Yes"}}},
}
EXPRESSIONS = Expressions(CONTEXTS, {"success": lambda: True, "two": lambda a, b: f"{a}-{b}"})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("inputs.account || vars.ACCOUNT", "111111111111"),
        ("(inputs.account || vars.NONE) != ''", False),
        ("github.event.pull_request.head.repo.full_name == 'acme/apis'", False),  # the fork is gone
        ("github.event.pull_request.title == 'it''s'", True),
        ("steps.one.outputs.x == 'yes'", True),
        ("!success() || true && false", False),
        ("success() && github.ref", "refs/heads/main"),
        ("two(inputs.account || 'a', 3)", "a-3"),
    ],
)
def test_what_an_expression_comes_to(text: str, value: object) -> None:
    assert EXPRESSIONS.value(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "github.reff",
        "steps.two.outputs.x",
        "secrets.TOKEN",
        "toJSON(github)",
        "inputs.account ||",
        "a b",
        "steps.one == 'x'",
        "`id`",
    ],
)
def test_what_is_not_known_is_an_error(text: str) -> None:
    with pytest.raises(Unknown):
        EXPRESSIONS.value(text)


def test_a_text_is_put_together_and_an_object_is_none() -> None:
    assert EXPRESSIONS.text("a ${{ vars.ACCOUNT }}/${{inputs.none}}") == "a 111111111111/"
    for wrong in ("${{ vars.ACCOUNT", "${{ vars }}"):
        with pytest.raises(Unknown):
            EXPRESSIONS.text(wrong)


def test_a_condition_that_asks_for_a_status_is_told_from_one_that_does_not() -> None:
    assert asks_for_status("${{ !cancelled() }}")
    assert not asks_for_status("needs.a.outputs.failure == 'x'")
