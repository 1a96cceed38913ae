"""Reads the observer's snapshots from AWS with plain boto3 calls, none of them the reconciler's.

The user agent says `observer`: on the embedded AWS such calls are outside faults, token buckets and counts, so watching
does not change the run. What a stack's template and resources say is read again only when the stack has moved.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import takewhile
from typing import Any

import boto3
from botocore.config import Config

from demo.snapshot import Check, CustomDomain, Distribution, Record, Region, Snapshot

GLOBAL = "us-east-1"
KEPT = {
    "AWS::RDS::GlobalCluster",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBSubnetGroup",
    "AWS::KMS::Key",
    "AWS::EC2::VPC",
}
"""Types that hold data, or that data depends on: replacing one loses it."""
WINDOW = timedelta(minutes=30)
"""How far back the health of checks is read: longer than a Region drains."""


class Reader:
    def __init__(self, endpoint: str, topology: str, domain: str, zone: str, regions: Sequence[str]) -> None:
        self.endpoint, self.topology, self.domain, self.zone, self.regions = endpoint, topology, domain, zone, regions
        session = boto3.Session()
        config = Config(user_agent_extra="observer", retries={"total_max_attempts": 1}, read_timeout=10)
        self._client: Any = cache(
            lambda service, region=GLOBAL: session.client(
                service, region_name=region, endpoint_url=endpoint, config=config
            )
        )
        self._routed_at: datetime | None = None
        self._stacks: dict[tuple[str, str], tuple[object, dict[str, Any]]] = {}

    def now(self) -> datetime:
        """The time of the embedded AWS, whose clock runs fast."""
        with urllib.request.urlopen(f"{self.endpoint}/_meridian/clock", timeout=10) as answer:  # noqa: S310  # loopback
            return datetime.fromisoformat(json.load(answer)["now"])

    def snapshot(self) -> Snapshot:
        """Records first: what they lead to is made before them."""
        at = self.now()
        records = tuple(self._records())
        configs = {c["Id"]: c["HealthCheckConfig"] for c in self._checks()}
        minutes = self._minutes(list(configs), at)
        checks = {name: _check(config, minutes.get(name, [])) for name, config in configs.items()}
        writers, members = self._database()
        return Snapshot(
            at=at,
            topology=self.topology,
            domain=self.domain,
            records=records,
            checks=checks,
            healthy={name: found[0][1] for name, found in minutes.items()},
            regions={region: self._region(region) for region in self.regions},
            distributions=tuple(self._distributions(at)),
            writers=writers,
            members=members,
            routed_at=self._routed_at,
        )

    # --- DNS and health -------------------------------------------------------------------------------------------------------

    def _records(self) -> Iterator[Record]:
        pages = self._pages("route53", GLOBAL, "list_resource_record_sets", HostedZoneId=self.zone)
        for item in (i for page in pages for i in page["ResourceRecordSets"]):
            name = _plain(item["Name"])
            if item["Type"] in {"A", "AAAA", "CNAME"} and f".{name}".endswith(f".{self.domain}") and name[0] != "_":
                values = [v["Value"] for v in item.get("ResourceRecords", ())]
                yield Record(
                    name=name,
                    type=item["Type"],
                    target=_plain(item["AliasTarget"]["DNSName"] if "AliasTarget" in item else ",".join(values)),
                    region=item.get("Region"),
                    check=item.get("HealthCheckId"),
                )

    def _checks(self) -> list[dict[str, Any]]:
        return [c for page in self._pages("route53", GLOBAL, "list_health_checks") for c in page["HealthChecks"]]

    def _minutes(self, checks: list[str], at: datetime) -> dict[str, list[tuple[datetime, bool]]]:
        """(minute, healthy) of each check that CloudWatch has data of, the latest first."""
        if not checks:
            return {}
        queries = [
            {
                "Id": f"c{i}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Route53",
                        "MetricName": "HealthCheckStatus",
                        "Dimensions": [{"Name": "HealthCheckId", "Value": check}],
                    },
                    "Period": 60,
                    "Stat": "Minimum",
                },
            }
            for i, check in enumerate(checks)
        ]
        window = {"StartTime": at - WINDOW, "EndTime": at + timedelta(minutes=5)}
        pages = self._pages(
            "cloudwatch", GLOBAL, "get_metric_data", MetricDataQueries=queries, ScanBy="TimestampDescending", **window
        )
        found: dict[str, list[tuple[datetime, bool]]] = {}
        for result in (r for page in pages for r in page["MetricDataResults"]):
            minutes = zip(result["Timestamps"], (value >= 1 for value in result["Values"]), strict=True)
            found.setdefault(result["Id"], []).extend(minutes)
        return {check: found[f"c{i}"] for i, check in enumerate(checks) if found.get(f"c{i}")}

    # --- the edge and the database --------------------------------------------------------------------------------------------

    def _distributions(self, at: datetime) -> Iterator[Distribution]:
        pages = self._pages("cloudfront", GLOBAL, "list_distributions")
        for item in (i for page in pages for i in page["DistributionList"].get("Items", ())):
            yield Distribution(
                id=item["Id"],
                domain=_plain(item["DomainName"]),
                enabled=item["Enabled"],
                deployed=item["Status"] == "Deployed",
                aliases=frozenset(item["Aliases"].get("Items", ())),
                certificate_good=self._good(item["ViewerCertificate"].get("ACMCertificateArn"), at),
            )

    def _good(self, arn: str | None, at: datetime) -> bool:
        if not arn:
            return False
        found = self._client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
        return bool(found["Status"] == "ISSUED" and found["NotAfter"] > at)

    def _database(self) -> tuple[tuple[str, ...] | None, frozenset[str]]:
        """Where it is written, and every Region that has a member."""
        pages = self._pages("rds", GLOBAL, "describe_global_clusters")
        ours = [g for page in pages for g in page["GlobalClusters"] if g["GlobalClusterIdentifier"] == self.topology]
        if not ours:
            return None, frozenset()
        regions = {m["DBClusterArn"].split(":")[3]: m["IsWriter"] for m in ours[0]["GlobalClusterMembers"]}
        return tuple(region for region, writes in regions.items() if writes), frozenset(regions)

    # --- one Region -----------------------------------------------------------------------------------------------------------

    def _region(self, region: str) -> Region:
        prefix = f"meridian-{self.topology}-"
        pages = self._pages("cloudformation", region, "describe_stacks")
        stacks = [s for page in pages for s in page["Stacks"] if s["StackName"].startswith(prefix)]
        routing = next((s for s in stacks if s["StackName"] == f"{prefix}routing"), None)
        if routing:
            self._routed_at = routing.get("LastUpdatedTime", routing["CreationTime"])
        if not stacks:
            return Region(snapshot=self._kept(region))
        holdings = [self._holding(region, s) for s in stacks if s["StackStatus"] != "REVIEW_IN_PROGRESS"]
        cluster = self._cluster(region)
        identities = {key: value for h in holdings for key, value in h["identities"].items()}
        if cluster and any(key.endswith("/Cluster") for key in identities):
            # A replaced cluster keeps its name; its resource id and its key's are its own.
            identities |= {f"cluster/{field}": cluster[field] for field in ("DbClusterResourceId", "KmsKeyId")}
        return Region(
            stacks={s["StackName"]: s["StackStatus"] for s in stacks},
            domains=tuple(self._domains(region)),
            cluster=cluster["Status"] if cluster else None,
            snapshot=not cluster and self._kept(region),
            linked=frozenset(item for h in holdings for item in h["linked"]),
            identities=identities,
        )

    def _holding(self, region: str, stack: Mapping[str, Any]) -> dict[str, Any]:
        """What I14 is about, in one stack; read again while the stack moves."""
        key = (region, stack["StackName"])
        state = (stack["StackId"], stack["StackStatus"], stack.get("LastUpdatedTime"))
        if key in self._stacks and self._stacks[key][0] == state and "IN_PROGRESS" not in stack["StackStatus"]:
            return self._stacks[key][1]
        cloudformation = self._client("cloudformation", region)
        template = cloudformation.get_template(StackName=stack["StackName"])["TemplateBody"]
        found = {
            "linked": frozenset(_linked(stack["StackName"], template)),
            "identities": self._identities(region, stack),
        }
        self._stacks[key] = (state, found)
        return found

    def _identities(self, region: str, stack: Mapping[str, Any]) -> dict[str, str]:
        """Physical ids of what must stay; none before the stack has been created, as a failed creation starts over."""
        if stack["StackStatus"].startswith(("CREATE_IN", "CREATE_FAILED", "ROLLBACK_")):
            return {}
        pages = self._pages("cloudformation", region, "list_stack_resources", StackName=stack["StackName"])
        return {
            f"{stack['StackName']}/{r['LogicalResourceId']}": r["PhysicalResourceId"]
            for page in pages
            for r in page["StackResourceSummaries"]
            if r["ResourceType"] in KEPT and r.get("PhysicalResourceId") and r["ResourceStatus"] != "DELETE_COMPLETE"
        }

    def _cluster(self, region: str) -> dict[str, Any] | None:
        pages = self._pages("rds", region, "describe_db_clusters")
        name = f"{self.topology}-{region}"
        return next((c for page in pages for c in page["DBClusters"] if c["DBClusterIdentifier"] == name), None)

    def _kept(self, region: str) -> bool:
        """A snapshot that is whole."""
        pages = self._pages("rds", region, "describe_db_cluster_snapshots")
        found = (s for page in pages for s in page["DBClusterSnapshots"] if s["Status"] == "available")
        return any(s["DBClusterIdentifier"] == f"{self.topology}-{region}" for s in found)

    def _domains(self, region: str) -> Iterator[CustomDomain]:
        client = self._client("apigateway", region)
        pages = self._pages("apigateway", region, "get_domain_names")
        for item in (i for page in pages for i in page["items"] if i["domainName"].endswith(self.domain)):
            mappings = client.get_base_path_mappings(domainName=item["domainName"]).get("items", ())
            yield CustomDomain(
                name=item["domainName"],
                target=_plain(item.get("regionalDomainName", "")),
                available=item.get("domainNameStatus") == "AVAILABLE",
                mapped=any(m.get("stage") for m in mappings),
            )

    def _pages(self, service: str, region: str, operation: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        yield from self._client(service, region).get_paginator(operation).paginate(**arguments)


def _check(config: Mapping[str, Any], minutes: Sequence[tuple[datetime, bool]]) -> Check:
    unhealthy = list(takewhile(lambda minute: not minute[1], minutes))
    return Check(
        children=tuple(config.get("ChildHealthChecks", ())),
        threshold=config.get("HealthThreshold", 0),
        normal=not (config.get("Inverted") or config.get("Disabled")),
        unhealthy_since=unhealthy[-1][0] if unhealthy else None,
    )


def _linked(stack: str, template: Mapping[str, Any]) -> Iterator[str]:
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == "AWS::RDS::DBCluster" and "GlobalClusterIdentifier" in resource.get("Properties", {}):
            yield f"{stack}/{logical_id}"


def _plain(name: str) -> str:
    return name.rstrip(".").lower()
