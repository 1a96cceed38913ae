"""Notices: what people are told without looking, from one status document to the next.

    a pass's document ─► what holds now (matters) ─► against what was told (turning) ─► words (wording) ─► waits (ledger)

Everything is judged from the document before and the new one, so a notice is decided in the very write that makes it true. Told
once for as long as it holds, and again when it ended and came back; stalled topologies and findings that page are repeated each
day. At most `LIMIT` an hour for a topology: what is over is counted, and told in one notice.

**Delivery is at least once.** The document, under the key `notices`, holds what is to be told: it is written under the lease, in
the same conditional write as the status. Only then is it published, and only then is it taken off the document by another such
write. Whoever dies before the first write has told nobody, and the next pass sees the same change again; whoever dies after it
leaves the notice waiting, and the next pass publishes it; between the publication and the second write, it is published once more,
with the same `id`. SNS's standard topics may deliver twice by themselves, so who must not act twice looks at the id in any case.
It is made from the time of the document before and what is told of, so that two passes that start from the same document make the
same. A notice that nobody could be told of for a day is dropped, and counted: what it said is in the status.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from reconciler.model.notice import Notice
from reconciler.report.notices.ledger import LIMIT, Ledger
from reconciler.report.notices.matters import Beside, Expiring, expiring
from reconciler.report.notices.turning import turned
from reconciler.report.notices.wording import summary, worded

__all__ = ["LIMIT", "Beside", "Expiring", "expiring", "noticed", "settled", "waiting"]


def noticed(
    previous: Mapping[str, Any] | None, document: Mapping[str, Any], at: datetime, beside: Beside
) -> dict[str, Any]:
    """The new document with what it makes worth telling. `beside`: what is in no document."""
    before: Mapping[str, Any] = previous or {}
    turns, ledger = turned(before, document, Ledger.recorded(before), at, beside)
    notices = [worded(turn, before, document, at) for turn in turns]
    taken = ledger.takes(notices, at, lambda left, since: summary(before, document, at, left, since))
    return {**document, "notices": taken.document()}


def waiting(document: Mapping[str, Any]) -> tuple[Notice, ...]:
    """What is to be published now, in this order."""
    return Ledger.recorded(document).waiting


def settled(document: Mapping[str, Any], done: Collection[str], at: datetime) -> dict[str, Any]:
    """The document once the notices with these ids have been published."""
    return {**document, "notices": Ledger.recorded(document).settles(done, at).document()}
