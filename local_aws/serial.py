"""Calls take effect one at a time, on the event loop, like the stack operations that run there.

ministack answers most services so, but hands RDS and some EC2 calls to threads, because its databases may start containers. Two
calls could then both find a name free, and a call could see a stack's half-made record. Ours starts no containers.
"""

from collections.abc import Callable
from typing import Any

from ministack.services import ec2, rds


async def _here(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    return function(*args, **options)


def install() -> None:
    rds.run_offloop = _here
    ec2.run_offloop = _here
