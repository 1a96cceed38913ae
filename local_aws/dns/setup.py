"""Puts the name servers into the extension."""

from local_aws.dns import addresses, answering, published, questions, server
from local_aws.gateway import control
from local_aws.health_checks import calling, health, probing

PATCHED: tuple[str, ...] = tuple(
    name for module in (addresses, answering, published, questions, probing, calling) for name in module.PATCHED
)


def install() -> None:
    addresses.install()
    published.install()
    questions.install(health.in_dns)
    server.install(health.in_dns)
    control.RESTED.append(calling.CALLER.rest)
