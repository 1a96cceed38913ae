"""Every code that the source can emit has its number and its words, and the other way round; numbers stay."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from reconciler.aws.budgets import LIMITS
from reconciler.cli.main import run
from reconciler.model.control import COUNTED
from reconciler.model.messages import AWS, GROUPS, MESSAGES, RETIRED, entry, find, near, number
from reconciler.report.explained import page
from tests.messages.emitted import Emitted, Module
from tests.messages.given import PAGE, changed, given
from tests.messages.passed_on import PASSED_ON
from tests.unit.report.test_schemas import check


@pytest.fixture(scope="module")
def emitted() -> Emitted:
    return Emitted()


def test_every_code_in_the_source_is_in_the_registry(emitted: Emitted) -> None:
    assert {code: places for code, places in emitted.codes.items() if code not in MESSAGES} == {}


def test_every_code_in_the_registry_is_in_the_source(emitted: Emitted) -> None:
    assert sorted(set(MESSAGES) - set(emitted.codes)) == [], "move it to RETIRED, with its number"


def test_no_code_is_made_where_nobody_could_follow_it(emitted: Emitted) -> None:
    assert sorted(emitted.stray) == [], "give a constant, or say in passed_on.py where the code comes from"
    assert sorted(set(PASSED_ON) - emitted.used) == [], "nothing passes these on any more"


@pytest.mark.parametrize(
    ("source", "codes", "stray"),
    [
        ('raise Refused("no", code="Abc")', {"Abc"}, False),
        ('raise Refused("no", code="Abc" if late else "Xyz")', {"Abc", "Xyz"}, False),
        ('code, text = ("Abc", "a") if late else ("Xyz", "b")\nraise Refused(text, code=code)', {"Abc", "Xyz"}, False),
        ('def no(code, text="Q"):\n    return Refusal(code=code)\nno("Abc")\nno("Xyz")', {"Abc", "Xyz"}, False),
        ('def no(why, code="Abc"):\n    raise Refused(why, code=code)\nno("x")', {"Abc"}, False),
        ("class Burnt(ReconcilerError): ...", {"Burnt"}, False),
        ('yield Finding(path, "Abc", "text")', {"Abc"}, False),
        ('raise Refused("no", code=made())', set(), True),
        ('Bundle(code="Folder")', set(), False),
    ],
)
def test_a_code_is_found_however_it_gets_there(
    source: str, codes: set[str], stray: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = "class ReconcilerError: ...\nclass Refused(ReconcilerError): ...\n"
    module = Module("reconciler/new.py", ast.parse(base + source))
    monkeypatch.setattr("tests.messages.emitted.modules", lambda: [module])
    monkeypatch.setattr("tests.messages.emitted.NAMED", ())
    found = Emitted()
    assert set(found.codes) - {"Refused", "Heal", "Hold", "Page"} == codes
    assert bool(found.stray) == stray


def test_numbers_are_one_each_and_in_the_group_that_they_begin_with() -> None:
    numbers = [one.number for one in MESSAGES.values()]
    assert len({*numbers, *RETIRED}) == len(numbers) + len(RETIRED)
    assert all(one.group in GROUPS for one in MESSAGES.values())
    assert len({code.lower() for code in MESSAGES}) == len(MESSAGES)


def test_a_number_that_was_given_stays() -> None:
    assert changed() == []
    assert len(given()) >= 230
    assert changed({"MRD1001": "SomethingElse", "MRD9999": "Gone"}) == ["MRD1001 was SomethingElse", "MRD9999 was Gone"]


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make messages`"


@pytest.mark.parametrize("one", MESSAGES.values(), ids=MESSAGES)
def test_what_it_says_can_be_read_at_night(one) -> None:
    for text in (one.meaning, one.action):
        assert text[0].isupper() or text[0] == "`"
        assert text.endswith((".", "?"))
        assert "\n" not in text
        assert len(text) <= 160
    assert one.level == "info" or one.action != "Nothing."


def test_a_code_of_awss_own_is_told_to_be_one() -> None:
    assert entry("InsufficientDBInstanceCapacity") is AWS
    assert number("InsufficientDBInstanceCapacity") == "MRD4003"


@pytest.mark.parametrize("text", ["LeaseHeld", "leaseheld", "MRD3101", "mrd3101", " 3101 "])
def test_one_is_found_by_code_or_number(text: str) -> None:
    found = find(text)
    assert found is not None
    assert found.code == "LeaseHeld"


@pytest.mark.parametrize(
    ("text", "meant"),
    [("LeesHeld", "LeaseHeld"), ("lease", "LeaseHeld"), ("CapacityTooLo", "CapacityTooSmall"), ("x" * 10_000, "")],
)
def test_what_is_nearly_one_leads_to_it(text: str, meant: str) -> None:
    assert find(text) is None
    assert meant in near(text) if meant else near(text) == ()


def test_explain_prints_one_entry(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "3101"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "MRD3101 LeaseHeld, info: passes",
        "  means    Another pass that is alive works on this topology.",
        "  to do    Wait: it ends by itself. The message names the holder, and the step that it is at.",
    ]
    assert run(["explain", "LeaseHeld", "--format", "json"]) == 0
    assert check(json.loads(capsys.readouterr().out))["number"] == "MRD3101"


def test_explain_lists_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"]) == 0
    out = capsys.readouterr().out
    assert all(f"{one.number}  {one.code}" in out for one in MESSAGES.values())
    assert run(["explain", "--format", "json"]) == 0
    items = check(json.loads(capsys.readouterr().out))["items"]
    assert [check(item)["code"] for item in items] == list(MESSAGES)


def test_explain_refuses_what_there_is_not_and_names_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "LeesHeld"]) == 64
    err = capsys.readouterr().err
    assert "there is no message 'LeesHeld'; did you mean LeaseHeld?" in err
    assert "MRD4003" in err


def test_services_that_are_counted_are_those_that_throttle_us() -> None:
    assert set(COUNTED) == set(LIMITS)


def test_explain_loads_no_boto3() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from reconciler.cli.main import run; assert run(['explain', 'LeaseHeld']) == 0; "
        "assert not {'boto3', 'botocore', 'yaml', 'structlog', 'rich'} & set(sys.modules), sorted(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 0, done.stderr
