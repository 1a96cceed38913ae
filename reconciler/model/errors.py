"""Errors that cross stages: each says whose turn it is and whether trying again can help.

Raise the subclass; the SDK's or library's own error goes along as the cause (`raise Throttled(...) from error`).
Messages are lower case, without a full stop, and name the wrong value and the way out. Waiting is no error.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Source(StrEnum):
    """Who has to act."""

    USER = "user"
    CLOUD = "cloud"
    BUG = "bug"


class Retry(StrEnum):
    """Whether the same request can succeed later: never until something else changes, after a while, or at once."""

    NEVER = "never"
    AFTER = "after"
    NOW = "now"


class ReconcilerError(Exception):
    """Base of all. `code` is PascalCase and stable; it is the class name unless the raiser gives a narrower one."""

    source: ClassVar[Source] = Source.BUG
    retry: ClassVar[Retry] = Retry.NEVER

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).__name__


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in the desired state; lines and columns count from 1, a whole file is 1:1."""

    file: str
    line: int
    column: int
    path: str
    """Dotted path of the field, such as `spec.regions[1].cidr`; empty for a whole file or document."""
    code: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class InvalidDesiredState(ReconcilerError):
    """The YAML cannot be used. Carries every problem, sorted by place; printing it gives one line each."""

    source = Source.USER

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Refused(ReconcilerError):
    """A safety rule says no; `code` names the rule, `path` the field of the desired state that asks for it, if one does."""

    source = Source.USER

    def __init__(self, message: str, *, code: str | None = None, path: str = "") -> None:
        super().__init__(message, code=code)
        self.path = path


class UnsafePlan(Refused):
    """No order of steps reaches the desired state without breaking an invariant."""


class WrongAccount(Refused):
    """The credentials belong to another account than `spec.account`."""


class CredentialsMissing(ReconcilerError):
    """No usable AWS credentials were found."""

    source = Source.USER


class AccessDenied(ReconcilerError):
    """The credentials may not do this; the message names the action, the Region and the identity."""

    source = Source.USER


class DeploymentFailed(ReconcilerError):
    """A stack failed or rolled back; the message names its first failed resource and the reason AWS gave."""

    source = Source.USER


class CloudUnavailable(ReconcilerError):
    """AWS, one of its services or the way to it is down."""

    source = Source.CLOUD
    retry = Retry.AFTER


class Throttled(CloudUnavailable):
    """AWS asks to slow down, and went on asking after the client's own retries."""


class Unanswered(CloudUnavailable):
    """AWS took a call, and did not say what became of it: it may have been carried out."""


class OperationInProgress(ReconcilerError):
    """AWS is still busy with an earlier operation on the same thing."""

    source = Source.CLOUD
    retry = Retry.AFTER


class LeaseHeld(ReconcilerError):
    """Another pass that is alive works on this topology."""

    source = Source.USER
    retry = Retry.AFTER
    marked: bool = False
    """The lease's item says now that somebody asked, and which timer asks again: it is ours to send."""


class StaleTimer(ReconcilerError):
    """A copy of a timer that was acted upon, or one that a later pass made idle: nothing is to be done."""

    source = Source.CLOUD


class LeaseLost(ReconcilerError):
    """Our lease was taken over while we worked: stop, whoever holds it now goes on."""

    source = Source.CLOUD
    retry = Retry.AFTER


class GaveWay(ReconcilerError):
    """A scheduled sweep stopped reading, for somebody asked for a pass: that one goes first."""

    source = Source.CLOUD
    retry = Retry.NOW


class NotDeployed(ReconcilerError):
    """What this needs is made by a first deployment, which has not been."""

    source = Source.USER


class StalePlan(ReconcilerError):
    """What the plan was made from has moved; plan again."""

    source = Source.CLOUD
    retry = Retry.NOW


class InvariantViolated(ReconcilerError):
    """A plan of ours would break, or broke, an invariant: our bug; a person must look."""
