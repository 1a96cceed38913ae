"""Puts the extension into ministack, module by module, in a fixed order.

Each module has `install()`. Later modules wrap earlier ones, so a refusal (legality) runs before the effect it guards.
State that belongs to the world is kept in module globals with lower-case names: see `world`.
"""

from ministack import app as ministack_app

from local_aws import changesets, drift, events, global_cluster, legality, private, recovery, stacks
from local_aws.control import Control
from local_aws.resources import acm, apigateway, cloudfront, dynamodb, ec2, lambda_, logs, rds, route53, s3

MODULES = (
    stacks,
    events,
    acm,
    apigateway,
    cloudfront,
    dynamodb,
    ec2,
    lambda_,
    logs,
    rds,
    route53,
    s3,
    global_cluster,
    changesets,
    recovery,
    drift,
    legality,
)


def load() -> Control:
    """The application to serve: control endpoints in front of the extended ministack."""
    private.check()
    for module in MODULES:
        module.install()
    return Control(ministack_app.app)
