"""The proof on a reduced universe: all topologies over two Regions, and some over three. `make prove` goes through the rest."""

import pytest

from tests.model.__main__ import every, walked
from tests.model.universe import told


@pytest.mark.parametrize("number", range(len(every(2))), ids=lambda n: told(every(2)[n]))
def test_every_pair_of_topologies_over_two_regions_is_planned_safely_or_refused_by_name(number):
    found = walked(2, number)
    assert not found.wrong, "\n".join(found.wrong[:5])
    assert found.states


@pytest.mark.parametrize("number", range(5, len(every(3)), 12), ids=lambda n: told(every(3)[n]))
def test_some_topologies_over_three_regions_are_reached_from_all(number):
    found = walked(3, number)
    assert not found.wrong, "\n".join(found.wrong[:5])
    assert found.faulted or set(found.refusals) == {"LastServingRegion"}
