"""`meridian bundle`: a commit into a folder, and into the revision bucket, on moto."""

import io
import json
import subprocess
import zipfile
from importlib.resources import files

import boto3
import pytest
from jsonschema import Draft202012Validator
from moto import mock_aws

from reconciler.aws.clients import Clients
from reconciler.aws.revisions import RevisionBucket
from reconciler.cli import bundling
from reconciler.cli.settings import Settings
from reconciler.model.archive import packed
from reconciler.model.bundle import Refusal
from reconciler.model.control import revision_bucket
from reconciler.receiving import Received, Receiver
from tests.fakes.bundles import repository
from tests.fakes.topologies import ROOT

ACCOUNT = "123456789012"  # moto's
NAME = revision_bucket(ACCOUNT, "us-east-1")
SCHEMA = Draft202012Validator(json.loads((files("reconciler.report") / "schemas/Bundle.json").read_text()))


def document(name="orders", account=ACCOUNT):
    text = (ROOT / "desired_state/orders.yaml").read_text()
    text = text.replace("name: orders ", f"name: {name} ", 1).replace('"111111111111"', f'"{account}"')
    return text.replace("api.example.com", f"{name}.example.com")


class Repository:
    def __init__(self, folder):
        self.folder = repository(folder, document())
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", "https://ada:s3cret@github.com/acme/apis.git")
        self.commits = []
        self.commit()

    def git(self, *arguments):
        who = ["-c", "user.name=Ada", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        command = ["git", "-C", self.folder, *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def commit(self):
        self.git("add", ".")
        self.git("commit", "-q", "--allow-empty", "-m", "more")
        self.commits.append(self.git("rev-parse", "HEAD"))


@pytest.fixture
def repo(tmp_path, monkeypatch):
    for name in ("GITHUB_REPOSITORY", "GITHUB_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)
    found = Repository(tmp_path / "repository")
    monkeypatch.chdir(found.folder)
    return found


@pytest.fixture
def s3(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=NAME)
        client.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture
def bundle(meridian):
    def run(*arguments):
        ran = meridian("bundle", *arguments, "--format", "json")
        document = ran.json
        for item in document["items"] if document["kind"] == "List" else [document]:
            if item["kind"] == "Bundle":
                assert [e.message for e in SCHEMA.iter_errors(item)] == []
        return ran.code, document, ran.err

    return run


def refusal(ran):
    code, found, _ = ran
    assert code == 3
    return found["errors"][0]


def held(s3, key="revisions/orders.zip"):
    with zipfile.ZipFile(io.BytesIO(s3.get_object(Bucket=NAME, Key=key)["Body"].read())) as found:
        return json.loads(found.read("manifest.json"))


def test_without_upload_it_goes_into_a_folder_and_aws_is_not_asked(repo, bundle, meridian):
    code, found, _ = bundle()
    assert (code, found["result"], found["location"]) == (0, "written", "build/bundles/orders.zip")
    made = found["bundle"]
    assert (made["commit"], made["generation"], made["author"]) == (repo.commits[0], 1, "Ada")
    assert made["repository"] == "github.com/acme/apis"
    with zipfile.ZipFile(repo.folder / found["location"]) as archive:
        assert sorted(archive.namelist()) == ["desired_state/orders.yaml", "manifest.json"]
        assert "s3cret" not in archive.read("manifest.json").decode()
    (digest,) = made["code"].values()
    assert (repo.folder / f"build/bundles/code/{digest}.zip").exists()
    told = meridian("bundle", "--out", "elsewhere")
    assert told.code == 0
    assert "orders: written, generation 1, commit " in told.out
    assert made["digest"] in told.out


def test_what_is_not_committed_is_refused_by_name(repo, bundle):
    repo.write("handlers/api/new.py", "")
    assert "handlers/api/new.py" in refusal(bundle())["message"]


def test_what_git_ignores_and_yet_ships_is_said(repo, bundle):
    repo.write(".gitignore", "handlers/api/built.py\n*.pyc\n")
    repo.commit()
    repo.write("handlers/api/built.py", "")
    repo.write("handlers/api/app.pyc", "")
    assert bundle()[1]["ignoredByGit"] == ["handlers/api/built.py"]


def test_upload_then_nothing_to_do_then_the_next_commit(repo, s3, bundle):
    code, found, _ = bundle("--upload")
    assert (code, found["result"], found["location"]) == (0, "uploaded", f"s3://{NAME}/revisions/orders.zip")
    assert held(s3)["digest"] == found["bundle"]["digest"]
    again = bundle("--upload")[1]
    assert (again["result"], again["bundle"]["version"]) == ("unchanged", found["bundle"]["version"])
    repo.commit()
    assert bundle("--upload")[1]["result"] == "uploaded"
    assert held(s3)["generation"] == 2


def test_the_same_commit_brings_templates_that_are_missing(repo, s3, bundle):
    """As after an upgrade of Meridian, whose templates have other fingerprints."""

    def stored():
        return sorted(o["Key"] for o in s3.list_objects_v2(Bucket=NAME, Prefix="templates/").get("Contents", ()))

    bundle("--upload")
    before = stored()
    for key in before:
        s3.delete_object(Bucket=NAME, Key=key)
    assert bundle("--upload")[1]["result"] == "unchanged"
    assert stored() == before != []


@pytest.mark.parametrize("there", [None, b"", "other"], ids=["missing", "no zip", "other code"])
def test_the_same_commit_puts_its_code_back(repo, s3, bundle, meridian, tmp_path, there):
    """As the refusals CodeMissing and WrongDigest say: the bundle is of use again."""
    (digest,) = bundle("--upload")[1]["bundle"]["code"].values()
    key = f"code/{digest}.zip"
    if there is None:
        s3.delete_object(Bucket=NAME, Key=key)
    else:
        s3.put_object(Bucket=NAME, Key=key, Body=packed({"app.py": b"other"}) if there else there)
    receiver = Receiver(
        revisions=RevisionBucket(Clients(), NAME, "us-east-1"),
        cache=tmp_path / "cache",
        account=ACCOUNT,
        home_region="us-east-1",
    )
    assert isinstance(receiver.receive("orders", None), Refusal)
    again = bundle("--upload")[1]
    assert isinstance(receiver.receive("orders", None), Received)
    assert again["result"] == "unchanged"
    assert "the code was missing or damaged there and is put back" in again["message"]
    versions = s3.list_object_versions(Bucket=NAME, Prefix="code/")["Versions"]
    assert "put back" not in bundle("--upload")[1]["message"]
    assert s3.list_object_versions(Bucket=NAME, Prefix="code/")["Versions"] == versions


def test_the_next_commit_puts_the_same_code_back(repo, s3, bundle):
    (digest,) = bundle("--upload")[1]["bundle"]["code"].values()
    s3.put_object(Bucket=NAME, Key=f"code/{digest}.zip", Body=packed({"app.py": b"other"}))
    repo.commit()
    assert bundle("--upload")[1]["result"] == "uploaded"
    with zipfile.ZipFile(io.BytesIO(s3.get_object(Bucket=NAME, Key=f"code/{digest}.zip")["Body"].read())) as found:
        assert b"def handler" in found.read("app.py")


def test_older_ones_are_refused_unless_they_are_meant(repo, s3, bundle):
    bundle("--upload")
    repo.commit()
    repo.commit()
    bundle("--upload")
    repo.git("checkout", "-q", repo.commits[1])
    assert refusal(bundle("--upload"))["code"] == "OlderGeneration"
    assert held(s3)["generation"] == 3
    assert bundle("--upload", "--rollback")[1]["result"] == "uploaded"
    assert (held(s3)["generation"], held(s3)["rollback"]) == (2, True)
    repo.git("checkout", "-q", "main")  # the workflow of the newest commit runs again
    assert refusal(bundle("--upload"))["code"] == "OlderGeneration"
    repo.commit()
    assert bundle("--upload")[1]["result"] == "uploaded"


def test_rollback_without_upload_is_wrong_usage(repo, meridian):
    assert meridian("bundle", "--rollback").code == 64


def test_a_topology_that_vanished_needs_destroy_and_nothing_is_uploaded(repo, s3, bundle):
    repo.write("desired_state/bills.yaml", document("bills"))
    repo.commit()
    assert [d["result"] for d in bundle("--upload")[1]["items"]] == ["uploaded", "uploaded"]
    repo.git("mv", "desired_state/bills.yaml", "bills.yaml")
    repo.commit()
    error = refusal(bundle("--upload"))
    assert error["code"] == "TopologyVanished"
    assert "`meridian destroy bills --confirm bills`" in error["message"]
    assert held(s3)["generation"] == 2
    # One file alone says nothing about others, and another repository knows nothing of ours.
    assert bundle("desired_state/orders.yaml", "--upload")[1]["result"] == "uploaded"
    repo.git("remote", "set-url", "origin", "https://github.com/other/repository")
    assert bundle("--upload")[0] == 0


def test_documents_for_other_accounts_are_skipped_and_reported(repo, s3, bundle):
    repo.write("desired_state/bills.yaml", document("bills", account="222222222222"))
    repo.commit()
    code, found, _ = bundle("--upload")
    assert code == 0
    assert {d["topology"]: d["result"] for d in found["items"]} == {"bills": "skipped", "orders": "uploaded"}
    repo.git("rm", "-q", "desired_state/orders.yaml")
    repo.commit()
    assert refusal(bundle("--upload"))["code"] == "WrongAccount"


def test_without_a_control_plane(repo, s3, bundle):
    s3.delete_bucket(Bucket=NAME)
    code, found, _ = bundle("--upload")
    assert (code, found["errors"][0]["code"]) == (1, "BucketMissing")


def test_announce_says_where_the_head_is_and_since_when_it_is_ahead(repo, s3, bundle):
    bundle("--upload", "--announce")
    read = lambda: json.loads(s3.get_object(Bucket=NAME, Key="heads/orders.json")["Body"].read())  # noqa: E731
    assert read()["generation"] == 1
    repo.commit()
    code, found, _ = bundle("--announce")
    assert (code, found["result"]) == (0, "announced")
    first = read()
    assert (first["commit"], first["generation"]) == (repo.commits[1], 2)
    repo.commit()
    bundle("--announce")
    assert (read()["generation"], read()["since"]) == (3, first["since"])
    assert held(s3)["generation"] == 1


def test_templates_are_published_before_the_bundle_and_its_failure_keeps_it_back(repo, s3):
    seen = []

    def publish(topology):
        seen.append("Contents" in s3.list_objects_v2(Bucket=NAME, Prefix="revisions/"))

    wanted = {"out": repo.folder / "out", "upload": True, "rollback": False, "announce": False}
    bundling.bundle(Settings(), repo.folder / "desired_state", **wanted, publish_templates=publish)
    bundling.bundle(Settings(), repo.folder / "desired_state", **wanted, publish_templates=publish)
    assert seen == [False, True]  # the same commit may bring the templates of another version of Meridian
