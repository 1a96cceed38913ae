"""Puts the extension into ministack, module by module, in a fixed order.

Each module has `install()`. Later modules wrap earlier ones, so a refusal (legality) runs before the effect it guards.
State that belongs to the world is kept in module globals with lower-case names: see `world`.
"""

from ministack import app as ministack_app
from ministack.core import sigv4

from local_aws import clock, drift, global_cluster, legality, private, serial, stacks
from local_aws.change_sets import changesets, early
from local_aws.dns import setup as dns
from local_aws.edge import endpoints, sandboxes
from local_aws.edge import serving as edge
from local_aws.events import alarms, measures, objects, rules
from local_aws.functions import (
    asynchronous,
    batches,
    duplicates,
    image_functions,
    invoking,
    mappings,
    output,
    packages,
    polling,
    sandbox,
)
from local_aws.gateway import stale, trail_lookup
from local_aws.gateway.control import Control
from local_aws.health_checks import health, usage
from local_aws.iam import enforcement
from local_aws.postgres import setup as postgres
from local_aws.resources import (
    account_limits,
    account_regions,
    acm,
    apigateway,
    cloudfront,
    cloudtrail,
    cloudwatch,
    deployed,
    dynamodb,
    ec2,
    environments,
    identity_providers,
    interfaces,
    lambda_,
    logs,
    rds,
    route53,
    s3,
    service_quotas,
    sns,
    tagging,
    zones,
)
from local_aws.stack_calls import calls, direct
from local_aws.stacks import events, recovery

MODULES = (
    serial,
    stacks,
    events,
    account_limits,
    account_regions,
    acm,
    apigateway,
    cloudfront,
    cloudtrail,
    cloudwatch,
    deployed,
    dynamodb,
    ec2,
    environments,
    sandbox,
    packages,
    output,
    image_functions,
    invoking,
    asynchronous,
    batches,
    duplicates,
    mappings,
    polling,
    rules,
    objects,
    measures,
    alarms,
    identity_providers,
    interfaces,
    lambda_,
    logs,
    rds,
    route53,
    s3,
    service_quotas,
    sns,
    tagging,
    zones,
    global_cluster,
    direct,
    changesets,
    recovery,
    drift,
    early,
    calls,
    dns,
    postgres,
    sandboxes,
    edge,
    endpoints,
    health,
    legality,
    stale,
    trail_lookup,
    enforcement,
    usage,
)


def load() -> Control:
    """The application to serve: control endpoints in front of the extended ministack."""
    private.check(name for module in MODULES for name in getattr(module, "PATCHED", ()))
    sigv4.dt = clock.wall_clock_module()  # clients sign, and let signed addresses expire, by their own clock
    for module in MODULES:
        module.install()
    return Control(ministack_app.app)
