"""STS: who is calling."""

from __future__ import annotations

import re

from tests.contract.conformance.claims import real, success
from tests.contract.conformance.conftest import Target


@success("sts:GetCallerIdentity", source="API reference, GetCallerIdentity [V]")
@real("nothing")
def test_a_caller_learns_its_account(aws: Target) -> None:
    answer = aws.client("sts").get_caller_identity()
    assert re.fullmatch(r"\d{12}", answer["Account"])
    assert re.fullmatch(rf"arn:aws:(iam|sts)::{answer['Account']}:.+", answer["Arn"])
