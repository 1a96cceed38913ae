"""What the command line takes and refuses, what goes where, and the exit codes; without AWS."""

import json
import os
import signal
import subprocess
import sys

import pytest

from reconciler.cli import bootstrapping, exits, looking, main
from reconciler.cli.settings import Format, Settings
from reconciler.model.errors import AccessDenied, LeaseHeld, WrongAccount

BROKEN = "apiVersion: meridian/v1\nkind: MultiRegionApi\nmetadata: {name: Orders}\nspec: {}\n"


@pytest.fixture
def broken(tmp_path):
    folder = tmp_path / "desired_state"
    folder.mkdir()
    (folder / "orders.yaml").write_text(BROKEN)
    return folder


def test_only_commands_that_work_are_offered():
    assert sorted(main.cli.commands) == [
        "approve",
        "bootstrap",
        "bundle",
        "converge",
        "destroy",
        "drift",
        "failover",
        "github",
        "history",
        "local",
        "plan",
        "replay",
        "report",
        "resume",
        "status",
        "suspend",
        "synth",
        "validate",
    ]


def test_invalid_desired_state_is_told_by_place_and_exits_65(meridian, broken):
    ran = meridian("plan", broken)
    assert (ran.code, ran.out) == (65, "")
    assert "desired_state/orders.yaml:3:18: metadata.name: " in ran.err


@pytest.mark.parametrize("command", ["validate", "plan", "converge", "drift"])
def test_stdout_is_one_document_also_when_the_desired_state_is_invalid(meridian, broken, command):
    ran = meridian(command, broken, "--format", "json")
    assert ran.code == 65
    assert ran.json["kind"] == "Error"
    assert {"file", "line", "column", "path", "code", "message"} == set(ran.json["errors"][0])


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "--nonsense", "--format", "json"),
        ("--format=json", "nonsense"),
        ("plan", "--format", "json", "a", "b"),
        ("converge", "--timeout", "6 hours", "--format=json"),
        ("drift", "--format", "json", "--timeout", "0s"),
        ("local", "--speed", "0", "--format", "json"),
        ("status", "--home-region", "eu-west-1", "--format", "json"),
        ("report", "--format", "json"),
        ("failover", "orders", "--format", "json"),
        ("destroy", "orders", "--confirm", "order", "--format", "json"),
        ("destroy", "accounts", "--confirm", "accounts", "--format", "json"),
        ("failover", "orders", "--to", "Ireland", "--format", "json"),
        ("bootstrap", "--github", "acme", "--format", "json"),
        ("bootstrap", "--github", "acme@12/apis@34:ref:*", "--format", "json"),
    ],
)
def test_wrong_usage_exits_64_with_the_way_out(meridian, arguments):
    ran = meridian(*arguments)
    assert ran.code == 64
    assert ran.json["errors"][0]["code"] == "UsageError"
    assert "--help" in ran.err


@pytest.mark.parametrize("arguments", [("--format", "json", "validate"), ("validate", "--format", "json")])
def test_options_stand_before_or_after_the_command(meridian, arguments):
    ran = meridian(*arguments)
    assert (ran.code, ran.json["kind"], ran.json["topologies"][0]["name"]) == (0, "Validation", "orders")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AccessDenied("no"), 1),
        (WrongAccount("other"), 3),
        (LeaseHeld("somebody is at work"), 3),
        (exits.Stopped(143, "terminated"), 143),
        (ZeroDivisionError("oops"), 1),
    ],
)
def test_errors_have_their_exit_code_and_document(meridian, monkeypatch, error, code):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(looking, "plan", fail)
    ran = meridian("plan", "--format", "json")
    assert (ran.code, len(ran.json["errors"])) == (code, 1)
    assert ran.json["errors"][0]["message"] in ran.err


def test_a_file_that_cannot_be_written_is_told_as_that(meridian, monkeypatch, tmp_path):
    monkeypatch.setattr(looking, "plan", lambda *_, **__: (tmp_path / "no" / "plan.json").write_text(""))
    ran = meridian("plan")
    assert (ran.code, ran.err) == (1, f"FileError: {tmp_path}/no/plan.json: no such file or directory\n")


def test_without_a_command_the_help_is_shown_once(meridian):
    ran = meridian()
    assert (ran.code, ran.out, ran.err.count("Usage:")) == (64, "", 1)
    names = [line.split()[0] for line in ran.err.partition("Commands:\n")[2].splitlines()]
    assert names == [
        *(
            "validate",
            "plan",
            "converge",
            "drift",
            "status",
            "report",
            "history",
            "suspend",
            "resume",
            "approve",
            "failover",
            "destroy",
        ),
        *("replay", "synth", "bootstrap", "bundle", "github", "local"),
    ]


def test_a_bug_shows_where_with_v(meridian, monkeypatch):
    monkeypatch.setattr(looking, "plan", lambda *_, **__: 1 / 0)
    assert "Traceback" not in meridian("plan").err
    assert "Traceback" in meridian("plan", "-v").err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_a_command_with_their_code(meridian, monkeypatch, number, code):
    monkeypatch.setattr(looking, "plan", lambda *_, **__: os.kill(os.getpid(), number) or signal.pause())
    ran = meridian("plan")
    assert ran.code == code
    assert "nothing is lost" in ran.err


@pytest.mark.parametrize(
    ("changes", "live", "colour"),
    [
        ({}, True, True),
        ({"no_color": True}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"CI": "true"}, False, True),
        ({"TERM": "dumb"}, False, True),
        ({"format": Format.JSON}, False, True),
    ],
)
def test_when_a_terminal_is_redrawn_and_coloured(monkeypatch, changes, live, colour):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for name in ("CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    settings = Settings()
    for name, value in changes.items():
        monkeypatch.setenv(name, value) if name.isupper() else setattr(settings, name, value)
    assert (settings.live, settings.colour) == (live, colour)


def test_a_reader_that_has_seen_enough_is_no_bug():
    command = [sys.executable, "-m", "reconciler.cli.main", "validate", "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_any_encoding_of_the_terminal_will_do():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    code = "from reconciler.cli import main, output; main.prepare_streams(); output.show('a → b')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "a ? b\n"


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from reconciler.cli.main import run; run(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for module in ("rich", "structlog", "boto3", "yaml", "jsonschema", "aws_cdk"):
        assert f"'{module}'" not in done.stderr


LOADED = """
import sys
from reconciler.cli.main import run
code = run(sys.argv[1:])
print(*sorted({"rich", "aws_cdk", "structlog"} & set(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.slow
def test_an_offline_plan_needs_neither_aws_nor_rich(tmp_path):
    out = tmp_path / "plan.json"
    environment = {**os.environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "MERIDIAN_CACHE": str(tmp_path)}
    arguments = ["plan", "--offline", "--out", str(out), "--format", "json", "--detailed-exitcode"]
    command = [sys.executable, "-c", LOADED, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr.split()) == (2, [])
    assert json.loads(done.stdout) == json.loads(out.read_text())
    assert json.loads(done.stdout)["changes"]


@pytest.mark.parametrize("repository", ["acme/apis", "acme@12/apis@34", "acme/my.apis_2"])
def test_a_repository_is_named_as_githubs_tokens_name_it(meridian, monkeypatch, repository):
    """Those made since July 2026 have numbers behind their names."""
    asked = []
    monkeypatch.setattr(bootstrapping, "bootstrap", lambda *given, **_: asked.append(given) or 0)
    assert meridian("bootstrap", "--github", repository).code == 0
    assert repository in str(asked)
