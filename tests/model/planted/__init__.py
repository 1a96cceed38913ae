"""Bugs to plant into the product, each with the scenario that it is let loose on and the property that catches it."""

from tests.model.planted.database import DATABASE
from tests.model.planted.decisions import DECISIONS
from tests.model.planted.joining import JOINING
from tests.model.planted.lies import LIES
from tests.model.planted.tools import Bug
from tests.model.planted.traffic import TRAFFIC

__all__ = ["BUGS", "Bug"]
BUGS = (*TRAFFIC, *DATABASE, *JOINING, *DECISIONS, *LIES)
