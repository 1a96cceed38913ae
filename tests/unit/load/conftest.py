"""A scratch repository with the worked example in it, to bend and to load."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.load import load
from reconciler.model.errors import InvalidDesiredState
from reconciler.model.topology import Topology

REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True)
class Project:
    root: Path
    example: str

    @property
    def folder(self) -> Path:
        return self.root / "desired_state"

    def edited(self, *edits: tuple[str, str]) -> str:
        """The worked example with pieces of its text exchanged; each piece must be there exactly once."""
        text = self.example
        for old, new in edits:
            assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
            text = text.replace(old, new)
        return text

    def write(self, text: str, name: str = "orders.yaml") -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def load(self, text: str) -> Topology:
        (topology,) = load(self.write(text))
        return topology

    def problems(self, path: Path | None = None) -> list[str]:
        with pytest.raises(InvalidDesiredState) as raised:
            load(path or self.folder)
        return str(raised.value).splitlines()


def make_project(root: Path) -> Project:
    (root / "desired_state").mkdir()
    (root / "handlers/api/migrations").mkdir(parents=True)
    (root / "handlers/api/app.py").write_text("def handler(event, context): ...\n")
    return Project(root, (REPOSITORY / "desired_state/orders.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


@pytest.fixture(scope="module")
def shared_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """For Hypothesis, which calls a test many times over the same fixtures."""
    return make_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY
