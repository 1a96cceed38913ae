"""The check of the table of operations: what it finds, and what it says to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract import operations
from tests.contract.conformance.claims import Claim
from tests.contract.operations import problems, table
from tests.contract.operations_facts import Operation, Shown, called, shown
from tests.contract.operations_facts import operations as known_by

NAME = "route53:CreateHealthCheck"
ENTRY = Operation(name=NAME, refusals=("InvalidInput",), states=("slow",))
CLAIMS = [("success", ""), ("refusal", "InvalidInput"), ("state", "slow")]


def claimed(*told: tuple[str, str], name: str = NAME, real: bool = True) -> dict[str, Shown]:
    return shown((Claim(operation=name, kind=kind, what=what, source="here"), real) for kind, what in told)  # type: ignore[arg-type]


def test_what_is_told_and_shown_is_no_problem() -> None:
    assert list(problems({NAME: ENTRY}, claimed(*CLAIMS), {NAME: {"a.py"}})) == []


def test_an_operation_that_the_product_calls_must_be_told(tmp_path: Path) -> None:
    (tmp_path / "adapter.py").write_text("def f(clients):\n    return clients('route53').create_health_check(A=1)\n")
    ours = called([tmp_path])
    assert list(ours) == [NAME]
    [problem] = problems({}, {}, ours)
    assert problem.startswith(f"{NAME}: called in ")
    assert "adapter.py" in problem
    assert "add [CreateHealthCheck] to local_aws/operations/route53.toml" in problem


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        (0, "no conformance test shows its success"),
        (1, "no conformance test shows the refusal InvalidInput"),
        (2, "no conformance test shows the state slow"),
    ],
)
def test_what_is_told_must_be_claimed(missing: int, told: str) -> None:
    [problem] = problems({NAME: ENTRY}, claimed(*(c for n, c in enumerate(CLAIMS) if n != missing)), {})
    assert told in problem
    assert f'("{NAME}"' in problem, "the way out"


def test_what_is_claimed_must_be_told() -> None:
    [problem] = problems({}, claimed(*CLAIMS), {})
    assert problem == (
        f"{NAME}: claimed by a conformance test, but not in the table: "
        "add [CreateHealthCheck] to local_aws/operations/route53.toml"
    )
    [problem] = problems({NAME: ENTRY}, claimed(*CLAIMS, ("refusal", "TooManyHealthChecks")), {})
    assert "a test claims the refusal TooManyHealthChecks: add it to `refusals`" in problem


def test_what_runs_on_no_real_account_has_a_price() -> None:
    [problem] = problems({NAME: ENTRY}, claimed(*CLAIMS, real=False), {})
    assert "add `cost`" in problem
    priced = Operation(name=NAME, refusals=ENTRY.refusals, states=ENTRY.states, cost="much")
    assert list(problems({NAME: priced}, claimed(*CLAIMS, real=False), {})) == []


def test_an_operation_must_be_one() -> None:
    name = "route53:MakeHealthCheck"
    [problem] = problems({name: Operation(name=name, not_modelled="because")}, {}, {})
    assert "boto3 has no such operation" in problem


def test_an_entry_is_read_and_written(tmp_path: Path) -> None:
    (tmp_path / "route53.toml").write_text('[CreateHealthCheck]\nrefusals = ["InvalidInput"]\ndiffers = "a | b"\n')
    known = known_by(tmp_path)
    assert known[NAME] == Operation(name=NAME, refusals=("InvalidInput",), differs="a | b")
    text = table(known, claimed(*CLAIMS), {NAME: {"a.py"}})
    assert "1 operations, of which the product calls 1: 0 enforced, 1 differs, 0 not modelled." in text
    assert "| CreateHealthCheck | product | differs | InvalidInput | – | yes |" in text
    assert "- **CreateHealthCheck** differs: a | b" in text


def test_a_table_that_is_out_of_date_is_told_and_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = tmp_path / "OPERATIONS.md"
    where.write_text("old")
    assert operations.main(["--check"], where) == 1
    assert "OPERATIONS.md is out of date: run `make operations`" in capsys.readouterr().err
    assert where.read_text() == "old"
    assert operations.main([], where) == 0
    assert operations.main(["--check"], where) == 0
    assert capsys.readouterr().err == ""
