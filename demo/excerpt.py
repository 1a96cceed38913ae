"""`python -m demo.excerpt`: puts the transcript of the last `make demo` into the README, between its two marks."""

from __future__ import annotations

import re

from demo.stage import FOLDER, ROOT

BEGIN, END = "<!-- demo output: begin.", "<!-- demo output: end -->"


def main() -> None:
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    transcript = (FOLDER / "transcript.txt").read_text(encoding="utf-8")
    head, rest = text.split(BEGIN, 1)
    mark, rest = rest.split("-->", 1)
    readme.write_text(
        head + BEGIN + mark + "-->\n" + excerpt(transcript) + END + rest.split(END, 1)[1], encoding="utf-8"
    )


def excerpt(transcript: str) -> str:
    """The summary first; then each act, folded."""
    _, *parts = re.split(r"^── (.+?) ─+\n", transcript, flags=re.MULTILINE)
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    summary = sections.pop("Summary")
    folded = (
        f"<details><summary>{title}</summary>\n\n{_block(body)}\n</details>\n" for title, body in sections.items()
    )
    return f"{_block(summary)}\n" + "".join(folded)


def _block(text: str) -> str:
    """In a fence that is longer than any in it: a plan in Markdown has some of its own."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`{3,}", text)), 3)
    return f"{fence}text\n{text.strip(chr(10))}\n{fence}\n"


if __name__ == "__main__":
    main()
