"""Executes workflow files as they are, as GitHub's runner does: every `run:` step in order, in a clean environment.

Jobs after those they need, conditions, outputs, reusable workflows, composite actions. Actions of others are known by name
(`actions.py`); whatever is not known fails the test.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.workflows import files
from tests.workflows.actions import KNOWN, Place, hashed
from tests.workflows.commands import Printed, assignments
from tests.workflows.expressions import Expressions, Unknown, asks_for_status, truth
from tests.workflows.hub import Hub, allowed
from tests.workflows.script import execute

SUMMARY = 1024 * 1024
ANNOTATIONS = 10
"""Of one level in one step: the runner drops the rest."""
_SUCCESS, _FAILURE, _SKIPPED, _CANCELLED = "success", "failure", "skipped", "cancelled"


@dataclass
class Step:
    name: str
    outcome: str = _SKIPPED
    conclusion: str = _SKIPPED
    log: str = ""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    printed: Printed = field(default_factory=Printed)


@dataclass
class Job:
    result: str = _SKIPPED
    steps: list[Step] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    concurrency: Mapping[str, Any] = field(default_factory=dict)
    permissions: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    subject: str = ""

    @property
    def log(self) -> str:
        return "".join(step.log for step in self.steps)

    @property
    def summary(self) -> str:
        return "".join(step.summary for step in self.steps)

    def step(self, text: str) -> Step:
        (found,) = (s for s in self.steps if text in s.name)
        return found


def run(
    hub: Hub, path: Path, *, inputs: Mapping[str, Any] | None = None, cap: Mapping[str, str] | None = None
) -> dict[str, Job]:
    """The jobs of a workflow by name; those of a called one behind the caller's name and a slash."""
    found = files.workflow(path)
    jobs: dict[str, Job] = {}
    waiting = dict(found["jobs"])
    while waiting:
        name = next(n for n, j in waiting.items() if not set(_needs(j)) & set(waiting))
        jobs |= dict(_Run(hub, found, name, waiting.pop(name), jobs, inputs, cap, path).carried_out())
    return jobs


def _needs(job: Mapping[str, Any]) -> tuple[str, ...]:
    needs = job.get("needs", ())
    return (needs,) if isinstance(needs, str) else tuple(needs)


def _together(jobs: Sequence[Job], needs: tuple[str, ...]) -> Job:
    """What a job that is several comes to."""
    found = {job.result for job in jobs}
    return Job(result=next((r for r in (_FAILURE, _CANCELLED) if r in found), _SUCCESS), needs=needs)


@dataclass
class _Run:
    hub: Hub
    workflow: Mapping[str, Any]
    name: str
    job: Mapping[str, Any]
    before: Mapping[str, Job]
    inputs: Mapping[str, Any] | None
    cap: Mapping[str, str] | None
    path: Path

    def carried_out(self) -> list[tuple[str, Job]]:
        needs = _needs(self.job)
        results = [self.before[n].result for n in self._ancestors()]
        base = {
            "github": self.hub.github(),
            "vars": self.hub.variables,
            "inputs": self.inputs or {},
            "needs": {n: {"result": self.before[n].result, "outputs": _Outputs(self.before[n].outputs)} for n in needs},
        }
        functions = {
            "success": lambda: all(r == _SUCCESS for r in results),
            "failure": lambda: _FAILURE in results,
            "always": lambda: True,
            "cancelled": self.hub.cancelled,
        }
        expressions = Expressions(base, functions)
        condition = self.job.get("if", "success()")
        wanted = expressions.condition(condition)
        if not asks_for_status(condition):
            wanted = wanted and functions["success"]()
        if not wanted:
            return [(self.name, Job(needs=needs))]
        permissions = allowed(self.job.get("permissions", self.workflow.get("permissions")), self.cap)
        if "uses" in self.job:
            return self._called(expressions, permissions, needs)
        rows = [
            (self.name + label, _Job(self, base, row, permissions, needs).carried_out()) for label, row in self._rows()
        ]
        return rows if len(rows) == 1 else [*rows, (self.name, _together([job for _, job in rows], needs))]

    def _ancestors(self) -> list[str]:
        found, look = list[str](), list(_needs(self.job))
        while look:
            found.append(name := look.pop())
            look += self.before[name].needs
        return found

    def _rows(self) -> list[tuple[str, Mapping[str, Any]]]:
        matrix = self.job.get("strategy", {}).get("matrix", {})
        assert set(matrix) <= {"include"}, "of a matrix, only `include` is carried out"
        return [(f" ({', '.join(row.values())})", row) for row in matrix.get("include", ())] or [("", {})]

    def _called(
        self, expressions: Expressions, permissions: Mapping[str, str], needs: tuple[str, ...]
    ) -> list[tuple[str, Job]]:
        path = self.hub.called(self.job["uses"])
        asked = files.workflow(path)["on"]["workflow_call"] or {}
        known = asked.get("inputs", {})
        given = {k: expressions.text(v) for k, v in self.job.get("with", {}).items()}
        assert set(given) <= set(known), f"{path.name} does not take {sorted(set(given) - set(known))}"
        inputs = {k: given.get(k, what.get("default")) for k, what in known.items()}
        jobs = run(self.hub, path, inputs=inputs, cap=permissions)
        return [*((f"{self.name}/{n}", j) for n, j in jobs.items()), (self.name, _together(list(jobs.values()), needs))]


