"""Route 53: changes that take time to reach the servers, health checks as AWS shows and guards them."""

import re
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import route53
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from local_aws import durations, states
from local_aws.dns import published
from local_aws.resources.wrap import Properties, around, boolean, tags

ENDPOINTS = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP")  # the checks that have checkers
FIXED = ("Type", "RequestInterval", "MeasureLatency")  # for the life of a check [V]
HEALTH_CHECK = "AWS::Route53::HealthCheck"
_INTEGERS = ("Port", "RequestInterval", "FailureThreshold", "HealthThreshold")
_BOOLEANS = ("MeasureLatency", "EnableSNI", "Inverted", "Disabled")
MOST_TAGGED = 10  # ids of one ListTagsForResources [V]
_ENDPOINT_DEFAULTS = {"RequestInterval": 30, "FailureThreshold": 3, "MeasureLatency": False}


# --- changes ------------------------------------------------------------------------------------------------------------------


def _new_change(stock, comment: str = "") -> dict[str, Any]:
    published.look()  # on its way before the clock of PENDING runs: what is INSYNC is answered
    change = stock(comment)
    states.hold(change, "status", "PENDING", "INSYNC", durations.DNS_CHANGE)
    return change


def _get_change(stock, change_id: str) -> tuple:
    """By time, not by the first read: ministack would say INSYNC to the second one."""
    change = route53._changes.get(change_id)
    status = change and change["status"]
    answer = stock(change_id)
    if change:
        change["status"] = status
    return answer


# --- health checks --------------------------------------------------------------------------------------------------------------


def complete(config: Properties) -> Properties:
    """A health check's configuration with AWS's types and defaults."""
    done = {k: int(v) if k in _INTEGERS else boolean(v) if k in _BOOLEANS else v for k, v in config.items()}
    done = {"Inverted": False, "Disabled": False, **done}
    if done.get("Type") in ENDPOINTS:
        done = {**_ENDPOINT_DEFAULTS, "EnableSNI": done["Type"].startswith("HTTPS"), **done}
    return done


def _parse_config(stock, element) -> Properties:
    config = stock(element)
    for name, item in (("ChildHealthChecks", "ChildHealthCheck"), ("Regions", "Region")):
        container = route53._find(element, name)
        if container is not None:
            config[name] = [child.text for child in route53._findall(container, item)]
    return config


def _build(stock, parent, check: dict) -> None:
    config = {k: str(v).lower() if isinstance(v, bool) else v for k, v in check["config"].items()}
    stock(parent, {**check, "config": config})


def _create(stock, body: bytes) -> tuple:
    root = route53._parse_body(body)
    config = route53._find(root, "HealthCheckConfig") if root is not None else None
    reference = route53._text(root, "CallerReference") if root is not None else ""
    known = route53._health_checks.get(route53._hc_caller_refs.get(reference) or "")
    wanted = complete(route53._parse_health_check_config(config)) if config is not None else {}
    if known and known.get("created_with") != wanted:
        text = f"The health check you are attempting to create already exists with caller reference {reference}."
        return route53._error_response("HealthCheckAlreadyExists", text, 409)
    status, headers, answer = stock(body)
    check = route53._health_checks.get(route53._hc_caller_refs.get(reference) or "")
    if status == 201 and check and not known:
        check.update(config=wanted, created_with=wanted)
        answer = route53._xml_response(
            "CreateHealthCheckResponse", lambda el: route53._build_health_check_el(el, check)
        )[2]
    location = f"https://route53.amazonaws.com/2013-04-01/healthcheck/{check['id']}" if check else ""
    return status, {**headers, "Location": location}, answer


def _update(stock, check_id: str, body: bytes) -> tuple:
    """HealthCheckVersion is a compare-and-swap; ResetElements takes fields away."""
    root, check = route53._parse_body(body), route53._health_checks.get(check_id)
    if root is None or check is None:
        return stock(check_id, body)
    expected = route53._text(root, "HealthCheckVersion")
    if expected and int(expected) != check["version"]:
        text = f"The specified HealthCheckVersion {expected} does not match the current version {check['version']}."
        return route53._error_response("HealthCheckVersionMismatch", text, 409)
    reset = route53._find(root, "ResetElements")
    for element in route53._findall(reset, "ResettableElementName") if reset is not None else []:
        check["config"].pop(element.text, None)
    check["config"] = complete(check["config"])
    return stock(check_id, body)


