"""What ships to Lambda: the same bytes each time, all that fingerprints are made of, and nothing that only others need."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from importlib.metadata import distribution, version
from pathlib import Path

import pytest

from cdk_app import service_models, wheels
from cdk_app.code import shipped
from cdk_app.machine import host
from cdk_app.packaging import READ_ONLY, image_context, package, sources, stage
from cdk_app.projection import ROUTER, RUNNER, RUNNER_BESIDE, fingerprint
from cdk_app.wheels import NotPackaged
from reconciler.aws.template_store import OF_TOPOLOGIES
from tests.cdk.topologies import ORDERS, ROOT
from tests.contract.operations_facts import called

RUNTIME, ARCHITECTURE = host()
ASK = """
import json, pickle, sys
sys.path.insert(0, {folder!r})
{code}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stage(tmp_path_factory.mktemp("staged") / "code", runtime=RUNTIME, architecture=ARCHITECTURE)


def alone(folder: Path, code: str, *, data: bytes = b"") -> object:
    """What the code finds in an interpreter that knows the folder and its own library, and nothing else."""
    command = [sys.executable, "-I", "-S", "-B", "-c", ASK.format(folder=str(folder), code=code)]
    done = subprocess.run(command, input=data, cwd="/", env={"HOME": "/nonexistent"}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_zip_is_small_and_the_same_again(staged: Path, tmp_path: Path) -> None:
    data = package(staged)
    assert len(data) <= 15_000_000
    assert package(stage(tmp_path / "again", runtime=RUNTIME, architecture=ARCHITECTURE)) == data


def test_all_that_is_imported_is_there(staged: Path) -> None:
    """Late imports, too: those are found by looking at every module."""
    code = """
import importlib, pathlib
folder = pathlib.Path(sys.path[0])
modules = [p.relative_to(folder).with_suffix("") for p in (folder / "reconciler").rglob("*.py")]
for path in modules:
    importlib.import_module(".".join(path.parts).removesuffix(".__init__"))
import cdk_app.projection, dns.resolver, jsonschema, structlog, zoneinfo
import aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch
zoneinfo.reset_tzpath(to=())
zoneinfo.ZoneInfo("Europe/Berlin")
found = sorted({m.__file__ for m in sys.modules.values() if "site-packages" in (getattr(m, "__file__", "") or "")})
"""
    assert alone(staged, code) == []


def test_fingerprints_are_those_of_this_machine(staged: Path) -> None:
    """Of the templates of topologies: the control plane's are made by `bootstrap` alone."""
    code = """
from cdk_app.projection import fingerprint
from reconciler.aws.template_store import OF_TOPOLOGIES
topology = pickle.load(sys.stdin.buffer)
found = {key: fingerprint(topology, key) for key in OF_TOPOLOGIES}
"""
    import pickle

    assert alone(staged, code, data=pickle.dumps(ORDERS)) == {key: fingerprint(ORDERS, key) for key in OF_TOPOLOGIES}


def test_versions_answer_as_here(staged: Path) -> None:
    code = (
        "from importlib.metadata import version\nfound = [version(n) for n in ('meridian', 'aws-cdk-lib', 'botocore')]"
    )
    assert alone(staged, code) == [version("meridian"), version("aws-cdk-lib"), version("botocore")]
    assert not list(staged.glob("aws_cdk/*"))


def test_every_service_that_the_adapters_call_has_its_model(staged: Path) -> None:
    used = {operation.partition(":")[0] for operation in called((ROOT / "reconciler" / "aws",))}
    assert used <= set(service_models.SERVICES)
    code = """
from botocore.session import Session
session = Session()
found = {name: len(session.get_service_model(name).operation_names) for name in session.get_available_services()}
"""
    found = alone(staged, code)
    assert isinstance(found, dict)
    assert found.keys() == set(service_models.SERVICES)
    assert found["ec2"] > 500


def test_nothing_of_the_models_is_lost_but_prose(staged: Path) -> None:
    for service in service_models.SERVICES:
        (path,) = staged.glob(f"botocore/data/{service}/*/service-2.json")
        there = json.loads(path.read_text())
        original = f"botocore/data/{service}/{path.parent.name}/service-2.json.gz"
        here = json.loads(gzip.decompress(Path(str(distribution("botocore").locate_file(original))).read_bytes()))
        assert there["operations"].keys() == here["operations"].keys()
        assert {n: s.get("members", {}).keys() for n, s in there["shapes"].items()} == {
            n: s.get("members", {}).keys() for n, s in here["shapes"].items()
        }
        assert there["metadata"] == here["metadata"]


def test_a_member_that_is_called_documentation_is_no_prose(tmp_path: Path) -> None:
    prose = {"documentation": "<p>long</p>"}
    model = {
        **prose,
        "operations": {"Get": {**prose, "errors": [{"shape": "Gone", **prose}]}},
        "shapes": {
            "Part": {"type": "structure", **prose, "members": {"documentation": {"shape": "Text", **prose}}},
            "Parts": {"type": "list", "member": {"shape": "Part", **prose}},
            "Map": {"type": "map", "key": {"shape": "Text", **prose}, "value": {"shape": "Part", **prose}},
        },
    }
    (tmp_path / "service-2.json").write_text(json.dumps(model))
    files = {"botocore/data/s3/2006-03-01/service-2.json": tmp_path / "service-2.json"}
    ((name, content),) = service_models.pruned(files)
    assert name == "botocore/data/s3/2006-03-01/service-2.json"
    assert json.loads(content) == {
        "operations": {"Get": {"errors": [{"shape": "Gone"}]}},
        "shapes": {
            "Part": {"type": "structure", "members": {"documentation": {"shape": "Text"}}},
            "Parts": {"type": "list", "member": {"shape": "Part"}},
            "Map": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Part"}},
        },
    }


def test_only_the_newest_version_of_a_service_ships(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    files = {
        f"botocore/data/{name}": tmp_path / "x.json"
        for name in (
            *("s3/2001-01-01/service-2.json", "s3/2006-03-01/service-2.json", "s3/2006-03-01/waiters-2.json"),
            *("s3/2006-03-01/paginators-1.json", "braket/2019-09-01/service-2.json", "partitions.json"),
        )
    }
    assert {name.removeprefix("botocore/data/") for name, _ in service_models.pruned(files)} == {
        *("s3/2006-03-01/service-2.json", "s3/2006-03-01/paginators-1.json", "partitions.json")
    }


def test_what_nobody_runs_there_stays_here(staged: Path) -> None:
    found = names(staged)
    idle = (
        "/tests/",
        ".pyi",
        "reconciler/cli/",
        "reconciler/github/",
        "boto3/",
        "/waiters-2",
        "/examples-1",
        "RECORD",
        "INSTALLER",
    )
    assert not [name for name in found if any(part in name for part in idle)]
    assert not [name for name in found if name.startswith(("local_aws", "demo", "tests", "aws_cdk/", "bin/"))]


def test_licences_stay_with_what_they_are_for(staged: Path) -> None:
    found = names(staged)
    assert "LICENSE" in found
    for name in wheels.locked():
        folder = f"{name.replace('-', '_')}-"
        texts = [f for f in found if f.startswith(folder) and ("LICEN" in f.upper() or "COPYING" in f.upper())]
        assert texts, name


def test_bytecode_is_there_and_taken_without_a_look_at_times(staged: Path) -> None:
    path = next(staged.glob("reconciler/__pycache__/loop.*.pyc"))
    assert path.read_bytes()[4:8] == (1).to_bytes(4, "little")  # PEP 552: by hash, unchecked
    assert str(staged).encode() not in path.read_bytes()
    assert not list(staged.glob("handlers/api/vendor/**/*.pyc"))


def test_folders_that_fingerprints_read_are_those_that_ship(staged: Path) -> None:
    assert set(READ_ONLY) == {ROUTER, RUNNER, *RUNNER_BESIDE}
    assert shipped(staged / "cdk_app") == shipped(ROOT / "cdk_app")


def test_sources_change_when_what_ships_does() -> None:
    found = sources()
    assert {ROOT / "reconciler/loop.py", ROOT / "handlers/api/rds.py", wheels.LOCK} <= set(found)
    assert len(set(found)) == len(found) > 100


def test_the_image_is_built_from_the_same_files(staged: Path, tmp_path: Path) -> None:
    context = image_context(tmp_path / "synth")
    assert {"Dockerfile", "jsii_readonly_cache.js", "synth.txt", "task"} == {p.name for p in context.iterdir()}
    for name in ("reconciler", "cdk_app", "handlers/edge_router", "handlers/migrate", "handlers/api"):
        there = {n: (context / "task" / name / n).read_bytes() for n in names(context / "task" / name)}
        assert there == {n: (staged / name / n).read_bytes() for n in names(staged / name) if not n.endswith(".pyc")}
    assert (context / "task/handlers/synth/app.py").is_file()


@pytest.mark.parametrize("runtime", ["python", "python3.13; rm", "nodejs22.x", ""])
def test_a_runtime_that_is_none_is_refused(tmp_path: Path, runtime: str) -> None:
    with pytest.raises(NotPackaged, match=r"write it as python3\.13"):
        stage(tmp_path / "code", runtime=runtime)


def test_an_architecture_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotPackaged, match="there are x86_64, arm64"):
        stage(tmp_path / "code", runtime=RUNTIME, architecture="amd64")


@pytest.mark.parametrize(
    ("tags", "glibc", "runs"),
    [
        ("Tag: py3-none-any", 26, True),
        ("Tag: cp311-cp311-manylinux_2_17_x86_64", 26, True),
        ("Tag: cp311-cp311-manylinux2014_x86_64\nTag: cp311-cp311-manylinux_2_28_x86_64", 26, True),
        ("Tag: cp311-cp311-manylinux_2_28_x86_64", 26, False),
        ("Tag: cp311-cp311-manylinux_2_28_x86_64", 34, True),
        ("Tag: cp311-cp311-linux_x86_64", 34, False),
        ("Tag: cp311-cp311-musllinux_1_2_x86_64", 34, False),
        ("Tag: cp311-cp311-manylinux_2_17_aarch64", 34, False),
    ],
)
def test_what_was_built_for_another_system_is_downloaded_instead(
    tmp_path: Path, tags: str, glibc: int, *, runs: bool
) -> None:
    from importlib.metadata import PathDistribution

    folder = tmp_path / "x-1.dist-info"
    folder.mkdir()
    (folder / "WHEEL").write_text(f"Wheel-Version: 1.0\n{tags}\n")
    assert wheels._runs(PathDistribution(folder), "x86_64", glibc) is runs


def test_packages_for_another_python_are_asked_of_pip_with_their_hashes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 1, "", "a\nERROR: no network\n")

    monkeypatch.setattr(wheels.subprocess, "run", run)
    with pytest.raises(NotPackaged, match=r"python3\.99 cannot be downloaded: ERROR: no network"):
        wheels.third_party("python3.99", "arm64", tmp_path)
    (command,) = asked
    assert {
        "--require-hashes",
        "--only-binary=:all:",
        "--python-version=3.99",
        "--platform=manylinux2014_aarch64",
    } <= set(command)
