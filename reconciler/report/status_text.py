"""A status document for people: on a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.report.approval import said as approved
from reconciler.report.suspension import said
from reconciler.report.words import Paint, columns, count, each_line, inert, markdown_table, one_line, plain

GOOD_WHEN_FALSE = frozenset(
    {
        *("Reconciling", "Stalled", "DriftDetected", "Blocked", "Suspended", "BundleRefused", "SourceBehind"),
        *("SelfInflictedDrift", "NeverSettles"),
    }
)
HEALTH_STYLES = {"Healthy": "good", "Progressing": "warn", "Suspended": "warn", "Degraded": "bad", "Missing": "warn"}
SHOWN_HISTORY = 5

Document = Mapping[str, Any]


def status_text(document: Document, paint: Paint = plain) -> str:
    document = inert(document)
    sections = [
        _headline(document, paint),
        _trouble(document, paint),
        _conditions(document, paint),
        _regions(document, paint),
        _findings(document, paint),
        _tombstones(document, paint),
        _history(document, paint),
        _page(document, paint),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def status_markdown(document: Document) -> str:
    document = inert(document)
    lines = [f"### {document['topology']}: {_ready(document)}", ""]
    lines += [f"> **{code}** `{where}`: {one_line(message)}" for code, where, message in _troubles(document)]
    lines += [f"> {left_alone}"] if (left_alone := said(document.get("suspension"))) else []
    lines += [f"> {word}"] if (word := approved(document.get("approval"))) else []
    rows = [(c["type"], c["status"], c["reason"], one_line(c["message"])) for c in document["conditions"]]
    lines += ["", *markdown_table(("condition", "status", "reason", "message"), rows), ""]
    lines += markdown_table(("Region", "traffic", "health", "database", "stacks"), _region_rows(document))
    lines += ["", f"Edge: {_edge(document)}", ""]
    lines += [
        f"Drift: {f['disposition']} `{f['path']}` since {f['since']}"
        for f in document.get("findings", ())
        if not f["waived"]
    ]
    lines += [f"Finishing aside: {t['region']}: {t['what']}, {_awaited(t)}" for t in document["tombstones"]]
    lines.append(f"<sub>generation {document['generation']}, revision `{document['desiredRevision']}`, ")
    lines.append(f"as of {document['updatedAt']}</sub>")
    return "\n".join(lines)


def _headline(document: Document, paint: Paint) -> list[str]:
    ready = _condition(document, "Ready")
    style = "good" if ready and ready["status"] == "True" else "warn"
    lines = [paint("bold", f"{document['topology']}: ") + paint(style, _ready(document))]
    revision = document["desiredRevision"][:12]
    seen = f"generation {document['generation']}, revision {revision}, as of {document['updatedAt']}"
    lines.append(paint("dim", seen))
    if bundle := document.get("bundle"):
        rollback = ", a rollback" if bundle["rollback"] else ""
        lines.append(
            paint("dim", f"bundle of commit {bundle['commit'][:12]} by {one_line(bundle['author'])}{rollback}")
        )
    if document["lastServingRevision"] not in {None, document["desiredRevision"]}:
        lines.append(f"last revision that served: {str(document['lastServingRevision'])[:12]}")
    return lines


def _ready(document: Document) -> str:
    ready = _condition(document, "Ready")
    if ready is None:
        return str(document["result"])
    return f"{'Ready' if ready['status'] == 'True' else 'not Ready'} ({ready['reason']})"


def _trouble(document: Document, paint: Paint) -> list[str]:
    """What is wrong and what is waited for come before everything else."""
    left_alone = said(document.get("suspension"))
    lines: list[str] = [paint("warn", left_alone)] if left_alone else []
    lines += [paint("warn", word)] if (word := approved(document.get("approval"))) else []
    for code, where, message in _troubles(document):
        lines += [paint("bad", code) + f"  {where}", *(f"  {line}" for line in message.splitlines())]
    for gate in document.get("waitingFor", ()):
        where = f" in {gate['region']}" if gate["region"] else ""
        lines.append(paint("warn", f"waiting for {gate['name']}{where}") + f": {one_line(gate['detail'])}")
    if document.get("stepsLeft"):
        cured = "once that is cured, " if document["problems"] or document["refusals"] else ""
        lines.append(f"{count(document['stepsLeft'], 'step')} left: {cured}`meridian converge` goes on")
    return lines


def _troubles(document: Document) -> Iterable[tuple[str, str, str]]:
    for problem in document.get("problems", ()):
        yield problem["code"], problem["step"], one_line(problem["message"])
    for refusal in document.get("refusals", ()):
        yield refusal["code"], refusal["path"], each_line(refusal["message"])


def _conditions(document: Document, paint: Paint) -> list[str]:
    """The message has a line of its own: it is what people read, and often long. None is said twice."""
    lines = [paint("bold", "Conditions")]
    said = {"", *(message for _, _, message in _troubles(document))}
    found = document["conditions"]
    table = columns([(c["type"], c["status"], c["reason"], "since " + c["lastTransitionTime"]) for c in found])
    for condition, line in zip(found, table, strict=True):
        lines.append(paint(_condition_style(condition), line))
        message = one_line(condition["message"])
        lines += [paint("dim", f"    {message}")] if message not in said else []
        said.add(message)
    return lines


def _condition_style(condition: Mapping[str, Any]) -> str:
    if condition["status"] == "Unknown":
        return "warn"
    wanted = "False" if condition["type"] in GOOD_WHEN_FALSE else "True"
    return "" if condition["status"] == wanted else "warn"


def _regions(document: Document, paint: Paint) -> list[str]:
    lines = [paint("bold", "Regions")]
    table = columns(_region_rows(document))
    for region, line in zip(document["regions"], table, strict=True):
        lines.append(paint(HEALTH_STYLES.get(region["health"], "warn"), line))
        why = "" if region["health"] == "Healthy" else "; ".join(c["message"] for c in region["conditions"])
        lines += [f"    {one_line(why)}"] if why else []
    return [*lines, paint("bold", "Edge"), f"  {_edge(document)}"]


def _region_rows(document: Document) -> list[tuple[str, ...]]:
    """A healthy Region's stacks are complete, which need not be said."""
    return [
        (
            r["name"],
            r["traffic"],
            r["health"],
            r["databaseRole"],
            "" if r["health"] == "Healthy" else ", ".join(f"{kind} {status}" for kind, status in r["stacks"].items()),
        )
        for r in document["regions"]
    ]


