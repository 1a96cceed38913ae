"""The comparison with the peer: turns, failures, what is lost, the words, and the app that the peer is given."""

import json
import subprocess
from pathlib import Path

import pytest

from benchmarks import peer, peer_app, sides
from benchmarks.__main__ import verdict
from benchmarks.goals import Found, goals
from benchmarks.measure import CommandFailed, Cost
from benchmarks.results import BEGIN, END, excerpt, inserted, markdown
from benchmarks.sides import Duel, Side, Subject, compare, losses, told

ROOT = Path(__file__).parents[3]


class FakeWorld:
    """Counts a call for every second that a subject took."""

    def __init__(self):
        self.calls = 0

    def control(self, what, body=None):
        assert what == "calls"
        if body is not None:
            self.calls = 0
        return {"total": self.calls}


def cost(wall, megabytes=100):
    return Cost(wall=wall, cpu=wall / 2, megabytes=megabytes)


def side(name, wall, *, megabytes=100, calls=10):
    return Side(name=name, cost=cost(wall, megabytes), calls=calls, runs=3)


def duel(*sides, question="a small change"):
    return Duel(question=question, conditions="3 Regions", sides=sides, reason="It proves each Region.")


def subject(name, order, *walls, **more):
    given = iter(walls)

    def act(world):
        order.append(name)
        wall = next(given)
        if isinstance(wall, Exception):
            raise wall
        world.calls += wall
        return cost(wall)

    return Subject(name=name, before=lambda _: None, act=act, runs=len(walls), **more)


def test_sides_take_turns_and_whoever_wants_fewer_runs_stops_earlier():
    order = []
    ours, theirs = compare(FakeWorld(), [subject("a", order, 1, 9, 2), subject("b", order, 4)])
    assert "".join(order) == "abaa"
    assert (ours.cost.wall, ours.calls, ours.runs) == (2, 2, 3)
    assert (theirs.cost.wall, theirs.calls, theirs.runs) == (4, 4, 1)


def test_a_side_that_fails_says_why_and_stops_nobody_else():
    order = []
    wrong = CommandFailed("cdk deploy ended with exit code 1:\nlong output\nstack | failed\n\n")
    failing, other = compare(FakeWorld(), [subject("a", order, wrong, 1), subject("b", order, 3, 3)])
    assert "".join(order) == "abb"
    assert (failing.cost, failing.failed) == (None, "stack / failed")
    assert other.cost.wall == 3


def test_what_did_not_do_its_work_has_no_time():
    def after(_):
        raise CommandFailed("512 MB, not 1024")

    (only,) = compare(FakeWorld(), [subject("a", [], 1, after=after)])
    assert (only.cost, only.failed) == (None, "512 MB, not 1024")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sides, "FOLDER", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(), "OSError"),
        (CommandFailed("cdk ended; it failed:\nmore\nAccess denied to x\nbye"), "Access denied to x"),
        (CommandFailed("it failed"), "it failed"),
        (CommandFailed("it failed:\nmore\nbye | now"), "bye / now"),
    ],
)
def test_a_failure_is_told_in_a_line_and_kept_whole(error, line, folder):
    assert told(error) == line
    assert (folder / "failures.txt").read_text() == f"{error}\n\n"


@pytest.mark.parametrize(
    ("theirs", "lost"),
    [
        (side("`cdk deploy`", 9), None),
        (side("`cdk deploy`", 4), "time 5.0 s against 4.0 s; processor time 2.5 s against 2.0 s"),
        (side("`cdk deploy`", 9, megabytes=50), "largest process 100 MB against 50 MB"),
        (side("`cdk deploy`", 9, calls=9), "AWS calls 10 against 9"),
        (side("`meridian drift`", 1), None),
        (Side(name="`cdk deploy`", failed="no network"), None),
    ],
)
def test_where_we_lose_follows_from_the_numbers(theirs, lost):
    found = losses([duel(side("`meridian converge`", 5), theirs)])
    assert found == (
        ["- a small change, `meridian converge`. It proves each Region.", f"  - to `cdk deploy`: {lost}"]
        if lost
        else []
    )


def results(*duels, failed=()):
    plan = Side(name="`meridian plan`", failed="timed out")
    growth = {3: {0.0: side("`meridian plan`", 1.5), 0.08: side("`meridian plan`", 1.7)}, 10: {0.0: plan, 0.08: plan}}
    theirs = {3: {0.0: side("`cdk diff`", 9)}}
    found = Found(duels=duels, growth=growth, theirs=theirs, first_call={}, embedded=None)
    return markdown(found, date="2026-01-01", load=["0.1", "1.0"], peer="aws-cdk 1", failed=failed), found


