"""Places whose code is made elsewhere, and so found there, each with the reason; and tables whose constants are codes.

An entry that nothing uses any more fails the test.
"""

from __future__ import annotations

AWS = "AWS's own code, or the library's: `RequestRefused` stands for all of them"
ERROR = "of an error, whose class or raiser gives it"
PROBLEM = "of a problem or refusal, found where that is made"
READ = "written by one of us before, and read again"
R = "reconciler/"
PASSED_ON: dict[tuple[str, str], str] = {
    (R + "aws/failures.py", "code(error)"): AWS,
    (R + "aws/templates.py", "str(said.get('code', 'SynthesisFailed'))"): "of the function synth, which is ours",
    (R + "aws/issuer.py", "error.code"): PROBLEM,
    (R + "cli/bootstrap_run.py", "move.code"): PROBLEM,
    (R + "cli/bundling.py", "refusal.code"): PROBLEM,
    (R + "cli/failover.py", "move.code"): PROBLEM,
    (R + "cli/github/converge.py", "error.code"): ERROR,
    (R + "cli/github/drift.py", "c['reason']"): READ,
    (R + "cli/github/drift.py", "c['type']"): READ,
    (R + "cli/logs.py", "code_of(outcome)"): "the first refusal's or problem's, else the result",
    (R + "deliveries.py", "error.code"): ERROR,
    (R + "deliveries.py", "received.code"): PROBLEM,
    (R + "drive.py", "error.code"): ERROR,
    (R + "hosted.py", "again.code"): "of what ended the pass",
    (R + "hosted.py", "code_of(outcome)"): "the first refusal's or problem's, else the result",
    (R + "hosted.py", "error.code"): ERROR,
    (R + "hosted.py", "problem.code"): PROBLEM,
    (R + "load/bundle.py", "error.code"): ERROR,
    (R + "load/document.py", "finding.code"): PROBLEM,
    (R + "load/files.py", "bad.code"): PROBLEM,
    (R + "load/folders.py", "wrong[0]"): "of `problem`, see NAMED",
    (R + "load/schema.py", "_SAYINGS[keyword][0]"): "of `_SAYINGS`, see NAMED",
    (R + "load/together.py", "code"): "of `_UNIQUE`, see NAMED",
    (R + "load/yaml_text.py", "refused.code"): PROBLEM,
    (R + "model/attempts.py", "str(cause['code'])"): READ,
    (R + "model/memory.py", "cause.code"): PROBLEM,
    (R + "model/memory.py", "error.code"): ERROR,
    (R + "model/memory.py", "p.code"): PROBLEM,
    (
        R + "model/memory.py",
        "type(error).__name__",
    ): "only of our errors, which have a code; others are `UnexpectedError`",
    (R + "receiving.py", "error.code"): ERROR,
    (R + "report/conditions.py", "kinds.get(outcome.result)"): "of `_passing`, see NAMED",
    (R + "report/conditions.py", "next((p.code for p in outcome.problems), '')"): PROBLEM,
    (R + "report/conditions.py", "next((r.code for r in outcome.plan.refusals), '')"): PROBLEM,
    (R + "report/conditions.py", "serving[0]"): "the condition Serving again",
    (R + "report/conditions.py", "serving[2]"): "its reason",
    (R + "report/conditions.py", "source.refused.code"): PROBLEM,
    (R + "report/conditions.py", "str"): "a type, no code",
    (R + "report/conditions.py", "str(outcome.result)"): "a `Result`, see NAMED",
    (R + "report/conditions.py", "str(worst.disposition).capitalize()"): "a `Disposition`",
    (R + "report/html/records.py", "reading.name(c.get('reason'))"): READ,
    (R + "report/metrics.py", "why.code"): ERROR,
    (R + "report/metrics.py", "disposition.capitalize()"): "a `Disposition`",
    (R + "report/status.py", "problem.code"): PROBLEM,
    (R + "report/status.py", "region.health"): "of `report/regions.py`, see NAMED",
    ("handlers/synth/app.py", "error.code"): ERROR,
}
NAMED: tuple[tuple[str, str], ...] = (
    (R + "model/archive.py", "BadArchive"),
    (R + "load/folders.py", "problem"),
    (R + "load/schema.py", "_SAYINGS"),
    (R + "load/together.py", "_UNIQUE"),
    (R + "model/outcome.py", "Result"),
    (R + "report/conditions.py", "_in_vain"),
    (R + "report/conditions.py", "_passing"),
    (R + "report/regions.py", "_degraded"),
    (R + "report/regions.py", "_health"),
    (R + "report/regions.py", "_progress"),
)
"""Functions and tables by module: every constant in them that has the form of a code is one, but for these."""
NO_CODES = frozenset({"True", "False", "Length", "Items"})
