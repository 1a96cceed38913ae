"""`meridian github plan` against the stand-in of GitHub: what a pull request is shown, and what is said where it cannot be."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler import wiring
from reconciler.cli import bundling
from reconciler.cli.github import plan as command
from reconciler.cli.settings import Settings
from reconciler.model.errors import CloudUnavailable
from reconciler.model.preflight import Check, Preflight, Verdict
from reconciler.report.github.limits import COMMENT
from tests.fakes import outcomes
from tests.github.world import ACTIONS
from tests.unit.cli.test_bundling import ACCOUNT, document, repo, s3  # noqa: F401  # fixtures: a repository, and a revision bucket

DESIRED = Path(__file__).parents[2] / "desired_state"
SHA = "1" * 40
READ = {"pull-requests": "read"}


@pytest.fixture
def found(monkeypatch):
    """What planning finds; the desired state is the worked example's."""
    seen = {"outcomes": [outcomes.building()]}

    def planned(settings, topologies, *, offline):
        return [(outcome, seen.get("preflight", Preflight())) for outcome in seen["outcomes"]], seen.get("codes", [])

    monkeypatch.setattr(command, "plan_all", planned)
    monkeypatch.setattr(wiring, "account", away)
    return seen


def away(_):
    raise CloudUnavailable("AWS is not asked here")


@pytest.fixture
def pull_request(gh, job):
    gh.pull_request(7, head=SHA)

    def begin(permissions=None, *, fork=False):
        return job(permissions or {"pull-requests": "write"}, event=gh.pull_request_event(7, head=SHA, fork=fork))

    return begin


def test_a_comment_is_made_once_then_edited(gh, meridian, found, pull_request, tmp_path):
    step = pull_request()
    ran = meridian("github", "plan", DESIRED, "--out", tmp_path / "plan")
    assert ran.code == 0, ran.err
    assert "orders: comment created" in ran.err
    assert step.outputs["plans"][0]["topology"] == "orders"
    assert step.told
    assert json.loads((tmp_path / "plan" / "orders.json").read_text())["kind"] == "Plan"
    assert (tmp_path / "plan" / "orders.md").exists()
    found["outcomes"] = [outcomes.refused()]
    assert meridian("github", "plan", DESIRED, "--out", tmp_path / "plan").code == 3
    [comment] = gh.comments(7)
    assert comment.author == "github-actions[bot]"
    assert comment.body.startswith("<!-- meridian:plan:orders -->")


def test_a_refusal_is_annotated_at_its_line(meridian, found, pull_request, tmp_path):
    pull_request()
    found["outcomes"] = [outcomes.refused()]
    ran = meridian("github", "plan", DESIRED, "--out", tmp_path)
    [line] = [line for line in ran.out.splitlines() if line.startswith("::error")]
    text = (DESIRED / "orders.yaml").read_text().splitlines()
    number = int(line.partition("line=")[2].partition(",")[0])
    assert "file=desired_state/orders.yaml" in line
    assert text[number - 1].strip().startswith(("regions:", "- {name:"))
    assert "RegionRemoval" in line


def test_an_invalid_document_is_annotated_and_summed_up(gh, meridian, pull_request, tmp_path):
    step = pull_request()
    folder = tmp_path / "desired_state"
    folder.mkdir()
    wrong = (DESIRED / "orders.yaml").read_text().replace("ttlSeconds: 10", "ttlSeconds: 1")
    (folder / "orders.yaml").write_text(wrong)
    ran = meridian("github", "plan", folder, "--out", tmp_path / "plan")
    assert ran.code == 65
    number = wrong.splitlines().index(next(line for line in wrong.splitlines() if "ttlSeconds" in line)) + 1
    assert any(line.startswith("::error ") and f"line={number}," in line for line in ran.out.splitlines())
    assert "ttlSeconds" in step.told
    assert gh.comments(7) == []


def test_a_fork_gets_no_comment_and_is_told_so(gh, meridian, found, pull_request, tmp_path):
    step = pull_request(READ, fork=True)
    ran = meridian("github", "plan", DESIRED, "--offline", "--out", tmp_path)
    assert ran.code == 0
    assert "fork" in ran.err
    assert "::notice title=Fork::" in ran.out
    assert step.told
    assert (gh.comments(7), gh.calls) == ([], [])


def test_a_missing_permission_fails_the_job_and_is_named(meridian, found, pull_request, tmp_path):
    step = pull_request(READ)
    ran = meridian("github", "plan", DESIRED, "--out", tmp_path)
    assert ran.code == 1
    assert "pull-requests: write" in ran.err
    assert step.told, "the summary needs no permission"


def test_github_being_down_does_not(gh, meridian, found, pull_request, tmp_path):
    pull_request()
    gh.fail("POST", "/issues/7/comments", 502, times=2)
    ran = meridian("github", "plan", DESIRED, "--out", tmp_path)
    assert (ran.code, gh.comments(7)) == (0, [])
    assert "::warning title=GitHubUnavailable::" in ran.out


