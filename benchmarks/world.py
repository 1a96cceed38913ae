"""The embedded AWS and a scratch repository to run commands in, with worlds of several sizes that can be brought back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measure import CommandFailed, Cost, run

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "bench"
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
SPEED = 600
MORE_REGIONS = (
    "eu-central-1", "us-west-2", "ap-southeast-1", "ca-central-1", "eu-west-2", "ap-southeast-2", "us-east-2",
)  # fmt: skip
"""What is added to the three Regions of the worked example, in this order."""
MOST = 10
"""Regions of one topology here. A global database has at most eleven: beyond, there is a second topology beside the first."""
DESIRED = Path("desired_state") / "orders.yaml"
SECOND = DESIRED.with_name("bookings.yaml")
MEMORY = "memoryMb: 512"


class World:
    """One embedded AWS, and the folder that holds the desired state as a user would have it: a Git repository."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.repository = FOLDER / "repository"
        self.environment = _environment(endpoint)
        self.gates: dict[str, str] = {}
        """Traffic gates that were made for the peer, by Region."""
        self._kept: dict[int, str] = {}

    def control(self, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.endpoint}/_meridian/{what}", data=data, timeout=30) as answer:
            return json.load(answer)

    def declare(self, regions: int, *, memory: str = MEMORY) -> None:
        """Commit the worked example with so many Regions."""
        (self.repository / DESIRED).write_text(_document(min(regions, MOST)).replace(MEMORY, memory))
        second = self.repository / SECOND
        second.unlink(missing_ok=True)
        if regions > MOST:
            renamed = _document(regions - MOST).replace("  name: orders", "  name: bookings", 1)
            second.write_text(renamed.replace("name: api.example.com", "name: bookings.example.com"))
        for command in (["add", "--all"], ["commit", "--quiet", "--allow-empty", "--message", f"{regions} Regions"]):
            subprocess.run(["git", *command], cwd=self.repository, env=self.environment, check=True)

    def documents(self) -> list[Path]:
        """Those of the present commit, by their place in the repository."""
        return [document for document in (DESIRED, SECOND) if (self.repository / document).exists()]

    def pace(self, speed: float) -> None:
        """How many times as fast as the wall clock AWS's time passes from now on."""
        self.control("clock", {"speed": speed})

    def converge(self, regions: int) -> Cost:
        self.declare(regions)
        return run(["meridian", "converge"], self.repository, self.environment, patience=600)

    def keep(self, regions: int) -> None:
        """Remember the world as it is now, as soon as it rests."""
        deadline = time.monotonic() + 60
        while True:
            try:
                self._kept[regions] = self.control("snapshot", {})["id"]
                return
            except urllib.error.HTTPError:  # changes are still under way
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def has(self, regions: int) -> bool:
        """Whether such a world was kept."""
        return regions in self._kept

    def bring_back(self, regions: int) -> None:
        """As it was kept, with AWS at its best and its time at its usual pace."""
        if regions not in self._kept:
            raise CommandFailed(f"there is no world of {regions} Regions: it did not converge")
        self.control("faults", {"faults": []})
        self.pace(SPEED)
        self.control("reset", {})
        self.restore(regions)
        self.declare(regions)

    def restore(self, regions: int) -> None:
        self.control("restore", {"id": self._kept[regions]})


def _document(regions: int) -> str:
    lines = (ROOT / DESIRED).read_text().splitlines(keepends=True)
    at = [i for i, line in enumerate(lines) if line.lstrip().startswith("- {name: ")]
    more = [
        f"    - {{name: {name}, cidr: 10.{40 + i}.0.0/16, traffic: serving}}\n" for i, name in enumerate(MORE_REGIONS)
    ]
    listed = [*(lines[i] for i in at), *more][:regions]
    return "".join([*lines[: at[0]], *listed, *lines[at[-1] + 1 :]])


@contextmanager
def start(*more: str) -> Iterator[World]:
    """Up inside, gone afterwards; `more` for the server."""
    shutil.rmtree(FOLDER / "repository", ignore_errors=True)
    shutil.rmtree(FOLDER / "cache", ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "failures.txt").unlink(missing_ok=True)
    command = [sys.executable, "-m", "local_aws", "--port", "0", "--speed", str(SPEED), *more]
    with (
        (FOLDER / "embedded-aws.log").open("w") as log,
        subprocess.Popen(
            command, cwd=ROOT, env=_environment(""), stdout=subprocess.PIPE, stderr=log, text=True
        ) as server,
    ):
        try:
            assert server.stdout is not None
            name, _, endpoint = server.stdout.readline().strip().partition("=")
            if name != "AWS_ENDPOINT_URL":
                raise CommandFailed("the embedded AWS did not start; build/bench/embedded-aws.log says why")
            world = World(endpoint)
            _repository(world)
            yield world
        finally:
            server.terminate()


def _repository(world: World) -> None:
    for folder in ("desired_state", "handlers/api"):
        shutil.copytree(ROOT / folder, world.repository / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (world.repository / ".gitignore").write_text("__pycache__/\n/cdk.out/\n")
    subprocess.run(["git", "init", "--quiet"], cwd=world.repository, env=world.environment, check=True)


def _environment(endpoint: str) -> dict[str, str]:
    """Nothing of the user's AWS settings gets in; one set for both tools."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    person = {"NAME": "Benchmark", "EMAIL": "benchmark@example.com"}
    return {
        **kept,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
        "PYTHONPATH": str(ROOT),
        **{f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in person.items()},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "111111111111",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "MERIDIAN_CACHE": str(FOLDER / "cache"),
        "CI": "1",
    }
