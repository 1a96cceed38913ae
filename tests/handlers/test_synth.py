"""What the function synth takes and what it answers; what it makes is in tests/embedded/test_templates.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from handlers.synth.app import respond
from reconciler.hosting.synth import TEMPLATES
from reconciler.model.errors import CloudUnavailable, ReconcilerError, Throttled

ASKED = {"topology": "orders", "version": "a.B_1-", "keys": ["api", "edge"]}


def refuse(*_: object) -> Any:
    raise AssertionError("a bad request must not get this far")


def test_a_request_is_passed_on_and_its_fingerprints_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[Any] = []

    def store(name: str, version: str, keys: Any, into: Path) -> dict[str, str]:
        seen.extend((name, version, keys, list(into.iterdir())))
        return dict.fromkeys(keys, "f")

    assert respond(ASKED, store) == {"stored": {"api": "f", "edge": "f"}}
    assert seen == ["orders", "a.B_1-", ["api", "edge"], []]
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["code"], line["topology"]) == ("synth", "TemplatesMade", "orders")
    assert line["keys"] == ["api", "edge"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"topology": None}, "None is no name"),
        ({"topology": "../orders"}, "'../orders' is no name"),
        ({"topology": "orders\n"}, "is no name"),
        ({"topology": "o" * 22}, "is no name"),
        ({"version": 7}, "7 is no version"),
        ({"version": "a b"}, "'a b' is no version"),
        ({"version": "x" * 1025}, "is no version"),
        ({"keys": []}, r"\[\] is no list of templates; there are foundation-home, "),
        ({"keys": "api"}, "'api' is no list of templates"),
        ({"keys": ["api", "control"]}, "is no list of templates"),
        ({"keys": [["api"]]}, "is no list of templates"),
        ({"keys": ["api"] * 20}, "is no list of templates"),
    ],
)
def test_a_bad_request_is_refused_in_words(change: dict[str, Any], why: str) -> None:
    error = respond(ASKED | change, refuse)["error"]
    assert (error["code"], error["again"]) == ("BadRequest", False)
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(error["message"])


@pytest.mark.parametrize("event", [None, [], "text", 7, {}])
def test_what_is_no_request_at_all_is_refused_too(event: object) -> None:
    assert respond(event, refuse)["error"]["code"] == "BadRequest"


@pytest.mark.parametrize(
    ("error", "code", "again"),
    [
        (ReconcilerError("no", code="WrongDigest"), "WrongDigest", False),
        (Throttled("slowly"), "Throttled", True),
        (CloudUnavailable("away", code="Unreachable"), "Unreachable", True),
    ],
)
def test_an_error_says_whether_asking_again_can_help(error: ReconcilerError, code: str, again: bool) -> None:
    def store(*_: object) -> Any:
        raise error

    assert respond(ASKED, store) == {"error": {"code": code, "message": error.message, "again": again}}


def test_what_nobody_foresaw_is_left_to_lambda_to_count() -> None:
    def store(*_: object) -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        respond(ASKED, store)


def test_templates_of_the_control_plane_are_not_for_a_topology_to_ask() -> None:
    assert {"api", "edge", "data-heir"} < set(TEMPLATES)
    assert not [key for key in TEMPLATES if key.startswith("control")]
