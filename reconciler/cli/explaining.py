"""`meridian explain`: what a code or a number means, and what to do. Asks nobody and loads no boto3: it has to answer at once."""

from __future__ import annotations

import click

from reconciler.cli import exits, output
from reconciler.cli.settings import Settings
from reconciler.model import messages
from reconciler.report import explained


def explain(settings: Settings, code: str | None) -> int:
    if code is None:
        every = tuple(messages.MESSAGES.values())
        output.show_all(
            settings,
            [explained.entry_json(one) for one in every],
            lambda: [explained.list_text(every, output.paint(settings))],
            lambda: [explained.page().rstrip("\n")],
        )
        return exits.DONE
    one = messages.find(code)
    if one is None:
        raise click.UsageError(_unknown(code))
    output.show_all(
        settings,
        [explained.entry_json(one)],
        lambda: [explained.entry_text(one, output.paint(settings))],
        lambda: [explained.entry_markdown(one)],
    )
    return exits.DONE


def _unknown(code: str) -> str:
    near = ", ".join(messages.near(code))
    aws = f"a code of AWS's own is explained by the documentation of its service ({messages.AWS.number})"
    return f"there is no message {code[:80]!r}; " + (f"did you mean {near}? Else " if near else "") + aws
