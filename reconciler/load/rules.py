"""What a document must mean beyond its form: one function per rule, each with the way out in its message."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from ipaddress import IPv4Network
from itertools import combinations

from reconciler.load import times
from reconciler.load.document import Finding, Path, dotted, shown
from reconciler.load.view import Broken, Rule, View
from reconciler.model.issuer import address_problem

_PRIVATE = tuple(IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
_LARGEST, _SMALLEST = 16, 19
"""Sizes of a Region's range: AWS has no larger VPC, and the data stack cuts two /20 subnets out of it."""
_FORWARDING_SINCE = {14: 9, 15: 4}
"""First minor version of aurora-postgresql with global write forwarding; every later major version has it."""
_OTHER_PARTITIONS = ("cn-", "us-gov-", "eusc-")
_COMMON_NAME = 64
"""ACM refuses a certificate whose first name is longer."""


def name_suits_aws(view: View) -> Iterator[Finding]:
    path = ("metadata", "name")
    if (name := view.get(*path)).endswith("-") or "--" in name:
        yield Finding(path, "BadName", f"{shown(name)} has -- in it or - at its end, which RDS refuses; leave that out")


def regions_are_unique(view: View) -> Iterator[Finding]:
    first: dict[str, Path] = {}
    for item in view.each("spec", "regions"):
        name = view.get(*(path := (*item, "name")))
        if first.setdefault(name, item) != item:
            message = f"{shown(name)} is listed already, as {dotted(first[name])}; keep one entry per Region"
            yield Finding(path, "DuplicateRegion", message)


def regions_share_a_partition(view: View) -> Iterator[Finding]:
    names = [(*item, "name") for item in view.each("spec", "regions")]
    for path in [("spec", "homeRegion"), *names]:
        if (name := view.get(*path)).startswith(_OTHER_PARTITIONS):
            message = (
                f"{shown(name)} is in another partition than us-east-1, where CloudFront lives; no account has both"
            )
            yield Finding(path, "OtherPartition", message)


def writer_is_listed(view: View) -> Iterator[Finding]:
    path = ("spec", "database", "writer")
    names = [view.get(*item, "name") for item in view.each("spec", "regions")]
    if (writer := view.get(*path)) not in names:
        message = f"{shown(writer)} is not one of spec.regions ({', '.join(names)}); name a listed Region"
        yield Finding(path, "WriterNotListed", message)


def cidrs_are_usable(view: View) -> Iterator[Finding]:
    for item in view.each("spec", "regions"):
        text = view.get(*(path := (*item, "cidr")))
        if wrong := _cidr_problem(text):
            yield Finding(path, "BadCidr", f"{shown(text)} {wrong}")


def _cidr_problem(text: str) -> str | None:
    try:
        network = IPv4Network(text, strict=False)
    except ValueError:
        return "is not an IPv4 range such as 10.20.0.0/16"
    if str(network) != text:
        return f"is not the start of its range; write {network}"
    if not any(network.subnet_of(block) for block in _PRIVATE):
        return f"is not private; take it from {', '.join(map(str, _PRIVATE))}"
    if not _LARGEST <= network.prefixlen <= _SMALLEST:
        return f"has the size /{network.prefixlen}; a VPC with its two subnets takes /{_LARGEST} to /{_SMALLEST}"
    return None


def cidrs_are_disjoint(view: View) -> Iterator[Finding]:
    paths = [(*item, "cidr") for item in view.each("spec", "regions")]
    networks = {path: IPv4Network(text) for path in paths if not _cidr_problem(text := view.get(*path))}
    for (a, first), (b, second) in combinations(networks.items(), 2):
        if first.overlaps(second):
            message = f"{second} overlaps {first} of {dotted(a[:-1])}; give every Region a range of its own"
            yield Finding(b, "CidrOverlap", message)


def enough_regions_serve(view: View) -> Iterator[Finding]:
    path = ("spec", "safety", "minServing")
    least = view.get(*path)
    serving = [view.get(*item, "traffic") for item in view.each("spec", "regions")].count("serving")
    if serving < least:
        message = f"{least} Regions must serve, but {serving} of spec.regions have traffic serving; lower this, or let more serve"
        yield Finding(path, "TooFewServing", message)


def domain_is_in_zone(view: View) -> Iterator[Finding]:
    path = ("spec", "domain", "name")
    name, zone = view.get(*path), view.get("spec", "domain", "hostedZoneName")
    if name != zone and not name.endswith(f".{zone}"):
        message = f"{shown(name)} is outside the hosted zone {zone}; use {zone} or a name that ends in .{zone}"
        yield Finding(path, "DomainOutsideZone", message)


def domain_is_short_enough(view: View) -> Iterator[Finding]:
    path = ("spec", "domain", "name")
    longest = max((view.get(*item, "name") for item in view.each("spec", "regions")), key=len)
    most = _COMMON_NAME - len(f"{longest}.origin.")
    if (length := len(view.get(*path))) > most:
        message = f"has {length} characters; the certificate for {longest}.origin.<name> allows {most}"
        yield Finding(path, "DomainTooLong", message)


