"""The catalogue: what may be done by hand, the one finding that it leads to, and so what becomes of it.

`heal`: the next passes put it right, and the look after them is clean. `hold`, `page`: it stays, no pass writes anything to AWS,
and the look after them says the same. Row numbers are those of DRIFT.md; one row may have several hands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from reconciler.model.change import Disposition, Finding
from tests.catalogue import of_api, of_database, of_dns, of_edge, of_stacks
from tests.catalogue.hand import EU, HOME, TOKYO, Hand

HEAL, HOLD, PAGE = Disposition.HEAL, Disposition.HOLD, Disposition.PAGE


class _Any:
    """Equal to everything that is there: an id that AWS gave."""

    def __eq__(self, other: object) -> bool:
        return other is not None

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "something"


SOME: Final = _Any()


class Told(NamedTuple):
    """What is promised of a finding: neither its words, nor how it was detected or is put back."""

    path: str
    region: str | None
    disposition: Disposition
    desired: Any
    observed: Any
    missing: bool


def told(finding: Finding) -> Told:
    return Told(*(getattr(finding, name) for name in Told._fields))


@dataclass(frozen=True, kw_only=True)
class Row:
    """`path`, `region`, `desired`, `observed`: of the finding. `urgent`: the only mutating calls, which a pass makes at once
    though a person is paged. `needs`: the part that is not there yet."""

    number: int
    hand: Callable[[Hand], None]
    disposition: Disposition
    path: str
    region: str | None = None
    desired: Any = None
    observed: Any = None
    missing: bool = False
    urgent: frozenset[str] = frozenset()
    needs: str = ""

    @property
    def name(self) -> str:
        return f"{self.number} {self.hand.__name__}"

    @property
    def expected(self) -> Told:
        return Told(*(getattr(self, name) for name in Told._fields))


def eu(
    number: int, hand: Callable[[Hand], None], disposition: Disposition, path: str, *values: Any, **more: Any
) -> Row:
    """A finding in eu-west-1: `values` are desired and observed."""
    return _row(number, hand, disposition, f"regions/{EU}/{path}", EU, *values, **more)


def whole(
    number: int, hand: Callable[[Hand], None], disposition: Disposition, path: str, *values: Any, **more: Any
) -> Row:
    """A finding that concerns no one Region."""
    return _row(number, hand, disposition, path, None, *values, **more)


def _row(
    number: int,
    hand: Callable[[Hand], None],
    disposition: Disposition,
    path: str,
    region: str | None,
    desired: Any = None,
    observed: Any = None,
    **more: Any,
) -> Row:
    return Row(
        number=number,
        hand=hand,
        disposition=disposition,
        path=path,
        region=region,
        desired=desired,
        observed=observed,
        **more,
    )


DATABASE = (
    whole(1, of_database.moves_the_writer, HOLD, "database/writer", HOME, EU),
    eu(2, of_database.detaches_a_member, PAGE, "data/Cluster/GlobalClusterIdentifier", "orders", needs="regional"),
    whole(2, of_database.adds_a_member, HOLD, "database/members", None, SOME, needs="regional"),
    eu(
        3,
        of_database.turns_write_forwarding_off,
        HEAL,
        "data/Cluster/EnableGlobalWriteForwarding",
        True,
        False,
        needs="healing",
    ),
    eu(5, of_database.raises_the_engine_version, HOLD, "database/version", "16.8", "16.9"),
    eu(6, of_database.raises_capacity, HOLD, "database/capacity/max", 64, 128),
    eu(6, of_database.lowers_capacity, HEAL, "database/capacity/max", 64, 32, needs="healing"),
    eu(6, of_database.adds_an_instance, HOLD, "database/instancesPerRegion", 2, 3, needs="regional"),
    eu(6, of_database.deletes_an_instance, PAGE, "database/instancesPerRegion", missing=True),
    eu(
        7,
        of_database.makes_a_parameter_other,
        HEAL,
        "database/writeForwarding",
        "SESSION",
        "EVENTUAL",
        needs="regional healing",
    ),
    eu(
        7,
        of_database.makes_a_static_parameter_other,
        HOLD,
        "data/Parameters/Parameters/shared_preload_libraries",
        None,
        "pg_stat_statements,pg_hint_plan",
        needs="regional",
    ),
    eu(8, of_database.unprotects_the_cluster, HEAL, "data/Cluster/DeletionProtection", True, False, needs="healing"),
    eu(8, of_database.shortens_backups, HEAL, "data/Cluster/BackupRetentionPeriod", 7, 1, needs="healing"),
    eu(
        8,
        of_database.turns_iam_logins_off,
        HEAL,
        "data/Cluster/EnableIAMDatabaseAuthentication",
        True,
        False,
        needs="healing",
    ),
    eu(
        8,
        of_database.stops_the_logs,
        HEAL,
        "data/Cluster/EnableCloudwatchLogsExports",
        ["postgresql"],
        [],
        needs="healing",
    ),
    whole(
        8,
        of_database.unprotects_the_global_cluster,
        HEAL,
        "global/GlobalCluster/DeletionProtection",
        True,
        False,
        needs="healing",
    ),
    eu(
        11,
        of_database.disables_the_key,
        PAGE,
        "data/Key/Enabled",
        True,
        False,
        urgent=frozenset({"kms:CancelKeyDeletion", "kms:EnableKey"}),
        needs="regional healing",
    ),
    eu(
        11,
        of_database.schedules_the_keys_deletion,
        PAGE,
        "data/Key/Enabled",
        True,
        False,
        urgent=frozenset({"kms:CancelKeyDeletion", "kms:EnableKey"}),
        needs="regional healing",
    ),
    eu(11, of_database.stops_the_keys_rotation, HEAL, "data/Key/EnableKeyRotation", True, False, needs="healing"),
    eu(
        30,
        of_database.shuts_the_database_off,
        HEAL,
        "data/DatabaseGroup/SecurityGroupIngress",
        SOME,
        [],
        needs="regional healing",
    ),
    _row(
        30,
        of_database.opens_the_database,
        HEAL,
        f"regions/{TOKYO}/data/DatabaseGroup/SecurityGroupIngress",
        TOKYO,
        SOME,
        SOME,
        needs="regional healing",
    ),
    eu(30, of_database.takes_a_subnets_routes, PAGE, "data/SubnetRoute0", missing=True, needs="regional"),
    eu(36, of_database.shares_a_snapshot, PAGE, "data/snapshots", None, SOME, needs="regional"),
)

API = (
    eu(12, of_api.points_the_stage_elsewhere, HEAL, "api/Stage/DeploymentId", SOME, SOME),
    eu(13, of_api.edits_a_method, HOLD, "api/Api/Body", None, SOME, needs="serving"),
    eu(14, of_api.opens_the_api, HEAL, "api/auth/origin", SOME, SOME),
    eu(14, of_api.enables_the_default_endpoint, HEAL, "api/Api/DisableExecuteApiEndpoint", True, False),
    eu(15, of_api.throttles, HEAL, "api/throttle/rate", 1000, 5),
    eu(15, of_api.shortens_the_access_log, HEAL, "api/Stage/AccessLogSetting/Format", SOME, SOME),
    eu(16, of_api.lets_old_tls_in, HEAL, "api/RegionalDomain/SecurityPolicy", "TLS_1_2", "TLS_1_0"),
    eu(16, of_api.deletes_a_mapping, HEAL, "api/SharedMapping", missing=True),
    eu(17, of_api.replaces_the_code, HOLD, "api/code", SOME, SOME, needs="serving"),
    eu(18, of_api.shrinks_the_function, HEAL, "api/memoryMb", 512, 256),
    eu(18, of_api.asks_clients_for_no_token, HEAL, "api/auth/client/mode", "none", "open"),
    eu(18, of_api.adds_a_variable, HEAL, "api/Function/Environment/Variables/DEBUG", None, SOME, needs="serving"),
    eu(18, of_api.throttles_the_function, HOLD, "api/Function/ReservedConcurrentExecutions", None, 90, needs="serving"),
    eu(18, of_api.takes_the_gateways_permission, HEAL, "api/Invoke", missing=True, needs="serving"),
    eu(18, of_api.lets_another_account_call, PAGE, "api/Function/Policy", None, SOME, needs="serving"),
    eu(31, of_api.widens_the_functions_role, HEAL, "api/Role/Policies/0/PolicyDocument", SOME, SOME, needs="regional"),
    eu(31, of_api.attaches_a_policy, HOLD, "api/Role/ManagedPolicyArns", None, SOME, needs="regional"),
    eu(34, of_api.keeps_logs_shorter, HEAL, "api/FunctionLogs/RetentionInDays", 30, 7),
    eu(34, of_api.deletes_a_log_group, HEAL, "api/AccessLogs", missing=True),
    eu(34, of_api.moves_an_alarms_threshold, HEAL, "api/ErrorsAlarm/Threshold", SOME, 90),
    eu(35, of_api.takes_the_functions_tags, HEAL, "api/Function/Tags", SOME, None, needs="serving"),
)

DNS = (
    _row(19, of_dns.slows_a_record_down, HEAL, "routing/ttlSeconds", EU, "10", 222),
    _row(19, of_dns.deletes_a_route, HEAL, "routing/records", TOKYO, missing=True),
    _row(19, of_dns.takes_a_record_from_its_gate, HEAL, "routing/records", EU, SOME, None),
    _row(
        19,
        of_dns.adds_a_route,
        PAGE,
        "routing/records/route.api.example.com/CNAME/trial",
        None,
        None,
        SOME,
        needs="serving",
    ),
    eu(20, of_dns.closes_a_gate, HOLD, "traffic", "serving", "drained"),
    eu(20, of_dns.forces_a_gate_open, HEAL, "traffic", SOME, SOME),
    eu(20, of_dns.inverts_a_probe, HEAL, "api/Probe/HealthCheckConfig/Inverted", False, True),
    eu(20, of_dns.disables_a_probe, HEAL, "api/Probe/Disabled", False, True, needs="serving"),
    eu(20, of_dns.makes_a_probe_patient, HEAL, "api/health/failureThreshold", 3, 9),
    whole(
        22, of_dns.delegates_the_zone_elsewhere, PAGE, "domain/hostedZoneId/nameServers", SOME, SOME, needs="serving"
    ),
    eu(27, of_dns.deletes_a_regions_name, HEAL, "api/Record", missing=True),
    whole(27, of_dns.points_a_name_elsewhere, HEAL, "edge/Aaaa/AliasTarget/DNSName", SOME, SOME),
    whole(27, of_dns.deletes_a_name, HEAL, "edge/A", missing=True),
    whole(
        28,
        of_dns.deletes_what_validates_the_certificate,
        HEAL,
        "edge/certificateArn",
        SOME,
        needs="serving healing",
    ),
)

_CONFIG = "edge/Distribution/DistributionConfig"
EDGE = (
    whole(23, of_edge.widens_the_price_class, HEAL, "edge/priceClass", "PriceClass_100", "PriceClass_All"),
    whole(23, of_edge.lets_old_tls_in, HEAL, "edge/minimumTls", "TLSv1.2_2021", "TLSv1.1_2016"),
    whole(23, of_edge.caches_an_error, HEAL, f"{_CONFIG}/CustomErrorResponses/2/ErrorCachingMinTTL", 0, 300),
    whole(
        23,
        of_edge.lets_plain_http_through,
        HEAL,
        f"{_CONFIG}/DefaultCacheBehavior/ViewerProtocolPolicy",
        "https-only",
        "allow-all",
    ),
    whole(
        23,
        of_edge.weakens_the_headers,
        HEAL,
        "edge/Headers/ResponseHeadersPolicyConfig/SecurityHeadersConfig/StrictTransportSecurity/AccessControlMaxAgeSec",
        31536000,
        1,
        needs="serving",
    ),
    whole(
        24,
        of_edge.associates_another_version,
        HEAL,
        f"{_CONFIG}/DefaultCacheBehavior/LambdaFunctionAssociations/0/LambdaFunctionARN",
        SOME,
        SOME,
    ),
    whole(25, of_edge.disables_the_distribution, HOLD, f"{_CONFIG}/Enabled", True, False),
    whole(26, of_edge.takes_the_alias_off, HOLD, "domain/name", ["api.example.com"], []),
)

STACKS = (
    whole(32, of_stacks.deletes_the_routing_stack, HEAL, "routing", missing=True, needs="healing"),
    eu(32, of_stacks.deletes_an_api_stack, HEAL, "api", missing=True, needs="healing"),
    eu(33, of_stacks.leaves_a_cluster_of_our_name, PAGE, "data/orders-eu-west-1-copy", None, SOME, needs="regional"),
)

MERGED: Final = frozenset({"regional", "serving", "healing"})
"""Parts that are there; the rows that need no other are tested."""
ALL = (*DATABASE, *API, *DNS, *EDGE, *STACKS)


def merged(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(row for row in rows if set(row.needs.split()) <= MERGED)


UNTESTED: Final = {
    4: "replication that fell behind is nobody's hand: the gate `replica-lag` waits for it, and the simulation lets it happen",
    9: "no call of AWS tells a password; the ledger says so, and that secrets are not compared",
    10: "void: no secret is replicated",
    21: "boto3 has no call for protections of records in the pinned version",
    29: "the rules of a web ACL are its owner's: only the association is declared, with the distribution",
    37: "Service Quotas is not embedded, and nothing that the reconciler does depends on them",
}
"""Rows that have no hand here, and why."""
