"""Takes tokens: a call that finds none is refused, as AWS throttles; CloudFormation waits for one, as AWS's handlers do.

The buckets are part of the world, on the virtual clock: a reset fills them. Observers take nothing.
"""

import asyncio
import functools
import re

from ministack.core.responses import get_account_id, get_region

from local_aws.clock import CLOCK
from local_aws.gateway import error_forms
from local_aws.gateway.asgi import Answer
from local_aws.gateway.quotas import QUOTAS, Quota
from local_aws.gateway.wire import Call

_ZONE = re.compile(r"/hostedzone/([^/]+)")
Key = tuple[str, ...]
# What is left in a bucket, and when that was counted. Below zero: that many have been promised to those who wait.
buckets: dict[Key, tuple[float, float]] = {}


def refusal(call: Call) -> Answer | None:
    """The service's refusal, when a quota is used up; otherwise one token of each quota is gone."""
    zone = _ZONE.search(call.path)
    keys = _buckets(call.service, call.operation, zone[1] if zone else "")
    for key, quota in keys.items():
        if _left(key, quota) < 1:
            return error_forms.of(quota.code, quota.message, call)
    for key, quota in keys.items():
        _take(key, quota)
    return None


async def patiently(service: str, operation: str, zone: str = "") -> None:
    """Take a token that is not there yet, and wait until it is: whoever comes later waits longer."""
    keys = _buckets(service, operation, zone)
    wait = max((-_take(key, quota) / quota.per_second for key, quota in keys.items()), default=0.0)
    if wait <= 0:
        return
    try:
        await CLOCK.sleep(wait)
    except asyncio.CancelledError:
        for key, quota in keys.items():
            _take(key, quota, -1)
        raise


def _buckets(service: str, operation: str, zone: str) -> dict[Key, Quota]:
    names = {"quota": "", "operation": operation, "zone": zone}
    return {
        (get_account_id(), "" if q.everywhere else get_region(), q.service, q.operations, names[q.per]): q
        for q in _quotas(service, operation)
    }


@functools.cache
def _quotas(service: str, operation: str) -> tuple[Quota, ...]:
    return tuple(quota for quota in QUOTAS if quota.counts(service, operation))


def _left(key: Key, quota: Quota) -> float:
    now = CLOCK.now()
    left, at = buckets.get(key, (quota.burst, now))
    return min(quota.burst, left + (now - at) * quota.per_second)


def _take(key: Key, quota: Quota, tokens: float = 1) -> float:
    left = _left(key, quota) - tokens
    buckets[key] = (left, CLOCK.now())
    return left
