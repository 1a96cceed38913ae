"""Answers the questions of a preflight, side by side: each guarded, so that one that fails is `Unknown` and blinds nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.aws.names import PublicNames
from reconciler.aws.parallel import Reads
from reconciler.model.observed import Unknown
from reconciler.model.survey import Answers, Question, Room, Topic

_RDS = frozenset({"DBClusters", "DBInstances", "DBSubnetGroups", "DBClusterParameterGroups"})
_LOOKUPS = 16  # questions to the DNS at once
_NO_SUCH_QUOTA = "NoSuchResourceException"


class AwsSurveyor:
    """The `Surveyor` port."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def answers(self, questions: Iterable[Question]) -> Answers:
        asked = tuple(questions)
        reads = Reads(self._clients)
        with ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="dns") as lookups:
            try:
                names = PublicNames() if any(q.topic is Topic.DNS for q in asked) else None
                pending: dict[Question, Future[Any]] = {
                    q: lookups.submit(names.ask, q.name, q.kind) if names and q.topic is Topic.DNS else _start(reads, q)
                    for q in asked
                }
                return {question: future.result() for question, future in pending.items()}
            finally:
                reads.close()


def _start(reads: Reads, question: Question) -> Future[Any]:
    service, read = _READERS[question.topic]

    def whole(client: Any) -> Any:
        try:
            return read(client, question)
        except (KeyError, TypeError, ValueError) as error:
            return Unknown("Garbled", f"an answer that is none ({type(error).__name__}: {error})")

    return reads.start(service, question.region, whole, None)


def _regions(ec2: Any, _: Question) -> dict[str, str]:
    return {r["RegionName"]: r["OptInStatus"] for r in ec2.describe_regions(AllRegions=True)["Regions"]}


def _quota(client: Any, question: Question) -> int:
    """Of a quota that nobody ever changed, some services know the default value only."""
    service, _, code = question.name.partition("/")
    try:
        found = client.get_service_quota(ServiceCode=service, QuotaCode=code)
    except failures.AwsError as error:
        if failures.code(error) != _NO_SUCH_QUOTA:
            raise
        found = client.get_aws_default_service_quota(ServiceCode=service, QuotaCode=code)
    return int(found["Quota"]["Value"])


def _networks(ec2: Any, _: Question) -> int:
    return sum(len(page["Vpcs"]) for page in ec2.get_paginator("describe_vpcs").paginate())


def _api_names(apigateway: Any, _: Question) -> tuple[str, ...]:
    pages = apigateway.get_paginator("get_domain_names").paginate()
    return tuple(item["domainName"] for page in pages for item in page.get("items", ()))


def _distributions(cloudfront: Any, _: Question) -> dict[str, tuple[str, ...]]:
    pages = cloudfront.get_paginator("list_distributions").paginate()
    items = (item for page in pages for item in page["DistributionList"].get("Items", ()))
    return {item["Id"]: tuple(item.get("Aliases", {}).get("Items", ())) for item in items}


def _databases(rds: Any, _: Question) -> dict[str, Room]:
    quotas = rds.describe_account_attributes()["AccountQuotas"]
    return {
        q["AccountQuotaName"]: Room(used=q["Used"], limit=q["Max"]) for q in quotas if q["AccountQuotaName"] in _RDS
    }


def _health_checks(route53: Any, _: Question) -> Room:
    found = route53.get_account_limit(Type="MAX_HEALTH_CHECKS_BY_OWNER")
    return Room(used=found["Count"], limit=found["Limit"]["Value"])


def _records(route53: Any, question: Question) -> Room:
    found = route53.get_hosted_zone_limit(HostedZoneId=question.name, Type="MAX_RRSETS_BY_ZONE")
    return Room(used=found["Count"], limit=found["Limit"]["Value"])


def _zone_servers(route53: Any, question: Question) -> tuple[str, ...]:
    found = route53.test_dns_answer(HostedZoneId=question.name, RecordName=question.kind, RecordType="NS")
    return tuple(found["RecordData"])


def _concurrency(client: Any, _: Question) -> int:
    return int(client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"])


def _engine(rds: Any, question: Question) -> Mapping[str, Any] | None:
    engine, _, version = question.name.partition("/")
    found = rds.describe_db_engine_versions(Engine=engine, EngineVersion=version)["DBEngineVersions"]
    return next((v for v in found if v["EngineVersion"] == version), None)


def _certificate(acm: Any, question: Question) -> Mapping[str, Any]:
    found: Mapping[str, Any] = acm.describe_certificate(CertificateArn=question.name)["Certificate"]
    return found


def _role(iam: Any, question: Question) -> bool:
    return bool(iam.get_role(RoleName=question.name))


def _function(client: Any, question: Question) -> bool:
    return bool(client.get_function_configuration(FunctionName=question.name))


def _bucket(s3: Any, question: Question) -> bool:
    """Asked as its owner: of somebody else's, AWS says that it is forbidden."""
    return bool(s3.get_bucket_location(Bucket=question.name, ExpectedBucketOwner=question.kind))


_READERS: Mapping[Topic, tuple[str, Callable[[Any, Question], Any]]] = {
    Topic.REGIONS: ("ec2", _regions),
    Topic.QUOTA: ("service-quotas", _quota),
    Topic.NETWORKS: ("ec2", _networks),
    Topic.API_NAMES: ("apigateway", _api_names),
    Topic.DISTRIBUTIONS: ("cloudfront", _distributions),
    Topic.DATABASES: ("rds", _databases),
    Topic.HEALTH_CHECKS: ("route53", _health_checks),
    Topic.RECORDS: ("route53", _records),
    Topic.ZONE_SERVERS: ("route53", _zone_servers),
    Topic.CONCURRENCY: ("lambda", _concurrency),
    Topic.ENGINE: ("rds", _engine),
    Topic.CERTIFICATE: ("acm", _certificate),
    Topic.ROLE: ("iam", _role),
    Topic.FUNCTION: ("lambda", _function),
    Topic.BUCKET: ("s3", _bucket),
}
