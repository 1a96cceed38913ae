"""Aurora in one Region: clusters, instances, snapshots, parameter groups, with the time they take and what is seen meanwhile.

What spans Regions is `global_cluster`. `members` and `forwarding` look; the other modules put their part into ministack.
"""

from local_aws.resources.rds import (
    answers,
    clusters,
    deleting,
    events,
    instances,
    maintenance,
    parameters,
    snapshots,
)

_MODULES = (answers, parameters, clusters, instances, snapshots, deleting, maintenance)
PATCHED: tuple[str, ...] = tuple(name for module in (*_MODULES, events) for name in getattr(module, "PATCHED", ()))


def install() -> None:
    for module in _MODULES:
        module.install()
