"""What is done by hand in Route 53 and ACM (rows 19, 20, 22, 27, 28)."""

from __future__ import annotations

from tests.catalogue.hand import DOMAIN, EU, TOKYO, ZONE, Hand

ROUTE, ORIGIN = f"route.{DOMAIN}", f"origin.{DOMAIN}"


def slows_a_record_down(hand: Hand) -> None:
    hand.change_record("UPSERT", {**hand.record(ROUTE, "CNAME", EU), "TTL": 222})


def deletes_a_route(hand: Hand) -> None:
    hand.change_record("DELETE", hand.record(ROUTE, "CNAME", TOKYO))


def takes_a_record_from_its_gate(hand: Hand) -> None:
    record = hand.record(ORIGIN, "A", EU)
    hand.change_record("UPSERT", {key: value for key, value in record.items() if key != "HealthCheckId"})


def adds_a_route(hand: Hand) -> None:
    ours = hand.record(ROUTE, "CNAME", EU)
    theirs = {"Name": ours["Name"], "Type": "CNAME", "SetIdentifier": "trial", "Region": "sa-east-1", "TTL": 60}
    hand.change_record("CREATE", {**theirs, "ResourceRecords": [{"Value": "trial.example.org"}]})


def closes_a_gate(hand: Hand) -> None:
    gate = hand.gate(EU)
    closed = len(gate["HealthCheckConfig"]["ChildHealthChecks"]) + 1
    hand.client("route53").update_health_check(HealthCheckId=gate["Id"], HealthThreshold=closed)


def forces_a_gate_open(hand: Hand) -> None:
    hand.client("route53").update_health_check(HealthCheckId=hand.gate(EU)["Id"], HealthThreshold=0)


def inverts_a_probe(hand: Hand) -> None:
    hand.client("route53").update_health_check(HealthCheckId=hand.made("api", "Probe", EU), Inverted=True)


def disables_a_probe(hand: Hand) -> None:
    hand.client("route53").update_health_check(HealthCheckId=hand.made("api", "Probe", EU), Disabled=True)


def makes_a_probe_patient(hand: Hand) -> None:
    hand.client("route53").update_health_check(HealthCheckId=hand.made("api", "Probe", EU), FailureThreshold=9)


def points_a_name_elsewhere(hand: Hand) -> None:
    """At another distribution, made in the likeness of ours."""
    cloudfront = hand.client("cloudfront")
    config = cloudfront.get_distribution_config(Id=hand.made("edge", "Distribution"))["DistributionConfig"]
    config.update(
        CallerReference="trial", Aliases={"Quantity": 0}, ViewerCertificate={"CloudFrontDefaultCertificate": True}
    )
    other = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]
    record = hand.record(DOMAIN, "AAAA")
    hand.change_record("UPSERT", {**record, "AliasTarget": {**record["AliasTarget"], "DNSName": other["DomainName"]}})


def deletes_a_name(hand: Hand) -> None:
    hand.change_record("DELETE", hand.record(DOMAIN, "A"))


def deletes_a_regions_name(hand: Hand) -> None:
    hand.change_record("DELETE", hand.record(f"{EU}.origin.{DOMAIN}", "A"))


def deletes_what_validates_the_certificate(hand: Hand) -> None:
    arn = hand.made("edge", "Certificate")
    (option,) = hand.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]
    hand.change_record("DELETE", hand.record(option["ResourceRecord"]["Name"].rstrip("."), "CNAME"))


def delegates_the_zone_elsewhere(hand: Hand) -> None:
    """The zone's own name servers, as whoever delegates to it copies them."""
    zone = hand.client("route53").get_hosted_zone(Id=ZONE)["HostedZone"]["Name"].rstrip(".")
    servers = [{"Value": f"ns{n}.example.net."} for n in range(1, 5)]
    hand.change_record("UPSERT", {**hand.record(zone, "NS"), "ResourceRecords": servers})
