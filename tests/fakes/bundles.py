"""The worked example as bundles, and a revision bucket in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from cdk_app.code import shipped
from reconciler.load import load
from reconciler.load.bundle import Packed, pack
from reconciler.model.bundle import Commit, Head, Stored
from tests.fakes.topologies import ROOT

AT = datetime(2030, 1, 1, tzinfo=UTC)


def commit(generation: int = 5) -> Commit:
    return Commit(commit=f"{generation:040x}", author="Ada", generation=generation, repository="github.com/acme/apis")


def repository(folder: Path, document: str | None = None) -> Path:
    """A small one: the worked example's document with a service of one file."""
    (folder / "desired_state").mkdir(parents=True, exist_ok=True)
    (folder / "handlers/api/migrations").mkdir(parents=True, exist_ok=True)
    (folder / "handlers/api/app.py").write_text("def handler(event, context): ...\n")
    (folder / "handlers/api/migrations/0001_orders.sql").write_text("create table orders ();\n")
    text = document or (ROOT / "desired_state/orders.yaml").read_text()
    (folder / "desired_state/orders.yaml").write_text(text)
    return folder


def packed(folder: Path, generation: int = 5, *, rollback: bool = False) -> Packed:
    (topology,) = load(folder / "desired_state")
    return pack(topology, commit=commit(generation), rollback=rollback, shipped=shipped)


@dataclass
class Bucket:
    """Versions of one topology's bundle, and code by hash."""

    versions: dict[str, bytes] = field(default_factory=dict)
    codes: dict[str, bytes] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    def put(self, bundle: Packed, *, code: bool = True) -> str:
        version = f"v{len(self.versions) + 1}"
        self.versions[version] = bundle.data
        if code:
            self.codes.update(bundle.code)
        return version

    def latest(self, name: str) -> Stored | None:
        return self.version(name, list(self.versions)[-1]) if self.versions and name == "orders" else None

    def version(self, name: str, version: str) -> Stored | None:
        return Stored(data=self.versions[version], version=version) if version in self.versions else None

    def code(self, digest: str) -> bytes | None:
        self.fetched.append(digest)
        return self.codes.get(digest)

    def head(self, name: str) -> Head | None:
        return self.heads.get(name)


def with_version(bundle: Packed, version: str) -> Packed:
    return replace(bundle, bundle=replace(bundle.bundle, version=version))
