"""EC2: attributes of a network that templates ask for."""

from typing import Any

from local_aws.resources.wrap import Properties, after


def _vpc(vpc_id: str, now: Properties, before: Properties | None) -> dict[str, Any]:
    return {"CidrBlock": now.get("CidrBlock")}


def install() -> None:
    after("AWS::EC2::VPC", _vpc)