def _make(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    check_id, reference = route53._hc_id(), new_uuid()
    route53._health_checks[check_id] = {
        "id": check_id, "caller_reference": reference, "config": complete(properties["HealthCheckConfig"]), "version": 1,
    }  # fmt: skip
    route53._hc_caller_refs[reference] = check_id
    _tag(check_id, properties)
    return check_id, {"HealthCheckId": check_id}


def _change(check_id: str, old: Properties, new: Properties, stack_name: str) -> tuple[str, dict]:
    check = route53._health_checks.get(check_id)
    if check is None:
        raise ValueError(
            f"No health check exists with the specified ID {check_id}. (Service: Route53, Status Code: 404)"
        )
    if any(old["HealthCheckConfig"].get(k) != new["HealthCheckConfig"].get(k) for k in FIXED):
        return _make("", new, stack_name)  # a new physical id: the stack deletes the old one in its clean-up
    check.update(config=complete(new["HealthCheckConfig"]), version=check["version"] + 1)
    _tag(check_id, new)
    return check_id, {"HealthCheckId": check_id}


def _tag(check_id: str, properties: Properties) -> None:
    route53._tags["healthcheck", check_id] = {t["Key"]: t["Value"] for t in tags(properties, "HealthCheckTags")}


def _drop(check_id: str, properties: Properties) -> None:
    check = route53._health_checks.pop(check_id, None)
    if check:
        route53._hc_caller_refs.pop(check["caller_reference"], None)
        route53._tags.pop(("healthcheck", check_id), None)


# --- requests that ministack lacks ------------------------------------------------------------------------------------------------


async def _handle(stock, method, path, headers, body, query_params):
    found = re.fullmatch(r"/2013-04-01/tags/(healthcheck|hostedzone)", path)
    if method == "POST" and found:
        return _list_tags_for_resources(found[1], body)
    return await stock(method, path, headers, body, query_params)


def _list_tags_for_resources(kind: str, body: bytes) -> tuple:
    asked = route53._find(route53._parse_body(body), "ResourceIds")
    ids = [el.text for el in route53._findall(asked, "ResourceId")] if asked is not None else []
    if not 1 <= len(ids) <= MOST_TAGGED:
        return route53._error_response(
            "InvalidInput", f"ResourceIds: 1 to {MOST_TAGGED} ids are allowed, not {len(ids)}"
        )
    store = route53._health_checks if kind == "healthcheck" else route53._zones
    missing = [i for i in ids if i not in store]
    if missing:
        code = "NoSuchHealthCheck" if kind == "healthcheck" else "NoSuchHostedZone"
        return route53._error_response(code, f"No {kind} found with ID: {missing[0]}", 404)

    def build(root):
        sets = route53.SubElement(root, "ResourceTagSets")
        for resource_id in ids:
            one = route53.SubElement(sets, "ResourceTagSet")
            route53.SubElement(one, "ResourceType").text = kind
            route53.SubElement(one, "ResourceId").text = resource_id
            listed = route53.SubElement(one, "Tags")
            for key, value in (route53._tags.get((kind, resource_id)) or {}).items():
                tag = route53.SubElement(listed, "Tag")
                route53.SubElement(tag, "Key").text, route53.SubElement(tag, "Value").text = key, value

    return route53._xml_response("ListTagsForResourcesResponse", build)


def install() -> None:
    around(route53, "_new_change", _new_change)
    around(route53, "_get_change", _get_change)
    around(route53, "_parse_health_check_config", _parse_config)
    around(route53, "_build_health_check_el", _build)
    around(route53, "_create_health_check", _create)
    around(route53, "_update_health_check", _update)
    around(route53, "handle_request", _handle)
    _RESOURCE_HANDLERS[HEALTH_CHECK] = {"create": _make, "update": _change, "delete": _drop}
