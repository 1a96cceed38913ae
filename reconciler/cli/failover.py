"""`meridian failover`: the emergency exit, for when the writer's Region is lost.

It talks to the Region that takes over and to nothing else: no lease, no desired state, no home Region, no us-east-1. Killed
anywhere and run again, it finds what was asked for and goes on.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NoReturn

from reconciler.act import Wait
from reconciler.act.failover import Move, fail_over
from reconciler.cli import exits, output
from reconciler.cli.settings import Format, Settings
from reconciler.model.errors import ReconcilerError, Refused, Retry
from reconciler.model.observed import GlobalCluster
from reconciler.model.outcome import Problem
from reconciler.model.requests import FailOver
from reconciler.observe.database import read_global
from reconciler.ports import Clock, Emergency
from reconciler.report.failover import Failover, failover_json, failover_text


def failover(settings: Settings, name: str, *, to: str, accept_data_loss: bool, timeout: timedelta) -> int:
    from reconciler import wiring

    if not accept_data_loss:
        _refuse(to)
    region, clock = wiring.emergency(to)
    exits.stop_after(timeout, f"{to} does not write yet")
    tell = output.tell if settings.format is Format.JSON else output.show
    pause = 0.2 if wiring.on_loopback() else 5.0
    run = FailingOver(name=name, to=to, region=region, clock=clock, tell=tell, sleep=lambda: time.sleep(pause))
    done = run.until_done()
    output.show(output.dumps(failover_json(done)) if settings.format is Format.JSON else f"\n{failover_text(done)}")
    return exits.DONE


def _refuse(to: str) -> NoReturn:
    raise Refused(
        f"a failover makes {to} the writer with what it has: writes that have not reached it, usually those of the last "
        "second, are lost for good. While the writer's Region works, move the writer without any loss: commit "
        f"`database.writer: {to}` and converge. If it does not work, say --accept-data-loss",
        code="DataLossNotAccepted",
        path="spec.database.writer",
    )


@dataclass(slots=True, kw_only=True)
class FailingOver:
    """One run of it. `sleep` is the pause between two looks."""

    name: str
    to: str
    region: Emergency
    clock: Clock
    tell: Callable[[str], None]
    sleep: Callable[[], None]
    asked: bool = False
    moved: bool = False
    """The writer was seen on its way."""
    said: str = ""
    entry: Failover | None = None
    account: str = ""

    def until_done(self) -> Failover:
        """Raises `ReconcilerError` where it cannot be, or when the first look already meets nobody."""
        while True:
            try:
                move = self._look()
                if move is None:
                    return self._ended("Done")
                self._make(move)
            except ReconcilerError as error:
                if self.entry is None or error.retry is Retry.NEVER:
                    if self.entry and self.entry.journal:
                        self._ended("Failed", error.message)
                    raise
                self._say(f"{error.code}: {error.message}; trying again")
            self.sleep()

    def _look(self) -> Move:
        found = self.region.global_cluster(self.name)
        group = read_global(found) if found else None
        if found and group and self.entry is None:
            self.account = found["GlobalClusterArn"].split(":")[4]
            self.entry = self._begin(group)
        member = group.member(self.to) if group else None
        cluster = self.region.cluster(member.cluster_arn.rsplit(":", 1)[1]) if member else None
        return fail_over(self.name, self.to, group, cluster)

    def _begin(self, group: GlobalCluster) -> Failover:
        state = "AlreadyWriter" if group.writer == self.to and not group.failover else "Intended"
        now = self.clock.now()
        return Failover(topology=self.name, source=group.writer, target=self.to, state=state, began=now)

    def _make(self, move: FailOver | Wait | Problem) -> None:
        match move:
            case Problem():
                raise exits.NotDone(move.message, code=move.code)
            case Wait():
                self.moved = True
                self._say(move.reason)
            case FailOver() if not self.asked:
                self._keep()
                self._say(f"asking {self.to} to take over")
                self.region.fail_over(move)
                self.asked, self.moved = True, False  # what moved before was a switchover that came to nothing
            case FailOver() if self.moved:
                raise exits.NotDone(
                    f"the failover to {self.to} ended and {self.to} does not write: see the events of RDS there, then run this "
                    "again",
                    code="FailoverFailed",
                )
            case _:
                self._say("asked; AWS has not begun yet")

    def _ended(self, state: str, reason: str = "") -> Failover:
        assert self.entry is not None
        if self.entry.state == "AlreadyWriter":
            return self.entry
        self.entry = replace(self.entry, state=state, ended=self.clock.now(), reason=reason)
        self._keep()
        return self.entry

    def _keep(self) -> None:
        """In the bucket that every Region in use has. What cannot be written down does not stop an emergency."""
        assert self.entry is not None
        bucket = f"meridian-assets-{self.account}-{self.to}"
        if self.entry.journal is None:
            key = f"failover/{self.name}/{self.entry.began:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}.json"
            self.entry = replace(self.entry, journal=f"s3://{bucket}/{key}")
        key = str(self.entry.journal).removeprefix(f"s3://{bucket}/")
        try:
            self.region.keep(bucket, key, output.dumps(failover_json(self.entry)))
        except ReconcilerError as error:
            self._say(f"{error.code}: {error.message}; this failover is not written down, and goes on")
            self.entry = replace(self.entry, journal=None)

    def _say(self, text: str) -> None:
        """Once each: polling repeats itself."""
        if text != self.said:
            self.tell(f"{self.clock.now():%H:%M:%S}  {text}")
            self.said = text
