"""The names that a Region's API answers to, and the probe that asks there.

`<region>.origin.<d>` is what the edge router chooses; `origin.<d>` is what CloudFront falls back to, the same in every
Region. Both are custom domains on one certificate and one stage.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53

from cdk_app.stacks.base import MeridianStack
from reconciler.model.topology import Topology

PROBE_REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")


def add_names(
    stack: MeridianStack, topology: Topology, *, api: apigateway.CfnRestApi, stage: apigateway.CfnStage
) -> None:
    host = cdk.Fn.sub(topology.region_origin("${AWS::Region}"))
    certificate = _certificate(stack, topology, host)
    regional, mapping = _domain(stack, "Regional", host, certificate, api=api, stage=stage)
    shared, _ = _domain(stack, "Shared", topology.origin_name, certificate, api=api, stage=stage)
    shared.add_resource_dependency(regional)  # an account may create one domain name per 30 seconds
    record = _record(stack, topology, regional)
    record.add_resource_dependency(mapping)  # a name leads only to what answers: it comes after it, and goes before it
    _probe(stack, topology, host).add_resource_dependency(record)
    stack.output("RegionalTarget", regional.attr_regional_domain_name)


def _certificate(stack: MeridianStack, topology: Topology, host: str) -> str:
    zone, shared = topology.domain.zone_id, topology.origin_name
    validation = acm.CfnCertificate.DomainValidationOptionProperty
    return acm.CfnCertificate(
        stack,
        "Certificate",
        domain_name=host,
        subject_alternative_names=[shared],
        validation_method="DNS",
        domain_validation_options=[validation(domain_name=name, hosted_zone_id=zone) for name in (host, shared)],
    ).ref


def _domain(
    stack: MeridianStack,
    kind: str,
    name: str,
    certificate: str,
    *,
    api: apigateway.CfnRestApi,
    stage: apigateway.CfnStage,
) -> tuple[apigateway.CfnDomainName, apigateway.CfnBasePathMapping]:
    domain = apigateway.CfnDomainName(
        stack,
        f"{kind}Domain",
        domain_name=name,
        regional_certificate_arn=certificate,
        security_policy="TLS_1_2",
        endpoint_configuration=apigateway.CfnDomainName.EndpointConfigurationProperty(types=["REGIONAL"]),
    )
    mapping = apigateway.CfnBasePathMapping(
        stack, f"{kind}Mapping", domain_name=domain.ref, rest_api_id=api.ref, stage=stage.ref
    )
    return domain, mapping


def _record(stack: MeridianStack, topology: Topology, regional: apigateway.CfnDomainName) -> route53.CfnRecordSet:
    return route53.CfnRecordSet(
        stack,
        "Record",
        hosted_zone_id=topology.domain.zone_id,
        name=cdk.Fn.sub(f"{topology.region_origin('${AWS::Region}')}."),
        type="A",
        alias_target=route53.CfnRecordSet.AliasTargetProperty(
            dns_name=regional.attr_regional_domain_name,
            hosted_zone_id=regional.attr_regional_hosted_zone_id,
            evaluate_target_health=False,
        ),
    )


def _probe(stack: MeridianStack, topology: Topology, host: str) -> route53.CfnHealthCheck:
    """Asks the health path from three continents. Unsigned, as health checkers cannot sign."""
    health = topology.api.health
    tag = route53.CfnHealthCheck.HealthCheckTagProperty
    probe = route53.CfnHealthCheck(
        stack,
        "Probe",
        health_check_config=route53.CfnHealthCheck.HealthCheckConfigProperty(
            type="HTTPS",
            fully_qualified_domain_name=host,
            port=443,
            resource_path=health.path,
            enable_sni=True,
            request_interval=health.interval_seconds,
            failure_threshold=health.failure_threshold,
            inverted=False,
            measure_latency=False,
            regions=list(PROBE_REGIONS),
        ),
        health_check_tags=[tag(key=key, value=value) for key, value in stack.tag_pairs.items()],
    )
    stack.output("ProbeId", probe.attr_health_check_id)
    return probe
