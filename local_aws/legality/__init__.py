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
    functions,
    global_database,
    global_moves,
    health_checks,
    instances,
    metrics,
    names,
    network,
    policies,
    route53,
    storage,
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
    functions,
    health_checks,
    metrics,
    names,
    network,
    policies,
    route53,
    storage,
    zones,
)
PATCHED: tuple[str, ...] = tuple(name for module in MODULES for name in module.PATCHED)


def install() -> None:
    for module in MODULES:
        module.install()
