"""I1 to I21: what holds in every state that a plan passes through, whatever becomes of a step (design.md, aws-facts §8.0)."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.plan.rules import database, traffic
from reconciler.plan.rules.moment import Invariant, Moment, Predicate


def _state(name: str, broken: Predicate) -> Invariant:
    return Invariant(name=name, broken=broken, of_step=False)


def _step(name: str, broken: Predicate) -> Invariant:
    return Invariant(name=name, broken=broken, of_step=True)


INVARIANTS: tuple[Invariant, ...] = (
    _state("I1 enough Regions serve", traffic.enough_regions_serve),
    _state("I2 every answer leads to an API", traffic.records_lead_somewhere),
    _state("I3 an open Region has both records", traffic.open_regions_have_both_records),
    _step("I4 the writer is never taken away", database.writer_stays),
    _step("I5 one writer, at rest", database.one_writer_at_rest),
    _step("I6 the writer moves to an equal", database.writer_moves_to_an_equal),
    _step("I7 cut off before detached", database.cut_off_before_detached),
    _step("I8 drained before deleted", traffic.drained_before_deleted),
    _state("I9 the domain leads to the edge", traffic.domain_leads_to_the_edge),
    _state("I10 the origin resolves", traffic.origin_resolves),
    _step("I11 certificates outlive their use", traffic.certificates_outlive_their_use),
    _step("I12 used versions stay", traffic.used_versions_stay),
    _step("I13 credentials survive", database.credentials_survive),
    _state("I14 membership is never lost", database.membership_is_never_lost),
    _step("I15 proven before the next", traffic.proven_before_the_next),
    _state("I16 few leave at once", traffic.few_leave_at_once),
    _step("I17 no loss without a word", database.no_loss_without_word),
    _step("I18 moved only as observed", traffic.moved_only_as_observed),
    _state("I19 data goes only where told", database.data_goes_only_where_told),
    _step("I20 nothing is done blindly", traffic.nothing_is_done_blindly),
    _step("I21 the schema comes first", database.schema_first),
)
OF_STATES = tuple(i for i in INVARIANTS if not i.of_step)


def violations(moment: Moment, invariants: tuple[Invariant, ...] = INVARIANTS) -> Iterator[str]:
    """Each as a sentence that begins with the invariant's name."""
    who = f"{moment.outcome} {moment.step.id}".lstrip() if moment.step else "meeting the gates"
    for invariant in invariants:
        for wrong in invariant.broken(moment):
            yield f"{invariant.name}: {who} {wrong}"
