"""Runs work in dependency order, as much of it at once as the order allows."""

import asyncio
from collections.abc import Awaitable, Callable


async def run(
    needs: dict[str, set[str]], work: Callable[[str], Awaitable[None]], *, stop: asyncio.Future | None
) -> dict[str, BaseException]:
    """Each name starts when all names it needs are done; returns the failures.

    With `stop` given, the first failure, or `stop` itself, cancels the rest; else a failure holds back only what needs it.
    """
    waiting = {name: set(required) for name, required in needs.items()}
    running: dict[asyncio.Task[None], str] = {}
    failures: dict[str, BaseException] = {}
    try:
        while True:
            for name in [n for n, required in waiting.items() if not required]:
                waiting.pop(name)
                running[asyncio.ensure_future(work(name))] = name
            if not running:
                return failures
            done, _ = await asyncio.wait({*running, *([stop] if stop else [])}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stop}:
                name = running.pop(task)
                if error := task.exception():
                    failures[name] = error
                else:
                    waiting = {n: required - {name} for n, required in waiting.items()}
            if stop and (failures or stop in done):
                return failures
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
