"""`python -m demo.by_hand [edge|dns]`: what somebody in a hurry might do in the console, past Git: plain boto3, nothing of
Meridian's. Both things, unless one is named."""

from __future__ import annotations

import sys
from typing import Any

import boto3

DOMAIN, ZONE = "api.example.com", "Z0123456789EXAMPLE"
REGION = "eu-west-1"
PRICE_CLASS, TTL = "PriceClass_All", 300


def widen_price_class() -> None:
    cloudfront: Any = boto3.client("cloudfront", region_name="us-east-1")
    found = cloudfront.list_distributions()["DistributionList"]["Items"]
    distribution = next(d["Id"] for d in found if DOMAIN in d["Aliases"]["Items"])
    answer = cloudfront.get_distribution_config(Id=distribution)
    config = {**answer["DistributionConfig"], "PriceClass": PRICE_CLASS}
    cloudfront.update_distribution(Id=distribution, IfMatch=answer["ETag"], DistributionConfig=config)
    _tell(f"distribution {distribution}: price class", answer["DistributionConfig"]["PriceClass"], PRICE_CLASS)


def slow_down_dns() -> None:
    route53: Any = boto3.client("route53", region_name="us-east-1")
    name = f"route.{DOMAIN}."
    records = route53.list_resource_record_sets(HostedZoneId=ZONE, StartRecordName=name)["ResourceRecordSets"]
    record = next(r for r in records if r["Name"] == name and r.get("Region") == REGION)
    change = {"Action": "UPSERT", "ResourceRecordSet": {**record, "TTL": TTL}}
    route53.change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch={"Changes": [change]})
    _tell(f"record route.{DOMAIN} of {REGION}: TTL", record["TTL"], TTL)


CHANGES = {"edge": widen_price_class, "dns": slow_down_dns}


def _tell(what: str, old: Any, new: Any) -> None:
    print(f"{what} {old} -> {new}", flush=True)  # noqa: T201


if __name__ == "__main__":
    chosen = sys.argv[1:] or list(CHANGES)
    for change in chosen:
        CHANGES[change]()
