"""What hosted passes tell each other through the status: the run they belong to, and attempts that failed.

It decides two things about a pass: whether it holds back, for what it would try failed often enough, and what it came to once that
is counted in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from reconciler.model.attempts import Attempts, Cause
from reconciler.model.errors import ReconcilerError, Retry
from reconciler.model.observed import known
from reconciler.model.outcome import Outcome, Problem, Result
from reconciler.model.run import Run

ENDS = frozenset({Result.CONVERGED, Result.BLOCKED, Result.FAILED, Result.STALLED, Result.SUSPENDED})
"""Results with which a run is over."""


@dataclass(slots=True, kw_only=True)
class Memory:
    digest: str
    run: Run
    attempts: Attempts
    over: bool = False

    @classmethod
    def recorded(cls, document: Mapping[str, Any] | None, digest: str) -> Memory:
        return cls(digest=digest, run=Run.recorded(document, digest), attempts=Attempts.recorded(document))

    def document(self) -> dict[str, Any]:
        return {
            "run": None if self.over else self.run.document(self.digest),
            "attempts": self.attempts.document(),
        }

    def holds_back(self, seen: Outcome) -> Problem | None:
        """The reason, if nothing is to be tried in this pass."""
        cause = self.attempts.cause
        if cause is None or not self.attempts.holds(self._situation(seen, (cause,)), seen.observed.at):
            return None
        return _stalled(self.attempts)

    def after(self, outcome: Outcome) -> Outcome:
        """The outcome with this pass counted in. What fails aside is tried for ever, and what is refused was not tried."""
        causes = tuple(
            Cause(code=p.code, step=p.step, message=p.message, passes=p.retry) for p in outcome.problems if _tried(p)
        )
        if outcome.result is Result.CONVERGED:
            self.attempts = Attempts()
        elif outcome.plan.converged or outcome.plan.refusals or outcome.result is Result.BLOCKED:
            pass
        elif causes:
            known = self.attempts.failed(self.digest, outcome.plan.fingerprint, causes, "", outcome.observed.at)
            assert known.cause is not None
            self.attempts = replace(known, situation=self._situation(outcome, (known.cause,)))
            if self.attempts.stalled:
                stalled = _stalled(self.attempts)
                outcome = replace(outcome, result=Result.STALLED, problems=(*outcome.problems, stalled))
        elif outcome.result in {Result.PROGRESSING, Result.WAITING}:
            self.attempts = self.attempts.went_well()
        self.over = outcome.result in ENDS
        return outcome

    def after_error(self, error: Exception, at: datetime) -> Problem:
        """A pass that could not even come to an end is an attempt, too. Nothing of it was planned, so only its words tell it from
        others."""
        ours = isinstance(error, ReconcilerError)
        code = error.code if isinstance(error, ReconcilerError) else type(error).__name__
        text = error.message if isinstance(error, ReconcilerError) else f"{type(error).__name__}: {error}"
        passes = isinstance(error, ReconcilerError) and error.retry is not Retry.NEVER
        cause = Cause(code=code if ours else "UnexpectedError", step="pass", message=text[:1000], passes=passes)
        self.attempts = self.attempts.failed(self.digest, "", (cause,), "", at)
        self.over = self.attempts.stalled
        return _stalled(self.attempts) if self.attempts.stalled else _problem(cause)

    def _situation(self, outcome: Outcome, causes: tuple[Cause, ...]) -> str:
        steps = {s.id: s.stack for s in outcome.plan.steps if s.stack}
        states = [
            f"{state.ref} {state.status} {state.changed_at.isoformat()}"
            for cause in causes
            if (ref := steps.get(cause.step)) and (state := known(outcome.observed.stacks.get(ref)))
        ]
        text = json.dumps([self.digest, outcome.plan.fingerprint, states])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _tried(problem: Problem) -> bool:
    return problem.code not in {"Stalled", "RolloutFailed"}


def _problem(cause: Cause) -> Problem:
    return Problem(code=cause.code, step=cause.step, message=cause.message, retry=cause.passes)


def _stalled(attempts: Attempts) -> Problem:
    cause = attempts.cause
    assert cause is not None
    message = (
        f"{cause.code}, {attempts.times} times: {cause.message}; nothing is tried again until a commit, or what is seen of AWS, "
        "changes; what cannot be seen, such as a right, is tried out now and then"
    )
    return Problem(code="Stalled", step=cause.step, message=message)
