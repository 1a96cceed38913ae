"""What a conformance test shows about one AWS operation, and where the knowledge comes from.

    @success("route53:CreateHealthCheck", source="API reference, CreateHealthCheck [V]")
    @refusal("route53:CreateHealthCheck", "HealthCheckAlreadyExists", source="API reference [V]")
    @state("cloudfront:UpdateDistribution", "InProgress", source="aws-facts §7 [V]")
    @real("nothing: the check lives for seconds")
    def test_...(aws): ...

A test may claim several things. `operations` joins the claims with `local_aws/operations/<service>.toml`, which says what
has to be shown, and writes the table that is read. Tests without `@real` never run against a real account.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., None])
Kind = Literal["success", "refusal", "state"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    operation: str
    kind: Kind
    what: str  # the error code or the state; empty for a success
    source: str


def success(operation: str, *, source: str) -> Callable[[Test], Test]:
    """The call is accepted and does what the source says."""
    return _claiming(Claim(operation=operation, kind="success", what="", source=source))


def refusal(operation: str, code: str, *, source: str) -> Callable[[Test], Test]:
    """The call is refused with this error code; where a read shows it cheaply, the test also sees that nothing changed."""
    return _claiming(Claim(operation=operation, kind="refusal", what=code, source=source))


def state(operation: str, name: str, *, source: str) -> Callable[[Test], Test]:
    """What the call began shows this state in between, before it is done."""
    return _claiming(Claim(operation=operation, kind="state", what=name, source=source))


def real(cost: str) -> Callable[[Test], Test]:
    """The test may run against a real account; `cost` says what that costs."""
    return pytest.mark.real(cost)


def claims_of(test: object) -> tuple[Claim, ...]:
    return getattr(test, "conformance_claims", ())


def _claiming(claim: Claim) -> Callable[[Test], Test]:
    def claiming(test: Test) -> Test:
        test.conformance_claims = (claim, *claims_of(test))  # type: ignore[attr-defined]
        return test

    return claiming
