"""The stage of the demo: an empty embedded AWS, the observer beside it, and a scratch Git repository to commit to."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo import processes
from demo.console import Console

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "demo"
SPEED = 600
READY_WITHIN = 60.0
DESIRED = Path("desired_state") / "orders.yaml"
WATCHED = {
    "topology": "orders",
    "domain": "api.example.com",
    "zone": "Z0123456789EXAMPLE",
    "regions": "us-east-1,eu-west-1,ap-northeast-1,eu-central-1",
}


class StepFailed(Exception):
    """A step of the demo did not end as it has to; the message is for the reader."""


@dataclass(slots=True, kw_only=True)
class Stage:
    console: Console
    endpoint: str
    environment: Mapping[str, str]
    observer: subprocess.Popen[str]

    @property
    def repository(self) -> Path:
        return FOLDER / "repo"

    def meridian(self, *arguments: str, expect: int = 0, says: tuple[str, ...] = ()) -> str:
        """Run the real command line in the scratch repository; its exit code and output have to be as expected."""
        command = ["meridian", *arguments]
        self.console.command(" ".join(command))
        code, output = processes.run(command, self.repository, self.environment, self.console.output)
        if "--detailed-exitcode" in arguments:
            self.console.output("")
            self.console.output(f"(exit code {code})")
        if code != expect:
            raise StepFailed(f"meridian {' '.join(arguments)} ended with exit code {code}, not {expect}")
        missing = [text for text in says if text not in output]
        if missing:
            raise StepFailed(f"meridian {' '.join(arguments)} did not name {', '.join(missing)}")
        return output

    def commit(self, message: str) -> None:
        """`git commit -a`, after showing what it changes."""
        if self._git("rev-parse", "--verify", "--quiet", "HEAD"):
            for line in self._git("diff", "--unified=0", "--", str(DESIRED)).splitlines():
                if line[:1] in "+-" and line[:3] not in {"+++", "---"}:
                    self.console.output(line)
        self._git("add", "--all")
        self.console.command(f'git commit -m "{message}"')
        for line in self._git("commit", "--message", message).splitlines()[:2]:
            self.console.output(line)

    def edit(self, *changes: tuple[str, str]) -> None:
        """Change the desired state as a person would, in the text."""
        file = self.repository / DESIRED
        text = file.read_text()
        for old, new in changes:
            if text.count(old) != 1:
                raise StepFailed(f"{DESIRED} holds {old!r} {text.count(old)} times, not once")
            text = text.replace(old, new)
        self.console.command(f"edit {DESIRED}")
        file.write_text(text)

    def cat(self, file: str) -> None:
        self.console.command(f"cat {file}")
        for line in (self.repository / file).read_text(encoding="utf-8").splitlines():
            self.console.output(line)

    def python(self, module: str, *arguments: str) -> None:
        """Run a module of the demo, as a person would run a script of their own."""
        command = " ".join(["python -m", module, *arguments])
        self.console.command(command)
        code, _ = processes.run([sys.executable, "-m", module, *arguments], ROOT, self.environment, self.console.output)
        if code:
            raise StepFailed(f"{command} ended with exit code {code}")

    def forget_calls(self) -> None:
        """Count AWS calls from here."""
        self._control("calls", {})

    def calls(self) -> dict[str, Any]:
        """Those of everybody; `byHand`: how many may change something, and were not made by the control plane's functions."""
        found = self._control("calls")
        own = sum(counted["mutating"] for counted in found["functions"].values())
        return {**found, "byHand": found["mutating"] - own}

    def now(self) -> str:
        """The time of AWS's clock."""
        return str(self._control("clock")["now"])

    def save(self, name: str, *arguments: str) -> None:
        """Keep a document of the command line in build/demo."""
        (FOLDER / name).write_text(self.quietly(*arguments) + "\n")

    def quietly(self, *arguments: str) -> str:
        """What a command prints, without showing it."""
        code, output = processes.run(["meridian", *arguments], self.repository, self.environment, lambda _: None)
        if code:
            raise StepFailed(f"meridian {' '.join(arguments)} ended with exit code {code}")
        return output

    def _git(self, *arguments: str) -> str:
        """Output of a git command; empty where it fails, as it does before the first commit."""
        _, output = processes.run(["git", *arguments], self.repository, self.environment, lambda _: None)
        return output

    def _control(self, what: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.endpoint}/_meridian/{what}"
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=10) as answer:  # noqa: S310  # loopback
            found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def set_up(console: Console) -> Iterator[Stage]:
    """Everything is up inside, and gone afterwards, whatever happened."""
    with ExitStack() as stack:
        nothing = processes.environment("", FOLDER / "cache")
        log = FOLDER / "embedded-aws.log"
        server = [sys.executable, "-m", "local_aws", "--port", "0", "--speed", str(SPEED)]
        endpoint = _ready(stack.enter_context(processes.background(server, ROOT, nothing, log)), log)
        environment = processes.environment(endpoint, FOLDER / "cache")
        options = [f"--{name}={value}" for name, value in WATCHED.items()]
        watch = [sys.executable, "-m", "demo.observer", *options, f"--endpoint={endpoint}"]
        watch.append(f"--out={FOLDER / 'observer.json'}")
        observer = stack.enter_context(processes.background(watch, ROOT, environment, FOLDER / "observer.log"))
        stage = Stage(console=console, endpoint=endpoint, environment=environment, observer=observer)
        _repository(stage)
        yield stage


def _ready(process: subprocess.Popen[str], log: Path) -> str:
    """The endpoint that the server prints once it answers."""
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        line = log.read_text().partition("AWS_ENDPOINT_URL=")[2]
        if line.endswith("\n"):
            return line.split()[0]
        time.sleep(0.1)
    raise StepFailed(f"the embedded AWS did not start; {log.relative_to(ROOT)} says why")


def _repository(stage: Stage) -> None:
    for folder in ("desired_state", "handlers/api"):
        shutil.copytree(ROOT / folder, stage.repository / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (stage.repository / ".gitignore").write_text("__pycache__/\n")
    stage._git("init", "--quiet", "--initial-branch=main")  # noqa: SLF001  # half of the same thing