def version_forwards_writes(view: View) -> Iterator[Finding]:
    path = ("spec", "database", "version")
    major, minor = (int(part) for part in view.get(*path).split("."))
    known = major >= 16 or minor >= _FORWARDING_SINCE.get(major, 1000)
    if not known:
        message = (
            f"{view.get('spec', 'database', 'engine')} {major}.{minor} is not known to support global write forwarding; "
            "use 14.9 or later, 15.4 or later, or 16 and above"
        )
        yield Finding(path, "EngineVersion", message)


def database_name_is_free(view: View) -> Iterator[Finding]:
    path = ("spec", "database", "name")
    if (name := view.get(*path)) in {"postgres", "rdsadmin", "template0", "template1"}:
        yield Finding(path, "ReservedName", f"{shown(name)} exists in every cluster already; choose another name")


def capacity_is_ordered(view: View) -> Iterator[Finding]:
    path = ("spec", "database", "capacity")
    low, high = view.get(*path, "min"), view.get(*path, "max")
    if low > high:
        yield Finding((*path, "min"), "CapacityOrder", f"{low} is above max, {high}; min is at most max")


def instances_fit(view: View) -> Iterator[Finding]:
    path = ("spec", "database", "instancesPerRegion")
    regions = len(list(view.each("spec", "regions")))
    if (count := view.get(*path)) > (most := 17 - regions):
        message = (
            f"{count} is too many: Aurora allows the writer's cluster {most} in a global database of {regions} Regions"
        )
        yield Finding(path, "TooManyInstances", message)


def drain_is_long_enough(view: View) -> Iterator[Finding]:
    path = ("spec", "routing", "drainSeconds")
    ttl, timeout = view.get("spec", "routing", "ttlSeconds"), view.get("spec", "api", "timeoutSeconds")
    least = 60 + ttl + 60 + min(ttl, 60) + 60 + timeout + 60
    if (drain := view.get(*path)) < least:
        message = (
            f"{drain} is too short: with ttlSeconds {ttl} and timeoutSeconds {timeout}, DNS, the edge's cache and "
            f"requests in flight need {least}; allowed are {least} to 3600"
        )
        yield Finding(path, "DrainTooShort", message)


def client_auth_is_complete(view: View) -> Iterator[Finding]:
    client = ("spec", "api", "auth", "client")
    mode = view.get(*client, "mode")
    for name in ("issuer", "audience"):
        given = view.get(*(path := (*client, name))) is not None
        if mode == "jwt" and not given:
            yield Finding(path, "MissingField", f"required with mode jwt; name the {name} that the tokens carry")
        if mode == "none" and given:
            yield Finding(path, "NoEffect", "has no effect with mode none; set mode to jwt, or leave it out")


def issuer_is_a_public_address(view: View) -> Iterator[Finding]:
    path = ("spec", "api", "auth", "client", "issuer")
    issuer = view.get(*path)
    if issuer is not None and (wrong := address_problem(issuer)):
        yield Finding(path, "BadIssuer", f"{shown(issuer)} {wrong}")


def arns_are_of_the_account(view: View) -> Iterator[Finding]:
    account = view.get("spec", "account")
    for name in ("webAclArn", "certificateArn"):
        arn = view.get(*(path := ("spec", "edge", name)))
        if arn and (owner := arn.split(":")[4]) != account:
            message = f"belongs to the account {owner}; CloudFront takes only those of spec.account, {account}"
            yield Finding(path, "ForeignArn", message)


def windows_mean_something(view: View) -> Iterator[Finding]:
    for item in view.each("spec", "safety", "windows"):
        cron, zone = view.get(*item, "cron"), view.get(*item, "timeZone")
        if wrong := times.cron_problem(cron):
            yield Finding((*item, "cron"), "BadCron", f"{shown(cron)} {wrong}")
        if not times.zone_exists(zone):
            message = (
                f"{shown(zone)} is not in this machine's time zone database; use an IANA name such as Europe/Berlin"
            )
            yield Finding((*item, "timeZone"), "UnknownTimeZone", message)


def expiries_exist(view: View) -> Iterator[Finding]:
    for path, text in _expiries(view):
        try:
            times.expiry(text)
        except ValueError:
            yield Finding(path, "BadTime", f"{shown(text)} is no date or time of the calendar")


def expired(view: View, now: datetime) -> Iterator[Finding]:
    """Not wrong, but without effect: entries whose time is over. For warnings."""
    for path, text in _expiries(view):
        if times.expiry(text) <= now:
            what = "allows nothing any more" if "allow" in path else "ignores nothing any more"
            yield Finding(path, "Expired", f"{shown(text)} is over, the entry {what}; remove it or move the date")


def _expiries(view: View) -> Iterator[tuple[Path, str]]:
    for items in (("spec", "safety", "allow"), ("spec", "drift", "ignore")):
        for item in view.each(*items):
            try:
                text = view.get(*(path := (*item, "expires")))
            except Broken:
                continue
            if text is not None:
                yield path, text


RULES: tuple[Rule, ...] = (
    name_suits_aws,
    regions_are_unique,
    regions_share_a_partition,
    writer_is_listed,
    cidrs_are_usable,
    cidrs_are_disjoint,
    enough_regions_serve,
    domain_is_in_zone,
    domain_is_short_enough,
    version_forwards_writes,
    database_name_is_free,
    capacity_is_ordered,
    instances_fit,
    drain_is_long_enough,
    client_auth_is_complete,
    issuer_is_a_public_address,
    arns_are_of_the_account,
    windows_mean_something,
    expiries_exist,
)
