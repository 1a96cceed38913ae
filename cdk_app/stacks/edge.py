"""Stack `edge`, in us-east-1: the certificate, the router function and the distribution that clients talk to.

It knows DNS names only, never the list of Regions, so a change of topology does not touch it. Nothing is cached: the
answers are an API's. The function is let go, not deleted, when the stack goes: its replicas outlive the distribution by
hours, and for the same reason it has no fixed name.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from constructs import Construct

from cdk_app.stacks import packages
from cdk_app.stacks.base import LOG_DAYS, MeridianStack, arn, role_arn
from reconciler.model.topology import Topology

CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
ERRORS = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
"""CloudFront keeps these for ten seconds unless told otherwise, even with caching disabled."""
METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]
YEAR = 365 * 24 * 3600
ORIGIN = "regions"
Distribution = cloudfront.CfnDistribution
HeadersPolicy = cloudfront.CfnResponseHeadersPolicy


class Edge(MeridianStack):
    def __init__(self, scope: Construct, topology: Topology, *, artifact: str, region: str | None, code: Path) -> None:
        super().__init__(scope, topology, "edge", artifact=artifact, region=region)
        self.topology = topology
        distribution = self._distribution(self._certificate(), self._router(code), self._headers())
        for logical, kind in (("A", "A"), ("Aaaa", "AAAA")):
            self._alias(logical, kind, distribution)
        self._access_logs()
        self.output("DistributionId", distribution.ref)
        self.output("DistributionDomain", distribution.attr_domain_name)

    def _certificate(self) -> str:
        """ARN of the certificate that the document names, or of one that is requested."""
        domain = self.topology.domain
        if self.topology.edge.certificate_arn:
            return self.topology.edge.certificate_arn
        validation = acm.CfnCertificate.DomainValidationOptionProperty
        return acm.CfnCertificate(
            self,
            "Certificate",
            domain_name=domain.name,
            validation_method="DNS",
            domain_validation_options=[validation(domain_name=domain.name, hosted_zone_id=domain.zone_id)],
        ).ref

    def _router(self, code: Path) -> str:
        """ARN of the version that runs at the edge: one for each code and configuration, as versions never change."""
        asset = packages.package(self, "Code", code)
        settings: dict[str, Any] = {
            "runtime": "python3.13",
            "handler": "router.handler",
            "memory_size": 128,
            "timeout": 5,
        }
        role = role_arn(f"meridian-{self.topology.name}-edge")
        content = json.dumps([asset.asset_hash, role, settings], sort_keys=True).encode()
        function = lambda_.CfnFunction(
            self,
            "Router",
            architectures=["x86_64"],
            role=cdk.Fn.sub(role),
            code=packages.code(asset),
            **settings,
        )
        version = lambda_.CfnVersion(
            self, f"RouterVersion{hashlib.sha256(content).hexdigest()[:10]}", function_name=function.ref
        )
        for resource in (function, version):
            resource.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        return version.ref

    def _headers(self) -> str:
        config = HeadersPolicy.ResponseHeadersPolicyConfigProperty(
            name=f"meridian-{self.topology.name}",
            security_headers_config=HeadersPolicy.SecurityHeadersConfigProperty(
                strict_transport_security=HeadersPolicy.StrictTransportSecurityProperty(
                    access_control_max_age_sec=YEAR, include_subdomains=True, override=True
                ),
                content_type_options=HeadersPolicy.ContentTypeOptionsProperty(override=True),
                frame_options=HeadersPolicy.FrameOptionsProperty(frame_option="DENY", override=True),
                referrer_policy=HeadersPolicy.ReferrerPolicyProperty(referrer_policy="no-referrer", override=True),
            ),
        )
        return HeadersPolicy(self, "Headers", response_headers_policy_config=config).ref

    def _distribution(self, certificate: str, router: str, headers: str) -> cloudfront.CfnDistribution:
        edge = self.topology.edge
        config = Distribution.DistributionConfigProperty(
            aliases=[self.topology.domain.name],
            comment=f"meridian {self.topology.name}",
            enabled=True,
            ipv6_enabled=True,
            http_version=edge.http_version,
            price_class=edge.price_class,
            web_acl_id=edge.web_acl_arn,
            viewer_certificate=Distribution.ViewerCertificateProperty(
                acm_certificate_arn=certificate,
                minimum_protocol_version=edge.minimum_tls,
                ssl_support_method="sni-only",
            ),
            custom_error_responses=[
                Distribution.CustomErrorResponseProperty(error_code=code, error_caching_min_ttl=0) for code in ERRORS
            ],
            origins=[self._origin()],
            default_cache_behavior=self._behavior(router, headers),
        )
        return Distribution(self, "Distribution", distribution_config=config)

    def _origin(self) -> cloudfront.CfnDistribution.OriginProperty:
        """CloudFront resolves this name before it runs the router: it must always have an answer."""
        return Distribution.OriginProperty(
            id=ORIGIN,
            domain_name=self.topology.origin_name,
            connection_attempts=2,
            connection_timeout=3,
            custom_origin_config=Distribution.CustomOriginConfigProperty(
                origin_protocol_policy="https-only",
                origin_ssl_protocols=["TLSv1.2"],
                http_port=80,
                https_port=443,
                origin_read_timeout=30,
                origin_keepalive_timeout=5,
            ),
        )

    @staticmethod
    def _behavior(router: str, headers: str) -> cloudfront.CfnDistribution.DefaultCacheBehaviorProperty:
        return Distribution.DefaultCacheBehaviorProperty(
            target_origin_id=ORIGIN,
            # A redirect would turn a client's POST into a GET.
            viewer_protocol_policy="https-only",
            allowed_methods=METHODS,
            cached_methods=["GET", "HEAD"],
            cache_policy_id=CACHING_DISABLED,
            origin_request_policy_id=ALL_VIEWER_EXCEPT_HOST,
            response_headers_policy_id=headers,
            compress=False,
            lambda_function_associations=[
                Distribution.LambdaFunctionAssociationProperty(
                    event_type="origin-request", include_body=True, lambda_function_arn=router
                )
            ],
        )

    def _alias(self, logical: str, kind: str, distribution: cloudfront.CfnDistribution) -> None:
        route53.CfnRecordSet(
            self,
            logical,
            hosted_zone_id=self.topology.domain.zone_id,
            name=f"{self.topology.domain.name}.",
            type=kind,
            alias_target=route53.CfnRecordSet.AliasTargetProperty(
                dns_name=distribution.attr_domain_name, hosted_zone_id=CLOUDFRONT_ZONE, evaluate_target_health=False
            ),
        )

    def _access_logs(self) -> None:
        # Under this prefix one resource policy, which AWS keeps, lets the log service write to any group.
        name, group = f"meridian-{self.topology.name}-edge", f"/aws/vendedlogs/meridian/{self.topology.name}/edge"
        lines = logs.CfnLogGroup(self, "EdgeLogs", log_group_name=group, retention_in_days=LOG_DAYS)
        source = logs.CfnDeliverySource(
            self,
            "LogSource",
            name=name,
            log_type="ACCESS_LOGS",
            resource_arn=cdk.Fn.sub(arn("cloudfront", "distribution/${Distribution}", region="")),
        )
        destination = logs.CfnDeliveryDestination(
            self,
            "LogDestination",
            name=name,
            destination_resource_arn=cdk.Fn.sub(arn("logs", f"log-group:{group}")),
            output_format="json",
        )
        destination.add_resource_dependency(lines)
        logs.CfnDelivery(
            self, "LogDelivery", delivery_source_name=source.ref, delivery_destination_arn=destination.attr_arn
        )