def test_rows_say_who_failed_and_why():
    text, found = results(
        duel(side("`meridian converge`", 5), Side(name="`cdk deploy`", failed="no network")), failed=["drift: no world"]
    )
    assert "- **failed**: drift: no world" in text
    assert "| `meridian converge` | 3 | 5.00 s | 2.50 s | 100 MB | 10 | 1.0 / 1.0 |" in text
    assert "| `cdk deploy` | failed: no network | | | | | |" in text
    assert "| 3 | 3 | 1.50 s | 0.75 s | 100 MB | 10 | 80 | 1.70 s | +0.20 s | 0.24 s |" in text
    assert "| 10 | failed: timed out |  |  |  |  | 234 | failed: timed out |  | 0.24 s |" in text
    assert "| 3 | 3 | 9.00 s | 4.50 s | 100 MB | 10 |  |  |" in text
    assert "Nowhere, in what is measured here." in text
    assert [goal.text for goal in goals(found)] == [
        "time that 80 ms per call adds to `plan` at 3 Regions",
        "AWS calls of `plan` at 3 Regions",
    ]


def test_the_short_table_has_ours_and_the_first_of_theirs():
    text, _ = results(
        duel(side("`meridian plan`", 2), side("`meridian drift`", 3), side("`cdk diff`: quick", 8, calls=90))
    )
    assert excerpt(text).splitlines()[3:-1] == [
        "| a small change | `meridian plan`: 2.0 s | `cdk diff`: 8.0 s | 4.0 / 4.0 | 10 / 90 |"
    ]


def test_the_readme_gets_the_table_and_keeps_the_rest():
    assert (
        inserted(f"before\n{BEGIN}\nold\n{END}\nafter", f"x\n{BEGIN}\nnew\n{END}\ny")
        == f"before\n{BEGIN}\nnew\n{END}\nafter"
    )


def test_the_readme_has_the_table_of_the_results():
    readme, found = (ROOT / "README.md").read_text(), (ROOT / "benchmarks" / "RESULTS.md").read_text()
    assert excerpt(readme) == excerpt(found)
    assert excerpt(found).count("\n| ") == 6, "a head and five questions"


TEMPLATE = {
    "Parameters": {"WriterEndpoint": {"Type": "String"}, "SubnetIds": {"Type": "List<AWS::EC2::Subnet::Id>"}},
    "Resources": {
        "Function": {"Subnets": {"Ref": "SubnetIds"}, "Writer": {"Ref": "WriterEndpoint"}, "Role": {"Ref": "Role"}},
        "Role": {"Arn": {"Fn::Sub": "arn:${AWS::Region}:${WriterEndpoint}"}, "Other": {"Fn::Sub": "${AWS::Region}"}},
    },
}


def test_the_peers_templates_import_what_ours_are_given():
    writer = {"Fn::ImportValue": "meridian-data-WriterEndpoint"}
    assert peer_app.imported(json.loads(json.dumps(TEMPLATE))) == {
        "Resources": {
            "Function": {
                "Subnets": {"Fn::Split": [",", {"Fn::ImportValue": "meridian-data-SubnetIds"}]},
                "Writer": writer,
                "Role": {"Ref": "Role"},
            },
            "Role": {
                "Arn": {"Fn::Sub": ["arn:${AWS::Region}:${WriterEndpoint}", {"WriterEndpoint": writer}]},
                "Other": {"Fn::Sub": "${AWS::Region}"},
            },
        }
    }


@pytest.mark.parametrize(
    ("kind", "region", "needs"),
    [
        ("foundation", "a", []),
        ("global", "", ["foundation-a", "foundation-b"]),
        ("data", "a", ["global"]),
        ("data", "b", ["data-a"]),
        ("api", "b", ["data-b"]),
        ("routing", "", ["api-a", "api-b"]),
        ("edge", "", ["global"]),
    ],
)
def test_the_peers_stacks_wait_for_as_few_others_as_can_be(kind, region, needs):
    stacks = ["foundation-a", "foundation-b", "global", "data-a", "data-b", "api-a", "api-b", "routing", "edge"]
    assert peer_app.after(kind, region, stacks, writer="a") == needs


@pytest.mark.parametrize(
    ("theirs", "parts", "code"),
    [
        (side("`cdk deploy`", 9), [], 0),
        (Side(name="`cdk deploy`", failed="no network"), [], 1),
        (side("`cdk deploy`", 9), ["drift: no world"], 1),
    ],
)
def test_whatever_failed_shows_in_the_exit_code(theirs, parts, code, capsys):
    found = Found(
        duels=[duel(side("`meridian converge`", 5), theirs)], growth={}, theirs={}, first_call={}, embedded=None
    )
    assert verdict(found, parts) == code
    assert ("FAILED" in capsys.readouterr().out) == bool(code)


SLEEPS = """
const said = [];
setTimeout(() => said.push('guard'), 600);
new Promise((go) => setTimeout(go, 30000)).then(() => said.push('sleep'));
setTimeout(() => console.log(said.join(' ')), 700);
"""


def test_the_peers_sleeps_are_shortened_and_nothing_else():
    done = subprocess.run(
        [peer.NODE, "--require", peer.HERE / "waits.cjs", "-e", SLEEPS],
        env={"MERIDIAN_BENCH_SPEED": "1000"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "sleep guard\n"
