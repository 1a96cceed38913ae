"""What a runner takes from a step: the files that it writes, and the commands among what it prints."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

LEVELS = ("error", "warning", "notice")
_COMMAND = re.compile(r"\s*::(?P<name>[A-Za-z-]+)(?: (?P<properties>[^:].*?|[^:]?))?::(?P<text>.*)")


@dataclass
class Printed:
    """Commands of a log, obeyed as a runner would."""

    annotations: list[tuple[str, str, str]] = field(default_factory=list)
    """Level, properties, text."""
    others: list[str] = field(default_factory=list)
    """Names of all other commands that were obeyed: set-env and their like."""

    @staticmethod
    def of(log: str) -> Printed:
        found, word = Printed(), ""
        for line in log.splitlines():
            if word:
                word = "" if line.strip() == f"::{word}::" else word
            elif match := _COMMAND.fullmatch(line):
                if match["name"] == "stop-commands":
                    word = match["text"]
                elif match["name"] in LEVELS:
                    found.annotations.append((match["name"], match["properties"] or "", match["text"]))
                else:
                    found.others.append(match["name"])
            elif "##[" in line:  # the older spelling, which a runner looks for anywhere in a line
                found.others.append(line.strip())
        return found


def assignments(path: Path) -> dict[str, str]:
    """Of GITHUB_ENV and GITHUB_OUTPUT: `name=value`, or `name<<END`, lines, `END`."""
    found, lines = dict[str, str](), iter(path.read_text().splitlines())
    for line in lines:
        if match := re.fullmatch(r"([^=<]+)<<(.+)", line):
            value: list[str] = []
            for inner in lines:
                if inner == match[2]:
                    break
                value.append(inner)
            else:
                raise AssertionError(f"{path.name}: {match[1]} has no end {match[2]!r}")
            found[match[1]] = "\n".join(value)
        elif line:
            name, equals, value_ = line.partition("=")
            assert equals, f"{path.name}: {line!r} is no assignment"
            found[name] = value_
    return found
