"""Rules: `refusals` says what is not done and why, `invariants` what holds in every state that a plan passes through."""

from reconciler.plan.rules.invariants import INVARIANTS, OF_STATES, violations
from reconciler.plan.rules.moment import Invariant, Moment, moment
from reconciler.plan.rules.refusals import refusals

__all__ = ["INVARIANTS", "OF_STATES", "Invariant", "Moment", "moment", "refusals", "violations"]
