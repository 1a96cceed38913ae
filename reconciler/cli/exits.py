"""Exit codes: what each means, and which one an outcome or an error leads to."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from types import FrameType

import click

from reconciler.model.errors import InvalidDesiredState, LeaseHeld, ReconcilerError, Refused, Source
from reconciler.model.outcome import Outcome, Result
from reconciler.model.preflight import Preflight

DONE = 0
ERROR = 1
CHANGES = 2
BLOCKED = 3
INCOMPLETE = 4
PARTIAL = 5
USAGE = 64
INVALID = 65
TIMEOUT = 124
INTERRUPTED = 130
TERMINATED = 143

GRACE = 10.0
"""Seconds of wall time between being asked to stop and leaving, whatever hangs."""

_GOOD = frozenset({DONE, CHANGES})


class NotDone(ReconcilerError):
    """The command could not do what it was asked, for a reason that `code` names and whoever asked can change."""

    source = Source.USER


class Stopped(BaseException):
    """A signal asks us to stop. Not an Exception: nothing on the way may take it for a failed call and go on."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def stop_on(number: signal.Signals, code: int, reason: str) -> None:
    """Let a signal raise `Stopped`. What is cleaned up then gets a few seconds; asked twice, we go at once."""

    def leave(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
        show_cursor = "\x1b[?25h" if os.isatty(2) else ""  # the live view hides it
        _say(f"{show_cursor}\nleft at once; nothing is lost: the same command goes on\n")
        os._exit(code)

    def stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
        signal.signal(number, leave)
        signal.signal(signal.SIGALRM, leave)
        signal.setitimer(signal.ITIMER_REAL, GRACE)
        again = "; again: leave at once" if number != signal.SIGALRM else ""
        _say(f"\n{reason}: ending what is under way, {GRACE:g} s at most{again}\n")
        raise Stopped(code, reason)

    signal.signal(number, stop)


def stop_quietly() -> None:
    """For who shows something until told to stop: to be told so is no failure, and leaves nothing to be said. Once more, or with
    anything that hangs, we go at once, and give the terminal back."""

    def leave(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if os.isatty(1):
            os.write(1, b"\x1b[?1049l\x1b[?25h")
        os._exit(TERMINATED if signum == signal.SIGTERM else INTERRUPTED)

    def stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, leave)
        signal.setitimer(signal.ITIMER_REAL, GRACE)
        raise Stopped(TERMINATED if signum == signal.SIGTERM else INTERRUPTED, "told to stop")

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def stop_after(timeout: timedelta, what: str) -> None:
    """By wall time, and wherever we are then: dying at any call loses nothing."""
    stop_on(signal.SIGALRM, TIMEOUT, f"{what} after {timeout.total_seconds():g} s")
    signal.setitimer(signal.ITIMER_REAL, timeout.total_seconds())


def _say(text: str) -> None:
    """Straight to stderr: a signal may come in the middle of a print."""
    with suppress(OSError):
        os.write(2, text.encode())


def of_error(error: BaseException) -> int:
    match error:
        case Stopped():
            return error.code
        case click.ClickException():
            return USAGE
        case InvalidDesiredState():
            return INVALID
        case Refused() | LeaseHeld():
            return BLOCKED
        case _:
            return ERROR


def of_plan(outcome: Outcome, *, detailed: bool, preflight: Preflight | None = None) -> int:
    plan = outcome.plan
    if plan.refusals or (preflight and preflight.failed):
        return BLOCKED
    if outcome.result in {Result.FAILED, Result.STALLED}:
        return ERROR
    return CHANGES if detailed and (plan.changes or not plan.converged) else DONE


def of_drift(outcome: Outcome, *, detailed: bool, strict: bool) -> int:
    """Strictness comes first: findings of an incomplete look are not all there is."""
    from reconciler.report.coverage import complete

    if any(refusal.code == "WrongAccount" for refusal in outcome.plan.refusals):
        return BLOCKED
    if strict and not complete(outcome):
        return INCOMPLETE
    return CHANGES if detailed and outcome.diff.findings else DONE


def of_convergence(outcome: Outcome, *, detailed: bool) -> int:
    """Progressing and Waiting are only seen after `--once`: the pass did what it could."""
    match outcome.result:
        case Result.CONVERGED:
            return DONE
        case Result.BLOCKED | Result.SUSPENDED:
            return BLOCKED
        case Result.STALLED | Result.FAILED:
            return PARTIAL if _partial(outcome) else ERROR
        case _:
            return CHANGES if detailed else DONE


def combined(codes: Sequence[int]) -> int:
    """One code for several topologies: the common one, partial if only some went well, else an error."""
    if all(code in _GOOD for code in codes):
        return max(codes, default=DONE)
    if len(set(codes)) == 1:
        return codes[0]
    return PARTIAL if any(code in _GOOD for code in codes) else ERROR


def _partial(outcome: Outcome) -> bool:
    """Some Regions are healthy with nothing left to do for this revision, others are not."""
    from reconciler.report.regions import region_reports

    healthy = [region.health == "Healthy" for region in region_reports(outcome)]
    return any(healthy) and not all(healthy)
