"""Rules: what is refused, each by name, with the field that asks for it and the way out.

One refusal is enough to leave everything alone: there is never a partial plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reconciler.model.plan import Goal, Refusal
from reconciler.plan.rules import asked, standing
from reconciler.plan.scene import Scene

Rule = Callable[[Scene], Iterator[Refusal]]

RULES: tuple[Rule, ...] = (
    standing.account_matches,
    standing.not_being_destroyed,
    standing.zone_is_ours,
    standing.names_are_free,
    standing.home_region_stays,
    standing.data_stacks_stay,
    standing.nothing_half_deleted_is_finished_off,
    standing.hands_are_left_alone,
    standing.the_heir_can_inherit,
    standing.members_run_what_joins,
    standing.an_empty_global_cluster_keeps_its_version,
    standing.gates_stay,
    asked.nothing_is_replaced,
    asked.enough_regions_serve,
    asked.the_rest_carries_the_load,
    asked.the_writer_has_a_successor,
    asked.no_data_is_lost,
    asked.the_engine_goes_up_alone,
)


def refusals(scene: Scene) -> tuple[Refusal, ...]:
    """Every rule's refusals, each once; a wrong account alone when that is what it is: nothing else seen there is ours.

    Destroying asks nothing of what the document wants: only whose account it is.
    """
    wrong = tuple(standing.account_matches(scene))
    rules = () if wrong or scene.goal is Goal.DESTROY else RULES
    return wrong or tuple(dict.fromkeys(r for rule in rules for r in rule(scene)))
