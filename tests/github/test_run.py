"""What is believed of GitHub's variables and of an event that a stranger had a hand in; what the runner is told."""

from __future__ import annotations

import json
import re

import pytest

from reconciler.github.event import this_run
from reconciler.github.failures import NotInWorkflow
from reconciler.github.runner import Runner

SHA = "1" * 40
HEAD = "2" * 40


def event(**more):
    head = {"sha": HEAD, "repo": {"full_name": "acme/apis"}, **more.pop("head", {})}
    return {"pull_request": {"number": 7, "head": head, **more}}


@pytest.fixture
def environment(gh, tmp_path):
    def made(document=None, **more):
        given = gh.environment(SHA, event="push" if document is None else "pull_request")
        if document is not None:
            file = tmp_path / "event.json"
            file.write_text(document if isinstance(document, str) else json.dumps(document))
            given["GITHUB_EVENT_PATH"] = str(file)
        return {**given, **more}

    return made


def test_a_push(environment, gh):
    run = this_run(environment())
    assert (run.repository, run.commit, run.pull_request, run.api) == ("acme/apis", SHA, None, gh.url)
    assert run.url == "https://github.com/acme/apis/actions/runs/77"
    assert this_run(environment(GITHUB_RUN_ATTEMPT="2")).url.endswith("/77/attempts/2")


@pytest.mark.parametrize(
    ("document", "fork"),
    [
        (event(), False),
        (event(head={"repo": {"full_name": "ACME/apis"}}), False),
        (event(head={"repo": {"full_name": "stranger/apis"}}), True),
        (event(head={"repo": None}), True),
        (event(head={"repo": "acme/apis"}), True),
    ],
)
def test_a_pull_request(environment, document, fork):
    run = this_run(environment(document))
    assert (run.pull_request.number, run.pull_request.fork, run.commit) == (7, fork, HEAD)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        "[" * 100_000,
        "{}",
        {"pull_request": 7},
        event(number="7"),
        event(number=True),
        event(number=-1),
        event(number=10**30),
        event(head={"sha": "main; rm -rf /"}),
        event(head={"sha": f"{HEAD}\n"}),
        {"pull_request": {"number": 7, "head": "x"}},
    ],
    ids=range(12),
)
def test_an_event_that_github_does_not_write(environment, document):
    with pytest.raises(NotInWorkflow):
        this_run(environment(document))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_REPOSITORY", ""),
        ("GITHUB_REPOSITORY", "acme/../other"),
        ("GITHUB_REPOSITORY", "acme/apis\nx"),
        ("GITHUB_REPOSITORY", "acme/.."),
        ("GITHUB_RUN_ID", "77/../1"),
        ("GITHUB_SHA", "main"),
        ("GITHUB_API_URL", "http://api.example.com"),
        ("GITHUB_API_URL", "https://user@evil.example.com"),
        ("GITHUB_SERVER_URL", "https://github.com/)[x](javascript:"),
        ("GITHUB_EVENT_NAME", "push; true"),
    ],
)
def test_a_variable_that_github_does_not_write(environment, name, value):
    with pytest.raises(NotInWorkflow, match=name):
        this_run(environment(**{name: value}))


def test_an_event_file_that_is_not_there(environment, tmp_path):
    with pytest.raises(NotInWorkflow, match="GITHUB_EVENT_PATH"):
        this_run(environment(event(), GITHUB_EVENT_PATH=str(tmp_path / "missing")))


@pytest.fixture
def runner(tmp_path):
    files = {"GITHUB_STEP_SUMMARY": tmp_path / "summary", "GITHUB_OUTPUT": tmp_path / "output"}
    return Runner.of({"GITHUB_ACTIONS": "true", **{k: str(v) for k, v in files.items()}})


def test_an_output_ends_where_it_should_whatever_is_in_it(runner):
    hostile = "one\nEOF\nevil=1\nmeridian-0\n"
    runner.output("approvals", hostile)
    runner.output("result", "Serving")
    written, read = runner.output_file.read_text(), {}
    while match := re.match(r"(\w+)<<(\S+)\n(.*?)\n\2\n", written, re.DOTALL):
        read[match[1]] = match[3]
        written = written[match.end() :]
    assert (read, written) == ({"approvals": hostile, "result": "Serving"}, "")
    with pytest.raises(ValueError, match="PATH=x"):
        runner.output("PATH=x", "")


def test_the_summary_is_appended_to_and_never_grows_too_large(runner):
    runner.summary("one")
    runner.summary("two\n")
    assert runner.summary_file.read_text() == "one\n\ntwo\n\n"
    with pytest.raises(NotInWorkflow, match="1048576 bytes"):
        runner.summary("ö" * (512 * 1024))
    assert runner.summary_file.read_text() == "one\n\ntwo\n\n"


def test_what_is_printed_meanwhile_is_no_command(runner, capsys):
    with runner.deaf():
        print("::error::from a stranger")  # noqa: T201
    lines = capsys.readouterr().out.splitlines()
    stop = re.fullmatch(r"::stop-commands::(meridian-[0-9a-f]{32})", lines[0])
    assert lines[-1] == f"::{stop[1]}::"
    with runner.deaf():
        pass
    assert stop[1] not in capsys.readouterr().out


def test_outside_of_a_workflow_nothing_is_written(capsys):
    quiet = Runner.of({})
    quiet.summary("x")
    quiet.output("a", "b")
    quiet.tell(["::error::x"])
    with quiet.deaf():
        pass
    assert capsys.readouterr().out == ""