def test_a_comment_whose_answer_was_lost_is_not_made_twice(gh, meridian, found, pull_request, tmp_path):
    pull_request()
    gh.fail("POST", "/issues/7/comments", 502, after=True)
    assert "comment unchanged" in meridian("github", "plan", DESIRED, "--out", tmp_path).err
    assert len(gh.comments(7)) == 1


def test_a_push_gets_a_summary(gh, meridian, found, job, tmp_path):
    step = job()
    assert meridian("github", "plan", DESIRED, "--out", tmp_path).code == 0
    assert step.told
    assert gh.writes() == []


def test_no_line_of_a_strangers_text_is_a_command(meridian, pull_request, tmp_path, monkeypatch):
    pull_request()

    def fails(*_, **__):
        raise CloudUnavailable("x\n::set-output name=a::b\n##[add-mask]y")

    monkeypatch.setattr(command, "plan_all", fails)
    ran = meridian("github", "plan", DESIRED, "--out", tmp_path)
    assert ran.code == 1
    assert "::set-output" in ran.err, "said while the runner does not obey"
    lines = ran.out.splitlines()
    end = next(i for i, line in enumerate(lines) if line == f"::{lines[0].removeprefix('::stop-commands::')}::")
    assert lines[0].startswith("::stop-commands::")
    [command_line] = lines[end + 1 :]
    assert command_line.startswith("::error title=CloudUnavailable::")


