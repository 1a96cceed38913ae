"""The template cache. The templates are real ones: small stacks, one process each time something is missing."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest

from reconciler.aws.synthesis import CachedSynthesizer, SynthesisFailed, default_cache
from reconciler.model.topology import Traffic
from tests.fakes.topologies import orders

TOPOLOGY = orders()
KEYS = ("global", "edge")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    CachedSynthesizer(folder).templates(TOPOLOGY, KEYS)
    return folder


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a hit must not start a process")

    monkeypatch.setattr(subprocess, "run", refuse)


@pytest.mark.usefixtures("no_process")
def test_a_hit_gives_template_and_assets_without_a_process(filled: Path) -> None:
    found = CachedSynthesizer(filled).templates(TOPOLOGY, KEYS)
    assert found["global"].body["Resources"]["GlobalCluster"]["Type"] == "AWS::RDS::GlobalCluster"
    assert found["global"].assets == ()
    (asset,) = found["edge"].assets
    assert asset.key == found["edge"].body["Resources"]["Router"]["Properties"]["Code"]["S3Key"]
    assert "router.py" in ZipFile(asset.path).namelist()


@pytest.mark.usefixtures("no_process")
def test_what_a_template_does_not_depend_on_leaves_it_alone(filled: Path) -> None:
    first, *others = TOPOLOGY.regions
    moved = replace(TOPOLOGY, regions=(replace(first, traffic=Traffic.DRAINED), *others), suspend=True)
    assert CachedSynthesizer(filled).templates(moved, KEYS).keys() == set(KEYS)


def test_a_broken_entry_is_made_again(filled: Path) -> None:
    entries = [entry for entry in filled.iterdir() if (entry / "template.json").is_file()]
    assert len(entries) == len(KEYS)
    for entry in entries:
        (entry / "template.json").write_text("{")
    found = CachedSynthesizer(filled).templates(TOPOLOGY, KEYS)
    assert all(template.body["Resources"] for template in found.values())
    assert len(list(filled.iterdir())) == len(KEYS)


def test_a_failing_app_gives_its_last_word(tmp_path: Path) -> None:
    nowhere = replace(TOPOLOGY, api=replace(TOPOLOGY.api, code="handlers/gone"))
    with pytest.raises(SynthesisFailed, match="handlers/gone"):
        CachedSynthesizer(tmp_path).templates(nowhere, ("api",))


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"MERIDIAN_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/meridian"),
        ({"HOME": "/c"}, "/c/.cache/meridian"),
    ],
)
def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str) -> None:
    for name in ("MERIDIAN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert default_cache() == Path(expected)
