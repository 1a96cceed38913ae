"""CloudFront: a distribution that takes minutes to reach the edge, with the members that a template may leave out; aliases that
move from one distribution to another; reads that may still see what was before an update.
"""

import copy
import re
from typing import Any

from ministack.services import cloudfront

from local_aws import durations, stacks, states
from local_aws.clock import CLOCK
from local_aws.resources import cloudfront_spelling
from local_aws.resources.wrap import Properties, after, around

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudfront._ensure_distribution_config_sdk_compat",
    "ministack.services.cloudfront._error",
    "ministack.services.cloudfront._get_distribution",
    "ministack.services.cloudfront._get_distribution_aliases",
    "ministack.services.cloudfront._get_distribution_config",
    "ministack.services.cloudfront._now_iso",
    "ministack.services.cloudfront._set_distribution_aliases",
    "ministack.services.cloudfront._update_domain_association",
    "ministack.services.cloudfront._value_contains",
)
_CUSTOM_ORIGIN = {"HTTPPort": 80, "HTTPSPort": 443, "OriginReadTimeout": 30, "OriginKeepaliveTimeout": 5}


def _config_xml(stock, config: dict[str, Any]):
    """CloudFront fills these in; without them boto3 cannot send back what it was given."""
    config = copy.deepcopy(config)
    for origin in config.get("Origins") or []:
        if "CustomOriginConfig" in origin:
            origin["CustomOriginConfig"] = {**_CUSTOM_ORIGIN, **origin["CustomOriginConfig"]}
    return stock(config)


def _compatible(stock, config) -> None:
    """What every read of a configuration goes through."""
    stock(config)
    cloudfront_spelling.spell(config)


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


# --- aliases that move ----------------------------------------------------------------------------------------------------------


def _move_by_association(stock, headers, body) -> tuple:
    """UpdateDomainAssociation reaches the edge as any update does, at both ends."""
    etags = {d["Id"]: d["ETag"] for d in cloudfront._distributions.values()}
    answer = stock(headers, body)
    for distribution in cloudfront._distributions.values():
        if etags.get(distribution["Id"]) != distribution["ETag"]:
            _in_progress(distribution, durations.DISTRIBUTION_UPDATE)
    return answer


async def _handle(stock, method, path, headers, body, query_params):
    """AssociateAlias, which ministack lacks: the alias leaves whatever distribution has it."""
    found = re.fullmatch(r"/2020-05-31/distribution/([^/]+)/associate-alias", path)
    if method != "PUT" or not found:
        return await stock(method, path, headers, body, query_params)
    alias = query_params.get("Alias") or ""
    return associate_alias(found[1], alias[0] if isinstance(alias, list) else alias)


def associate_alias(target_id: str, alias: str) -> tuple:
    target = cloudfront._distributions.get(target_id)
    if target is None:
        return cloudfront._error("NoSuchDistribution", "The specified distribution does not exist.", 404)
    for distribution in cloudfront._distributions.values():
        aliases = cloudfront._get_distribution_aliases(distribution)
        kept = [name for name in aliases if name.lower() != alias.lower()]
        wanted = [*kept, alias] if distribution is target else kept
        if wanted != aliases:
            cloudfront._set_distribution_aliases(distribution, wanted)
            distribution.update(ETag=cloudfront.new_uuid(), LastModifiedTime=cloudfront._now_iso())
            _in_progress(distribution, durations.DISTRIBUTION_UPDATE)
    return 200, {}, b""


def _uses(stock, value: Any, wanted: str) -> bool:
    """ministack looks for a policy's id among whole values; a distribution has it inside its stored document."""
    inside = isinstance(value, str) and f">{wanted}<" in value
    return inside or bool(stock(value, wanted))


# --- reads that lag ---------------------------------------------------------------------------------------------------------------

_VIEW = ("config_xml", "ETag", "enabled", "LastModifiedTime", "Status")
views: dict[str, dict[str, Any]] = {}  # what a read last saw, and until when one may still see what was before


def _look() -> None:
    for distribution in list(cloudfront._distributions._data.values()):
        view = {name: distribution[name] for name in _VIEW}
        seen = views.setdefault(distribution["Id"], {"now": view, "before": None, "until": 0.0})
        if seen["now"]["ETag"] != view["ETag"]:
            seen.update(before=seen["now"], until=CLOCK.now() + durations.CLOUDFRONT_READ)
        seen["now"] = view


def _read(stock, distribution_id: str) -> tuple:
    """GetDistribution, GetDistributionConfig: the first read within seconds of an update sees what was before it [K: writes
    are consistent with each other through their ETags, reads are not]."""
    _look()
    distribution, seen = cloudfront._distributions.get(distribution_id), views.get(distribution_id) or {}
    before = seen.pop("before", None)
    if distribution is None or before is None or CLOCK.now() >= seen["until"]:
        return stock(distribution_id)
    now = {name: distribution[name] for name in _VIEW}
    try:
        distribution.update(before)
        return stock(distribution_id)
    finally:
        distribution.update(now)


def _xml(distribution: dict[str, Any]) -> bytes:
    return cloudfront._xml_response(
        "Distribution", lambda root: cloudfront._build_distribution_xml(root, distribution)
    )[2]


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
    around(cloudfront, "_ensure_distribution_config_sdk_compat", _compatible)
    around(cloudfront, "_create_distribution", _create)
    around(cloudfront, "_update_distribution", _update)
    around(cloudfront, "_update_domain_association", _move_by_association)
    around(cloudfront, "_value_contains", _uses)
    around(cloudfront, "_get_distribution", _read)
    around(cloudfront, "_get_distribution_config", _read)
    around(cloudfront, "handle_request", _handle)
    states.on_change(_look)
    after("AWS::CloudFront::Distribution", _distribution)
    states.settles(
        "AWS::CloudFront::Distribution", cloudfront._distributions.get, lambda record: record["Status"] == "Deployed"
    )
    stacks.shows_deleting("AWS::CloudFront::Distribution", _disabling)
