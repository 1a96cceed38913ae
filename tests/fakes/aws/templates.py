"""Templates just large enough for the fake to build from and for observation to compare: every name as in the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.stacks import Template, camel, gate_parameter
from reconciler.model.topology import Topology

OUTPUTS = ("SubnetIds", "FunctionGroupId", "WriterEndpoint", "ReaderEndpoint", "ClusterResourceId")


def templates(topology: Topology) -> dict[str, Template]:
    data, api = _data(topology), _api(topology)
    master = {"Master": {"Type": "AWS::SecretsManager::Secret", "DeletionPolicy": "Retain", "Properties": {}}}
    password = {"MasterUserPassword": {"Fn::Sub": "{{resolve:secretsmanager:${Master}:SecretString:password}}"}}
    names = {"MasterUsername": "meridian_master", "DatabaseName": topology.database.name}
    bodies = {
        "foundation": {"Resources": {"Assets": _r("AWS::S3::Bucket", {})}},
        "foundation-home": {
            "Resources": {"Assets": _r("AWS::S3::Bucket", {}), "State": _r("AWS::DynamoDB::Table", {})}
        },
        "global": {"Resources": {"GlobalCluster": _global(topology)}},
        "data": _with(data, {}, {}),
        "data-founder": _with(data, master, {**password, **names}),
        "data-heir": _with(data, master, password),
        "api": api,
        "routing": _routing(topology),
        "edge": _edge(topology),
    }
    return {key: Template(key, body) for key, body in bodies.items()}


def _global(topology: Topology) -> dict[str, Any]:
    properties = {
        "GlobalClusterIdentifier": topology.global_cluster,
        "Engine": topology.database.engine,
        "EngineVersion": topology.database.version,
        "StorageEncrypted": True,
        "DeletionProtection": True,
    }
    return {**_r("AWS::RDS::GlobalCluster", properties), "DeletionPolicy": "Retain"}


def _data(topology: Topology) -> dict[str, Any]:
    database = topology.database
    cluster = {
        "DBClusterIdentifier": {"Fn::Sub": topology.name + "-${AWS::Region}"},
        "GlobalClusterIdentifier": topology.global_cluster,
        "Engine": database.engine,
        "EngineVersion": database.version,
        "DeletionProtection": True,
        "ServerlessV2ScalingConfiguration": {
            "MinCapacity": database.min_capacity,
            "MaxCapacity": database.max_capacity,
        },
    }
    instances = {
        f"Instance{n}": _r(
            "AWS::RDS::DBInstance", {"DBInstanceIdentifier": {"Fn::Sub": topology.name + "-${AWS::Region}-" + str(n)}}
        )
        for n in range(database.instances_per_region)
    }
    return {
        "Parameters": {"Cidr": {"Type": "String"}, "Zones": {"Type": "CommaDelimitedList"}},
        "Resources": {
            "Vpc": _r("AWS::EC2::VPC", {"CidrBlock": {"Ref": "Cidr"}}),
            "Cluster": {**_r("AWS::RDS::DBCluster", cluster), "DeletionPolicy": "Snapshot"},
            **instances,
        },
    }


def _with(data: Mapping[str, Any], resources: Mapping[str, Any], cluster: Mapping[str, Any]) -> dict[str, Any]:
    old = data["Resources"]["Cluster"]
    grown = {**old, "Properties": {**old["Properties"], **cluster}}
    return {**data, "Resources": {**data["Resources"], "Cluster": grown, **resources}}


def _api(topology: Topology) -> dict[str, Any]:
    api, origin = topology.api, topology.origin_name
    tokens = api.client.mode != "none"
    function = {"MemorySize": api.memory_mb, "Timeout": api.timeout_seconds}
    if tokens:
        variables = {"CLIENT_ISSUER": api.client.issuer, "CLIENT_KEYS": {"Ref": "ClientKeys"}}
        function["Environment"] = {"Variables": variables}
    check = {
        "Type": "HTTPS",
        "FullyQualifiedDomainName": {"Fn::Sub": "${AWS::Region}." + origin},
        "ResourcePath": api.health.path,
        "RequestInterval": api.health.interval_seconds,
        "FailureThreshold": api.health.failure_threshold,
    }
    record = {
        "Name": {"Fn::Sub": "${AWS::Region}." + origin + "."},
        "Type": "A",
        "HostedZoneId": topology.domain.zone_id,
        "AliasTarget": {
            "DNSName": {"Fn::GetAtt": ["RegionalDomain", "RegionalDomainName"]},
            "HostedZoneId": {"Fn::GetAtt": ["RegionalDomain", "RegionalHostedZoneId"]},
            "EvaluateTargetHealth": False,
        },
    }
    return {
        "Parameters": {name: {"Type": "String"} for name in (*OUTPUTS, *(["ClientKeys"] if tokens else []))},
        "Resources": {
            "Function": _r("AWS::Lambda::Function", function),
            "Migrate": _r("AWS::Lambda::Function", {"FunctionName": topology.migrator}),
            "RegionalDomain": _r(
                "AWS::ApiGateway::DomainName", {"DomainName": {"Fn::Sub": "${AWS::Region}." + origin}}
            ),
            "Record": _r("AWS::Route53::RecordSet", record),
            "Probe": _r("AWS::Route53::HealthCheck", {"HealthCheckConfig": check}),
        },
        "Outputs": {"ProbeId": {"Value": {"Ref": "Probe"}}},
    }


def _routing(topology: Topology) -> dict[str, Any]:
    records: dict[str, Any] = {}
    for region in topology.region_names:
        common = {
            "HostedZoneId": topology.domain.zone_id,
            "Region": region,
            "SetIdentifier": region,
            "HealthCheckId": {"Ref": gate_parameter(region)},
        }
        target = topology.region_origin(region)
        route = {
            **common,
            "Name": f"{topology.route_name}.",
            "Type": "CNAME",
            "TTL": str(topology.routing.ttl_seconds),
            "ResourceRecords": [target],
        }
        alias = {"DNSName": f"{target}.", "HostedZoneId": topology.domain.zone_id, "EvaluateTargetHealth": True}
        origin = {**common, "Name": f"{topology.origin_name}.", "Type": "A", "AliasTarget": alias}
        records[f"Route{camel(region)}"] = _r("AWS::Route53::RecordSet", route)
        records[f"Origin{camel(region)}"] = _r("AWS::Route53::RecordSet", origin)
    return {"Parameters": {gate_parameter(r): {"Type": "String"} for r in topology.region_names}, "Resources": records}


def _edge(topology: Topology) -> dict[str, Any]:
    domain = topology.domain
    alias = {
        "DNSName": {"Fn::GetAtt": ["Distribution", "DomainName"]},
        "HostedZoneId": "Z2FDTNDATAQYW2",
        "EvaluateTargetHealth": False,
    }
    # The router's code is no part of the document. Here it goes with the price class, so that commits change it now and then.
    version = f"RouterVersion{topology.edge.price_class.removeprefix('PriceClass_')}"
    association = {"EventType": "origin-request", "LambdaFunctionARN": {"Ref": version}}
    config = {
        "Aliases": [domain.name],
        "Enabled": True,
        "PriceClass": topology.edge.price_class,
        "DefaultCacheBehavior": {"LambdaFunctionAssociations": [association]},
    }
    record = {"Name": f"{domain.name}.", "Type": "A", "HostedZoneId": domain.zone_id, "AliasTarget": alias}
    return {
        "Resources": {
            "Router": {**_r("AWS::Lambda::Function", {"MemorySize": 128, "Timeout": 5}), "DeletionPolicy": "Retain"},
            version: {**_r("AWS::Lambda::Version", {"FunctionName": {"Ref": "Router"}}), "DeletionPolicy": "Retain"},
            "Distribution": _r("AWS::CloudFront::Distribution", {"DistributionConfig": config}),
            "A": _r("AWS::Route53::RecordSet", record),
        }
    }


def _r(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"Type": kind, "Properties": dict(properties)}
