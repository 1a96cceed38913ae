"""The parts of an ARN: `arn:partition:service:region:account:resource`."""


def region_of(arn: str) -> str:
    """Empty for what is no ARN."""
    return _part(arn, 3)


def account_of(arn: str) -> str:
    """Empty for what is no ARN."""
    return _part(arn, 4)


def _part(arn: str, place: int) -> str:
    parts = arn.split(":", 5)
    return parts[place] if len(parts) == 6 and parts[0] == "arn" else ""