class _Outputs(dict[str, Any]):
    """One that a step has not written is empty."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> str:
        return ""


@dataclass
class _Job:
    of: _Run
    base: Mapping[str, Any]
    row: Mapping[str, Any]
    permissions: Mapping[str, str]
    needs: tuple[str, ...]
    done: Job = field(default_factory=Job)
    steps: dict[str, Any] = field(default_factory=dict)
    exported: dict[str, str] = field(default_factory=dict)
    failed: bool = False

    def carried_out(self) -> Job:
        hub, job = self.of.hub, self.of.job
        self.hub, self.place = hub, hub.machine()
        self.environment = job.get("environment")
        contexts = self.contexts({})
        expressions = Expressions(contexts, {})
        concurrency = {k: expressions.text(v) for k, v in job.get("concurrency", {}).items()}
        subject = hub.subject(self.environment)
        self.done = Job(permissions=self.permissions, needs=self.needs, concurrency=concurrency, subject=subject)
        if self.environment:
            hub.reviewed.append(self.environment)
        self.token = hub.token(self.permissions)
        here = {k: expressions.text(v) for k, v in job.get("env", {}).items()}
        shell = self.of.workflow.get("defaults", {}).get("run", {}).get("shell", "")
        self._steps(job["steps"], here, {}, shell, self.steps)
        self.done.result = _CANCELLED if hub.cancelled() else _FAILURE if self.failed else _SUCCESS
        expressions = Expressions(self.contexts(here), {})
        self.done.outputs = {k: expressions.text(v) for k, v in job.get("outputs", {}).items()}
        return self.done

    def contexts(
        self, env: Mapping[str, str], inputs: Mapping[str, Any] | None = None, steps: Any = None
    ) -> dict[str, Any]:
        return {
            **self.base,
            "github": self.of.hub.github(getattr(self, "token", "")),
            "inputs": self.base["inputs"] if inputs is None else inputs,
            "job": self.of.hub.job_context(),
            "runner": {"os": "Linux", "arch": "X64", "temp": str(self.place.temp)},
            "steps": self.steps if steps is None else steps,
            "matrix": self.row,
            "env": env,
        }

    def _steps(
        self,
        steps: Sequence[Mapping[str, Any]],
        env: Mapping[str, str],
        inputs: Mapping[str, Any],
        shell: str,
        known: dict[str, Any],
    ) -> None:
        for step in steps:
            functions = {
                "success": lambda: not (self.failed or self.of.hub.cancelled()),
                "failure": lambda: self.failed,
                "always": lambda: True,
                "cancelled": self.of.hub.cancelled,
                "format": lambda text, *values: re.sub(r"\{(\d)\}", lambda m: str(values[int(m[1])]), text),
                "hashFiles": lambda *globs: hashed(self.place.workspace, globs),
            }
            expressions = Expressions(self.contexts(env, inputs or None, known), functions)
            made = Step(name=expressions.text(step.get("name") or step.get("run") or step.get("uses")))
            self.done.steps.append(made)
            condition = step.get("if", "success()")
            wanted = expressions.condition(condition) and (asks_for_status(condition) or functions["success"]())
            if wanted:
                self._step(step, made, env, expressions, shell)
            if "id" in step:
                known[step["id"]] = {
                    "outcome": made.outcome,
                    "conclusion": made.conclusion,
                    "outputs": _Outputs(made.outputs),
                }
            self.failed = self.failed or made.conclusion == _FAILURE

    def _step(
        self, step: Mapping[str, Any], made: Step, env: Mapping[str, str], expressions: Expressions, shell: str
    ) -> None:
        own = {**env, **{k: expressions.text(v) for k, v in step.get("env", {}).items()}}
        if "run" in step:
            assert "${{" not in step["run"], f"an expression inside a script: {step['run']!r}"
            self._script(step["run"], made, own, step.get("shell", shell))
        else:
            self._action(step, made, own, expressions)
        made.conclusion = made.outcome
        if made.outcome == _FAILURE and truth(step.get("continue-on-error", False)):
            made.conclusion = _SUCCESS

    def _action(self, step: Mapping[str, Any], made: Step, env: Mapping[str, str], expressions: Expressions) -> None:
        given = {k: expressions.text(v) for k, v in step.get("with", {}).items()}
        name = step["uses"]
        if name.startswith("$/"):
            found = files.action(self.hub.root / name[2:] / "action.yml")
            asked = found.get("inputs", {})
            assert set(given) <= set(asked), f"{name} does not take {sorted(set(given) - set(asked))}"
            inputs = {k: given.get(k, what.get("default", "")) for k, what in asked.items()}
            before = self.failed
            self._steps(found["runs"]["steps"], env, inputs, "", {})
            made.outcome = _FAILURE if self.failed and not before else _SUCCESS
            return
        action, _, commit = name.partition("@")
        if action not in KNOWN or not re.fullmatch(r"[0-9a-f]{40}", commit):
            raise Unknown(f"{name} is not an action that these tests know, by its commit")
        outputs, exported = KNOWN[action](Place(self.hub, self.place, self.permissions, self.done.subject), given)
        made.outputs, made.outcome = outputs, _SUCCESS
        self.exported |= exported

    def _script(self, script: str, made: Step, env: Mapping[str, str], shell: str) -> None:
        command = {"bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"], "": ["bash", "-e"]}[shell]
        names = ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
        files_ = {name: self.place.file(name.lower()) for name in names}
        where = {k: str(v) for k, v in files_.items()}
        environment = {**self.hub.environment(self.place), **self.exported, **env, **where}
        command = [*command, str(self.place.file("step.sh", script))]
        code, made.log = execute(command, self.place.workspace, environment, self.hub.cancelled)
        made.outcome = _CANCELLED if code is None else _SUCCESS if code == 0 else _FAILURE
        made.outputs = assignments(files_["GITHUB_OUTPUT"])
        made.summary = files_["GITHUB_STEP_SUMMARY"].read_text()
        made.printed = Printed.of(made.log)
        self._limits(made)
        self.exported |= assignments(files_["GITHUB_ENV"])

    def _limits(self, made: Step) -> None:
        assert len(made.summary.encode()) <= SUMMARY, "GitHub would show no summary at all"
        for level in ("error", "warning", "notice"):
            count = sum(1 for found, _, _ in made.printed.annotations if found == level)
            assert count <= ANNOTATIONS, (
                f"{count} annotations of level {level}: GitHub drops what is over {ANNOTATIONS}"
            )
