"""What AWS refuses, one small function per rule with its source in the docstring.

Whatever the embedded AWS wrongly allows, the reconciler will wrongly do. ministack accepts almost every order of steps, so the
rules that order them stand here, in front of its calls and of its stack handlers. Installed last: a refusal comes before
the effect.
"""

from local_aws.legality import (
    apigateway,
    certificates,
    cloudfront,
    database,
    database_changes,
    database_deletion,
    database_parts,
    distributions,
    edge_functions,
    functions,
    global_database,
    global_moves,
    groups,
    health_checks,
    instances,
    keys,
    listings,
    logs,
    metrics,
    names,
    network,
    policies,
    queues,
    route53,
    secrets,
    stages,
    storage,
    topics,
    zones,
)

MODULES = (
    apigateway,
    certificates,
    cloudfront,
    database,
    database_changes,
    database_deletion,
    database_parts,
    global_database,
    global_moves,
    instances,
    edge_functions,
    functions,
    groups,
    health_checks,
    keys,
    listings,
    logs,
    metrics,
    names,
    network,
    policies,
    queues,
    route53,
    secrets,
    stages,
    storage,
    topics,
    zones,
)
PATCHED: tuple[str, ...] = tuple(name for module in (*MODULES, distributions) for name in module.PATCHED)


def install() -> None:
    for module in MODULES:
        module.install()
