"""What is always so (roles must exist, and be seen, before they are assumed), and what comes with `--iam`.

ministack verifies signatures and evaluates policies when the environment says AUTH=true as it is imported; `server` sets
that. These modules correct it (`credentials`, `evaluation`, `requests`), and enforce what it does not know: further
resources, passing roles (`calls`), objects that are not there (`objects`), the rights of a stack (`service_role`,
`stack_rights`, `permissions`), of an API's callers (`invoking`) and of events (`delivery`).
"""

from ministack import app

from local_aws.iam import (
    assuming,
    calls,
    consistency,
    credentials,
    delivery,
    encrypted,
    evaluation,
    gateway_paths,
    invoking,
    objects,
    permissions,
    reference,
    requests,
    service_role,
    stack_rights,
    trust,
)

_ALWAYS = (consistency, assuming, service_role)
_ENFORCING = (credentials, evaluation, requests, calls, stack_rights, invoking, delivery, encrypted, objects)
PATCHED: tuple[str, ...] = tuple(
    name for module in (*_ALWAYS, *_ENFORCING, gateway_paths, permissions, reference, trust) for name in module.PATCHED
)


def enforced() -> bool:
    return bool(app.AUTH)


def install() -> None:
    for module in _ALWAYS:
        module.install()
    if enforced():
        assuming.enforce()
        for module in _ENFORCING:
            module.install()