def test_outside_of_a_workflow_it_is_a_plan(meridian, found, monkeypatch, tmp_path):
    for name in ("GITHUB_ACTIONS", "GITHUB_TOKEN", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    ran = meridian("github", "plan", DESIRED, "--out", tmp_path)
    assert ran.code == 0
    assert "no workflow" in ran.err
    assert "::" not in ran.out


def test_what_the_account_lacks_fails_the_job_and_is_an_annotation(gh, meridian, found, pull_request, tmp_path):
    pull_request()
    lacks = Check(
        code="QuotaTooSmall",
        subject="VPCs",
        region="eu-west-1",
        verdict=Verdict.FAILED,
        detail="5 of 5 in use",
        way_out="ask for more",
    )
    found["preflight"] = Preflight(checks=(lacks,))
    ran = meridian("github", "plan", DESIRED, "--out", tmp_path / "plan")
    assert ran.code == 3
    assert "::error file=desired_state/orders.yaml,line=1,col=1,title=QuotaTooSmall (orders)::VPCs: 5 of 5" in ran.out
    assert "5 of 5 in use" in gh.comments(7)[0].body
    assert (
        json.loads((tmp_path / "plan" / "orders.json").read_text())["preflight"]["checks"][0]["code"] == "QuotaTooSmall"
    )


@pytest.fixture
def folder(tmp_path):
    """Desired state that a push may change."""
    made = tmp_path / "desired_state"
    made.mkdir()
    shutil.copytree(DESIRED.parent / "handlers" / "api", tmp_path / "handlers" / "api")
    (made / "orders.yaml").write_text((DESIRED / "orders.yaml").read_text())
    return made


def pushed(folder, old, new):
    (folder / "orders.yaml").write_text((DESIRED / "orders.yaml").read_text().replace(old, new))


EARLIER = "> [!WARNING]\n> The plan below is of an earlier commit."


def test_a_plan_of_an_earlier_commit_says_so_until_there_is_a_newer_one(gh, meridian, found, pull_request, folder):
    pull_request()
    run = lambda: meridian("github", "plan", folder, "--out", folder.parent / "plan").code  # noqa: E731
    assert run() == 0
    [comment] = gh.comments(7)
    before = comment.body
    pushed(folder, "ttlSeconds: 10", "ttlSeconds: 1")
    assert (run(), run()) == (65, 65)
    first, _, rest = comment.body.partition("\n")
    assert first == before.partition("\n")[0]
    assert rest.startswith(f"{EARLIER} Commit `{SHA[:12]}` could not be planned")
    assert comment.body.count("[!WARNING]\n> The plan below") == 1
    assert comment.body.endswith(before.partition("\n")[2]), "what was planned stands below as it was"
    assert comment.edits == 1, "said once"
    pushed(folder, "", "")
    assert run() == 0
    assert comment.body == before


def test_a_topology_that_cannot_be_looked_at_keeps_no_plan_as_if_it_were_new(
    gh, meridian, found, pull_request, folder, monkeypatch
):
    pull_request()
    meridian("github", "plan", folder, "--out", folder.parent / "plan")
    found["outcomes"], found["codes"] = [], [1]
    assert meridian("github", "plan", folder, "--out", folder.parent / "plan").code == 1
    assert f"{EARLIER} Commit `{SHA[:12]}` could not be planned" in gh.comments(7)[0].body

    def fails(*_, **__):
        raise CloudUnavailable("away")

    gh.comments(7)[0].body = gh.comments(7)[0].body.replace(EARLIER, "")
    monkeypatch.setattr(command, "plan_all", fails)
    assert meridian("github", "plan", folder, "--out", folder.parent / "plan").code == 1
    assert EARLIER in gh.comments(7)[0].body


def test_a_document_that_is_gone_is_said_where_it_was_planned(gh, meridian, found, pull_request, folder):
    pull_request()
    meridian("github", "plan", folder, "--out", folder.parent / "plan")
    text = (folder / "orders.yaml").read_text().replace("name: orders ", "name: bills ", 1)
    (folder / "orders.yaml").write_text(text.replace("api.example.com", "bills.example.com"))
    other = outcomes.building()
    found["outcomes"] = [replace(other, topology="bills")]
    assert meridian("github", "plan", folder, "--out", folder.parent / "plan").code == 0
    orders, bills = gh.comments(7)
    assert f"{EARLIER} At commit `{SHA[:12]}` its document is no longer there" in orders.body
    assert "earlier commit" not in bills.body


def test_comments_of_others_and_of_other_folders_are_left_alone(gh, meridian, found, pull_request, folder):
    pull_request()
    foreign = [
        gh.comment_as("mallory", 7, "<!-- meridian:plan:orders -->\nmerge it"),
        gh.comment_as(ACTIONS, 7, "<!-- meridian:plan:bills --><!-- of elsewhere -->\na plan"),
        gh.comment_as(ACTIONS, 7, "as in <!-- meridian:plan:bills -->"),
    ]
    meridian("github", "plan", folder, "--out", folder.parent / "plan")
    pushed(folder, "ttlSeconds: 10", "ttlSeconds: 1")
    assert meridian("github", "plan", folder, "--out", folder.parent / "plan").code == 65
    assert [c.edits for c in gh.comments(7)] == [0, 0, 0, 1]
    assert foreign == gh.comments(7)[:3]


def test_the_longest_comment_has_room_for_the_warning(gh, meridian, found, pull_request, folder):
    pull_request()
    meridian("github", "plan", folder, "--out", folder.parent / "plan")
    [comment] = gh.comments(7)
    comment.body += "x" * (COMMENT.characters - len(comment.body))
    pushed(folder, "ttlSeconds: 10", "ttlSeconds: 1")
    meridian("github", "plan", folder, "--out", folder.parent / "plan")
    assert EARLIER in comment.body


def test_a_warning_that_github_refuses_fails_the_job(gh, meridian, found, pull_request, folder):
    pull_request()
    meridian("github", "plan", folder, "--out", folder.parent / "plan")
    found["outcomes"] = []
    pull_request(READ)
    ran = meridian("github", "plan", folder, "--out", folder.parent / "plan")
    assert (ran.code, "pull-requests: write" in ran.err) == (1, True)


@pytest.fixture
def two(gh, repo, s3, found, monkeypatch):  # noqa: F811
    """Two topologies that were uploaded from the folder, and a plan for one of them."""
    monkeypatch.setattr(wiring, "account", lambda topology: ACCOUNT)
    monkeypatch.setenv("GITHUB_REPOSITORY", gh.repository)
    repo.write("desired_state/bills.yaml", document("bills"))
    repo.commit()
    given = {"out": Path("build"), "upload": True, "rollback": False, "announce": False}
    assert bundling.bundle(Settings(), Path("desired_state"), **given) == 0
    return repo


def test_a_document_whose_removal_would_keep_every_upload_back_is_refused(gh, meridian, two, pull_request):
    step = pull_request()
    assert meridian("github", "plan", "desired_state").code == 0
    two.git("rm", "-q", "desired_state/bills.yaml")
    two.commit()
    ran = meridian("github", "plan", "desired_state")
    assert ran.code == 3
    [line] = [line for line in ran.out.splitlines() if line.startswith("::error")]
    assert line.startswith("::error title=TopologyVanished::no document here declares bills")
    assert "### Merged, this uploads nothing" in step.told
    assert "`meridian destroy bills --confirm bills`" in step.told
    assert gh.comments(7), "what it would do to the others is shown"


@pytest.mark.parametrize("arguments", [("desired_state", "--offline"), ("desired_state/orders.yaml",)])
def test_who_cannot_tell_what_is_gone_says_nothing_of_it(meridian, two, pull_request, arguments):
    pull_request()
    two.git("rm", "-q", "desired_state/bills.yaml")
    two.commit()
    ran = meridian("github", "plan", *arguments)
    assert (ran.code, "TopologyVanished" in ran.out) == (0, False)


def test_without_a_control_plane_nothing_can_be_gone(meridian, two, s3, pull_request):  # noqa: F811
    pull_request()
    bucket = s3.list_buckets()["Buckets"][0]["Name"]
    for each in s3.list_object_versions(Bucket=bucket)["Versions"]:
        s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
    s3.delete_bucket(Bucket=bucket)
    ran = meridian("github", "plan", "desired_state")
    assert (ran.code, "cannot be told" in ran.err) == (0, False)
