"""Creating, changing and deleting the global cluster itself, with the time that takes. Its name has no case [V]."""

from typing import Any

from ministack.services import rds

from local_aws import durations, states
from local_aws.clock import CLOCK
from local_aws.global_cluster.shown import answer
from local_aws.resources.rds import upgrades
from local_aws.resources.rds.members import clusters_of
from local_aws.resources.wrap import around

Record = dict[str, Any]


def _without_case(request: Record) -> Record:
    """ "This parameter isn't case-sensitive", and it is stored in lower case [V]."""
    names = ("GlobalClusterIdentifier", "NewGlobalClusterIdentifier")
    return {**request, **{key: [rds._p(request, key).lower()] for key in names if rds._p(request, key)}}


def _create(stock: Any, request: Record) -> Any:
    request = _without_case(request)
    response = stock(request)
    group = rds._global_clusters.get(rds._p(request, "GlobalClusterIdentifier"))
    if response[0] != 200 or group is None:
        return response
    for source in clusters_of(group):  # [V] what its source has, it has
        group.update(StorageEncrypted=source["StorageEncrypted"], DatabaseName=source.get("DatabaseName") or "")
    states.hold(group, "Status", "creating", "available", durations.GLOBAL_CREATE)
    return answer("CreateGlobalCluster", group)


def _modify(stock: Any, request: Record) -> Any:
    """A rename moves the writer endpoint; a version is a major upgrade of every member."""
    request = _without_case(request)
    group = rds._resolve_global_cluster(rds._p(request, "GlobalClusterIdentifier"))
    version = rds._p(request, "EngineVersion")
    response = stock({key: value for key, value in request.items() if key != "EngineVersion"})
    if response[0] >= 300 or group is None:
        return response
    if version and version != group["EngineVersion"]:
        upgrades.major(group, version)
    else:
        states.hold(group, "Status", "modifying", "available", durations.GLOBAL_MODIFY)
    return answer("ModifyGlobalCluster", group)


def _delete(stock: Any, request: Record) -> Any:
    group = rds._resolve_global_cluster(rds._p(request, "GlobalClusterIdentifier"))
    response = stock(request)
    if response[0] >= 300 or group is None:
        return response
    name = group["GlobalClusterIdentifier"]
    rds._global_clusters[name] = group
    states.release(group, "Status")

    def gone() -> None:
        if rds._global_clusters.get(name) is group:
            rds._global_clusters.pop(name)
        states.changed()

    CLOCK.later(durations.GLOBAL_DELETE, gone)
    return answer("DeleteGlobalCluster", group)


def _resolve(stock: Any, name: Any) -> Any:
    return stock(name.lower() if isinstance(name, str) else name)


def install() -> None:
    around(rds, "_resolve_global_cluster", _resolve)
    around(rds, "_create_global_cluster", _create)
    around(rds, "_modify_global_cluster", _modify)
    around(rds, "_delete_global_cluster", _delete)
