"""A hosted pass tells of itself: notices to whoever subscribed, and the topology's page for whoever looks.

A journal in front of the journal. What is written down is judged for notices in that same write (`report.notices` argues why none
is lost); once the pass is over, and while its lease still holds, what waits is published and taken off the document by one more
write. A pass that found nothing new makes neither call. Whatever cannot be told is told in the log, waits for the next pass, and
fails nothing: not the write of the status, which goes before all else, and not the pass.

A command's passes do without: somebody sits in front of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.model.errors import LeaseLost, ReconcilerError, Retry
from reconciler.model.notice import Notice
from reconciler.model.topology import Topology
from reconciler.model.turn import Turn
from reconciler.ports import Clock, Journal, Lease, Notifier, Pages
from reconciler.report.notices import Beside, Expiring, noticed, settled, waiting
from reconciler.report.pages import paged

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlets:
    """`page` makes one of a status document; `untold` is told, in a line, what could not be told to others."""

    notifier: Notifier | None
    pages: Pages | None
    page: Callable[[Document, datetime], str]
    untold: Callable[[str], None]


@contextmanager
def told(telling: Announcing | None, topology: Topology, lease: Lease) -> Iterator[None]:
    """What the pass within writes down is told at its end, while the lease holds, also where a bug of ours ended it."""
    if telling is None:
        yield
        return
    telling.under(lease)
    try:
        yield
    except LeaseLost:
        raise
    except Exception:
        telling.tell(topology)
        raise
    telling.tell(topology)


class Announcing:
    """The `Journal` port. `waivers` None: the desired state is not at hand."""

    def __init__(
        self, journal: Journal, outlets: Outlets, clock: Clock, waivers: tuple[Expiring, ...] | None = None
    ) -> None:
        self._journal, self._outlets, self._clock, self._waivers = journal, outlets, clock, waivers
        self._before: Document | None = None
        self._written: Document | None = None
        self._page_due = False
        self._lease: Lease | None = None

    def recorded(self, topology: Topology) -> Document | None:
        self._before = self._journal.recorded(topology)
        return self._before

    def record(self, topology: Topology, status: Document) -> None:
        document = self._judged(status)
        self._journal.record(topology, document)
        self._before = self._written = document

    def forget(self, topology: Topology) -> None:
        self._journal.forget(topology)
        self._before = self._written = None

    def lease(self, topology: Topology, turn: Turn | None = None) -> AbstractContextManager[Lease]:
        return self._journal.lease(topology, turn)

    def under(self, lease: Lease) -> None:
        """From here on this lease is held."""
        self._lease = lease

    def tell(self, topology: Topology) -> None:
        """What was written down, to everybody outside. Raises nothing."""
        if self._written is None or not self._is_kept(topology):
            return  # without a table it would be told again and again
        self._publish_page(self._written)
        done = self._publish(waiting(self._written)) if self._outlets.notifier else []
        if not done:
            return
        try:
            self._journal.record(topology, settled(self._written, done, self._clock.now()))
        except LeaseLost:
            pass  # whoever holds it publishes them once more, under the same ids
        except Exception as error:  # noqa: BLE001  # a pass that is done is done
            self._untold("notices that were published are not written down, and will come again", error)

    def _is_kept(self, topology: Topology) -> bool:
        """Whether there is a table: a lease has a token then. Where none is held, as for a refused bundle, that is asked."""
        if self._lease is not None:
            return bool(self._lease.token)
        try:
            return self._journal.recorded(topology) is not None
        except ReconcilerError:
            return False  # it waits there

    def _judged(self, status: Document) -> Document:
        """With the page's place and what is to be told; without what cannot be judged, for nothing goes before the status."""
        document = self._tried(self._paged, status, status)
        return self._tried(self._noticed, document, {**document, "notices": (self._before or {}).get("notices")})

    def _tried(
        self, judge: Callable[[Document, datetime], Document], document: Document, otherwise: Document
    ) -> Document:
        try:
            return judge(document, self._clock.now())
        except Exception as error:  # noqa: BLE001  # a bug of ours here must not cost the status
            self._untold("what is to be told cannot be judged", error)
            return otherwise

    def _paged(self, document: Document, at: datetime) -> Document:
        if not self._outlets.pages:
            return document
        found, due = paged(self._before, document, at, self._outlets.pages.bucket)
        self._page_due = self._page_due or due
        return found

    def _noticed(self, document: Document, at: datetime) -> Document:
        if not self._outlets.notifier:
            return document
        stolen = self._lease is not None and self._lease.stolen
        return noticed(self._before, document, at, Beside(waivers=self._waivers, stolen=stolen))

    def _publish(self, notices: tuple[Notice, ...]) -> list[str]:
        """The ids of those that were. One that is refused does not keep the others; where nobody answers, none is tried."""
        done: list[str] = []
        for notice in notices:
            try:
                self._check()
                if self._outlets.notifier:
                    self._outlets.notifier.publish(notice)
                done.append(notice.id)
            except LeaseLost:
                break
            except Exception as error:  # noqa: BLE001  # it waits for the next pass
                self._untold(f"the notice {notice.id} ({notice.event}) is not published yet", error)
                if not isinstance(error, ReconcilerError) or error.retry is not Retry.NEVER:
                    break
        return done

    def _publish_page(self, document: Document) -> None:
        pages, report = self._outlets.pages, document.get("report")
        if not (pages and report and self._page_due):
            return
        try:
            page = self._outlets.page(document, self._clock.now())
            self._check()
            pages.keep(report["key"], page)
        except LeaseLost:
            pass
        except Exception as error:  # noqa: BLE001  # the next quarter of an hour has another
            self._untold("the page is not written", error)

    def _check(self) -> None:
        if self._lease is not None:
            self._lease.check()

    def _untold(self, what: str, error: Exception) -> None:
        why = f"{error.code}: {error.message}" if isinstance(error, ReconcilerError) else type(error).__name__
        self._outlets.untold(f"{what}: {why}")
