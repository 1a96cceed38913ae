"""How a check says what it found."""

from __future__ import annotations

from reconciler.model.observed import Unknown
from reconciler.model.preflight import Check, Verdict


def passed(code: str, subject: str, region: str | None, detail: str) -> Check:
    return Check(code=code, subject=subject, region=region, verdict=Verdict.PASSED, detail=detail)


def failed(code: str, subject: str, region: str | None, detail: str, way_out: str) -> Check:
    return Check(code=code, subject=subject, region=region, verdict=Verdict.FAILED, detail=detail, way_out=way_out)


def warned(code: str, subject: str, region: str | None, detail: str, way_out: str) -> Check:
    return Check(code=code, subject=subject, region=region, verdict=Verdict.WARNED, detail=detail, way_out=way_out)


def unread(code: str, subject: str, region: str | None, why: Unknown, *actions: str) -> Check:
    """It could not be read; `actions` are the rights that reading it takes."""
    way_out = f"allow {' and '.join(actions)}, then plan again" if why.denied and actions else "plan again"
    return Check(
        code=code, subject=subject, region=region, verdict=Verdict.UNKNOWN, detail=f"not known: {why}", way_out=way_out
    )
