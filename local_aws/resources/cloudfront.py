"""CloudFront: a distribution that takes minutes to reach the edge, with the members that a template may leave out."""

import copy
from typing import Any

from ministack.services import cloudfront

from local_aws import durations, stacks, states
from local_aws.resources.wrap import Properties, after, around

_CUSTOM_ORIGIN = {"HTTPPort": 80, "HTTPSPort": 443, "OriginReadTimeout": 30, "OriginKeepaliveTimeout": 5}


def _config_xml(stock, config: dict[str, Any]):
    """CloudFront fills these in; without them boto3 cannot send back what it was given."""
    config = copy.deepcopy(config)
    for origin in config.get("Origins") or []:
        if "CustomOriginConfig" in origin:
            origin["CustomOriginConfig"] = {**_CUSTOM_ORIGIN, **origin["CustomOriginConfig"]}
    return stock(config)


def _in_progress(distribution: dict[str, Any], seconds: float) -> None:
    states.hold(distribution, "Status", "InProgress", "Deployed", seconds)


def _distribution(distribution_id: str, now: Properties, before: Properties | None) -> None:
    """Whatever changed, the whole configuration was sent."""
    seconds = durations.DISTRIBUTION_CREATE if before is None else durations.DISTRIBUTION_UPDATE
    _in_progress(cloudfront._distributions[distribution_id], seconds)


def _create(stock, headers, body) -> tuple:
    known = set(cloudfront._distributions)
    answer = stock(headers, body)
    for distribution_id in set(cloudfront._distributions) - known:
        distribution = cloudfront._distributions[distribution_id]
        _in_progress(distribution, durations.DISTRIBUTION_CREATE)
        answer = (*answer[:2], _xml(distribution))
    return answer


def _update(stock, distribution_id, headers, body) -> tuple:
    answer = stock(distribution_id, headers, body)
    if answer[0] < 300:
        distribution = cloudfront._distributions[distribution_id]
        _in_progress(distribution, durations.DISTRIBUTION_UPDATE)
        answer = (*answer[:2], _xml(distribution))
    return answer


def _xml(distribution: dict[str, Any]) -> bytes:
    return cloudfront._xml_response(
        "Distribution", lambda root: cloudfront._build_distribution_xml(root, distribution)
    )[2]


def _deployed(distribution_id: str, _: dict) -> bool:
    distribution = cloudfront._distributions.get(distribution_id)
    if distribution is None:
        raise ValueError(f"distribution {distribution_id} was deleted while the stack waited for it")
    return distribution["Status"] == "Deployed"


def _disabling(distribution_id: str):
    """A stack disables a distribution and waits before it deletes it."""
    distribution = cloudfront._distributions.get(distribution_id)
    if distribution is None:
        return None
    shown = {"Status": distribution["Status"], "enabled": distribution["enabled"]}
    distribution.update(Status="InProgress", enabled=False)
    return lambda: distribution.update(shown)


def install() -> None:
    around(cloudfront, "_distribution_config_xml", _config_xml)
    around(cloudfront, "_create_distribution", _create)
    around(cloudfront, "_update_distribution", _update)
    after("AWS::CloudFront::Distribution", _distribution)
    states.settles("AWS::CloudFront::Distribution", _deployed)
    stacks.shows_deleting("AWS::CloudFront::Distribution", _disabling)