def _edge(document: Document) -> str:
    edge = document["edge"]
    if edge is None:
        return "no distribution yet"
    disabled = "" if edge.get("enabled", True) else ", disabled"
    return f"{edge['domainName'] or 'unreadable'} ({edge['distributionId']}): {edge['status']}{disabled}"


def _findings(document: Document, paint: Paint) -> list[str]:
    """Open drift, since when and by whom; `meridian drift` has the values."""
    found = document.get("findings", ())
    lines: list[str] = []
    for finding in found:
        where = f" ({finding['region']})" if finding["region"] and finding["region"] not in finding["path"] else ""
        what = "waived" if finding["waived"] else finding["disposition"]
        lines.append(f"  {what}  {finding['path']}{where}  since {finding['since']}")
        lines += [paint("dim", f"    by {one_line(finding['by'])}")] if finding["by"] else []
    return [paint("bold", "Drift"), *lines] if lines else []


def _tombstones(document: Document, paint: Paint) -> list[str]:
    """What is out of service already and takes its time."""
    lines: list[str] = []
    for stone in document["tombstones"]:
        lines.append(f"  {stone.get('subject') or stone['region']}  {stone['what']}  since {stone['since']}")
        lines.append(paint("dim", f"    {_awaited(stone)}"))
    return [paint("bold", "Finishing aside"), *lines] if lines else []


def _awaited(stone: Mapping[str, Any]) -> str:
    return f"waiting for {one_line(stone['waitingFor'])}"


def _history(document: Document, paint: Paint) -> list[str]:
    rows = [
        (
            h["last"],
            h["result"],
            f"generation {h['generation']}",
            str(h["revision"])[:12],
            count(h["passes"], "pass", "passes"),
        )
        for h in document["history"][:SHOWN_HISTORY]
    ]
    return [paint("bold", "History"), *(paint("dim", line) for line in columns(rows))] if rows else []


def _page(document: Document, paint: Paint) -> list[str]:
    report = document.get("report") or {}
    return [paint("bold", "Page, for an hour"), f"  {one_line(report['url'])}"] if report.get("url") else []


def _condition(document: Document, kind: str) -> Mapping[str, Any] | None:
    return next((c for c in document["conditions"] if c["type"] == kind), None)
