"""`build` and the process around it: deterministic, complete, and clear when it fails."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest

from cdk_app.app import build, main
from cdk_app.projection import KEYS
from reconciler.load import load
from reconciler.observe import live_functions
from tests.cdk.topologies import ORDERS, ROOT, shipped_with


def contents(out: Path) -> dict[str, bytes]:
    """Templates, asset lists and assets: what is deployed. Metadata holds stack traces, and differs."""
    kept = ("*.template.json", "*.assets.json", "asset.*.zip", "asset.*/**/*")
    return {
        str(p.relative_to(out)): p.read_bytes() for pattern in kept for p in sorted(out.glob(pattern)) if p.is_file()
    }


def in_another_process(request: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "cdk_app"],
        input=pickle.dumps(request),
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        check=False,
    )


def test_same_bytes_again_here_and_in_another_process(assembly, tmp_path):
    first = contents(assembly)
    assert sum(name.endswith(".template.json") for name in first) == len(KEYS)
    build(replace(ORDERS, name="other"), tmp_path / "between")
    build(ORDERS, tmp_path / "again")
    assert contents(tmp_path / "again") == first
    done = in_another_process((ORDERS, None, tmp_path / "there"))
    assert (done.returncode, done.stderr) == (0, b"")
    assert contents(tmp_path / "there") == first


def test_one_template_alone_is_the_same(assembly, tmp_path):
    build(ORDERS, tmp_path / "out", ["data"])
    assert (tmp_path / "out/data.template.json").read_bytes() == (assembly / "data.template.json").read_bytes()
    assert not list(tmp_path.glob("out/api*"))


def test_stray_files_do_not_change_the_asset(assembly, tmp_path):
    code = tmp_path / "handlers/api"
    shutil.copytree(ROOT / "handlers/api", code)
    for name in ("__pycache__/app.pyc", ".cache/x", "README.md", "migrations/__pycache__/y.pyc"):
        (code / name).parent.mkdir(exist_ok=True, parents=True)
        (code / name).write_text("stray")
    (code / "app.py").chmod(0o600)
    os.utime(code / "app.py", (0, 0))
    build(replace(ORDERS, root=tmp_path), tmp_path / "out", ["api"])
    assert (tmp_path / "out/api.template.json").read_bytes() == (assembly / "api.template.json").read_bytes()


@pytest.mark.parametrize("key", ["api", "edge"])
def test_asset_is_there_under_the_key_that_the_template_names(key, assembly):
    template = json.loads((assembly / f"{key}.template.json").read_text())
    codes = [r["Properties"]["Code"] for r in template["Resources"].values() if r["Type"] == "AWS::Lambda::Function"]
    files = json.loads((assembly / f"{key}.assets.json").read_text())["files"].values()
    zips = [f for f in files if f["source"]["path"].endswith(".zip")]
    assert [c["S3Bucket"] for c in codes] == [{"Fn::Sub": "meridian-assets-${AWS::AccountId}-${AWS::Region}"}] * len(
        zips
    )
    assert {d["objectKey"] for f in zips for d in f["destinations"].values()} == {c["S3Key"] for c in codes}
    for asset in zips:
        assert any(name.endswith(".py") for name in ZipFile(assembly / asset["source"]["path"]).namelist())


def test_the_key_of_code_follows_from_what_lambda_tells_of_it(assembly):
    for file in assembly.glob("asset.*.zip"):
        told = b64encode(hashlib.sha256(file.read_bytes()).digest()).decode()
        assert live_functions.code_key(told) == f"assets/{file.name.removeprefix('asset.')}"


def test_runner_has_its_own_modules_and_the_way_to_the_database(assembly):
    names = shipped_with(assembly, "runner.py").namelist()
    own = {path.name for path in (ROOT / "handlers/migrate").glob("*.py")}
    assert {name.partition("/")[0] for name in names} == own | {"rds.py", "rds-global-bundle.pem", "vendor"}
    assert "vendor/pg8000/native.py" in names
    assert not [name for name in names if name.endswith("README.md")]


def test_router_has_its_names_baked_in(assembly):
    config = shipped_with(assembly, "config.json").read("config.json")
    assert json.loads(config) == {"route": "route.api.example.com", "origin": "origin.api.example.com"}


def test_templates_here_are_those_of_the_worked_example():
    (loaded,) = load(ROOT / "desired_state" / "orders.yaml")
    assert replace(loaded, migrations=()) == ORDERS


def test_command_line_wants_one_document(tmp_path):
    two = (ROOT / "desired_state/orders.yaml").read_text()
    (tmp_path / "desired_state").mkdir()
    shutil.copytree(ROOT / "handlers/api", tmp_path / "handlers/api")
    apart = two.replace("name: orders  ", "name: parcels  ").replace("api.example.com", "b.example.com")
    (tmp_path / "desired_state/two.yaml").write_text(f"{two}---\n{apart}")
    with pytest.raises(SystemExit, match="holds 2 documents: name the file of one"):
        main([str(tmp_path / "desired_state")])


def test_no_lookup_is_recorded(assembly):
    assert "missing" not in json.loads((assembly / "manifest.json").read_text())


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ((ORDERS, ["network"], "out"), "no template is called network"),
        ((replace(ORDERS, root=Path("/nowhere")), ["api"], "out"), "/nowhere/handlers/api: code folder not found"),
        ("not a request", "synthesis failed"),
    ],
)
def test_failure_is_one_line_and_a_status(request_, message, tmp_path):
    if isinstance(request_, tuple):
        request_ = (*request_[:2], tmp_path / "out")
    done = in_another_process(request_)
    assert done.returncode == 1
    assert message in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_cdk_command_line_sees_one_stack_per_region(assembly, tmp_path, monkeypatch):
    monkeypatch.setenv("CDK_OUTDIR", str(tmp_path))
    main([str(ROOT / "desired_state" / "orders.yaml")])
    manifest = json.loads((tmp_path / "manifest.json").read_text())["artifacts"]
    stacks = {name: a for name, a in manifest.items() if a["type"] == "aws:cloudformation:stack"}
    assert len(stacks) == 3 * len(ORDERS.regions) + 3
    assert stacks["data-eu-west-1"]["environment"] == "aws://111111111111/eu-west-1"
    assert stacks["data-eu-west-1"]["properties"]["stackName"] == "meridian-orders-data"
    for artifact, key in {"data-us-east-1": "data-founder", "data-eu-west-1": "data", "routing": "routing"}.items():
        assert (tmp_path / f"{artifact}.template.json").read_bytes() == (assembly / f"{key}.template.json").read_bytes()
