"""A valid document, defaults filled in, to the frozen topology; and the topology to its digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reconciler.load import migrations, times
from reconciler.model.topology import (
    Allow,
    Api,
    ClientAuth,
    Database,
    Domain,
    DriftPolicy,
    Edge,
    Health,
    Ignore,
    Region,
    Routing,
    Safety,
    Topology,
    Traffic,
    Window,
)

Fields = dict[str, Any]


def topology(data: Fields, *, root: Path, source: str) -> Topology:
    spec = data["spec"]
    domain = spec["domain"]
    return Topology(
        name=data["metadata"]["name"],
        account=spec["account"],
        home_region=spec["homeRegion"],
        domain=Domain(name=domain["name"], zone_id=domain["hostedZoneId"], zone_name=domain["hostedZoneName"]),
        regions=tuple(
            Region(name=region["name"], cidr=region["cidr"], traffic=Traffic(region["traffic"]))
            for region in spec["regions"]
        ),
        database=_database(spec["database"]),
        api=_api(spec["api"]),
        routing=Routing(
            policy=spec["routing"]["policy"],
            ttl_seconds=int(spec["routing"]["ttlSeconds"]),
            drain_seconds=int(spec["routing"]["drainSeconds"]),
        ),
        edge=_edge(spec["edge"]),
        safety=_safety(spec["safety"]),
        drift=_drift(spec["drift"]),
        suspend=spec["suspend"],
        migrations=migrations.read(root, spec["database"]["migrations"]),
        root=root,
        source=source,
    )


def digest(desired: Topology) -> str:
    """Hash of what the document declares: the same for any spelling of it, wherever it lies, whatever its folders hold."""
    declared = asdict(desired)
    del declared["root"], declared["source"], declared["migrations"]
    canonical = json.dumps(declared, sort_keys=True, separators=(",", ":"), default=str)
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def _database(fields: Fields) -> Database:
    return Database(
        engine=fields["engine"],
        version=fields["version"],
        name=fields["name"],
        writer=fields["writer"],
        min_capacity=float(fields["capacity"]["min"]),
        max_capacity=float(fields["capacity"]["max"]),
        instances_per_region=int(fields["instancesPerRegion"]),
        write_forwarding=fields["writeForwarding"],
        migrations=fields["migrations"],
        deletion_policy=fields["deletionPolicy"],
        max_replica_lag_ms=int(fields["maxReplicaLagMs"]),
    )


def _api(fields: Fields) -> Api:
    client, health = fields["auth"]["client"], fields["health"]
    return Api(
        code=fields["code"],
        handler=fields["handler"],
        runtime=fields["runtime"],
        memory_mb=int(fields["memoryMb"]),
        timeout_seconds=int(fields["timeoutSeconds"]),
        origin_auth=fields["auth"]["origin"],
        client=ClientAuth(mode=client["mode"], issuer=client["issuer"], audience=client["audience"]),
        throttle_rate=int(fields["throttle"]["rate"]),
        throttle_burst=int(fields["throttle"]["burst"]),
        health=Health(
            path=health["path"],
            interval_seconds=int(health["intervalSeconds"]),
            failure_threshold=int(health["failureThreshold"]),
        ),
    )


def _edge(fields: Fields) -> Edge:
    return Edge(
        price_class=fields["priceClass"],
        http_version=fields["httpVersion"],
        minimum_tls=fields["minimumTls"],
        web_acl_arn=fields["webAclArn"],
        certificate_arn=fields["certificateArn"],
    )


def _safety(fields: Fields) -> Safety:
    return Safety(
        min_serving=int(fields["minServing"]),
        soak_seconds=int(fields["soakSeconds"]),
        max_concurrent_regions=int(fields["maxConcurrentRegions"]),
        approval=fields["approval"],
        windows=tuple(
            Window(cron=item["cron"], duration=times.duration(item["duration"]), time_zone=item["timeZone"])
            for item in fields["windows"]
        ),
        allow=tuple(
            Allow(
                hazard=item["hazard"],
                region=item["region"],
                fingerprint=item["fingerprint"],
                expires=times.expiry(item["expires"]),
            )
            for item in fields["allow"]
        ),
    )


def _drift(fields: Fields) -> DriftPolicy:
    return DriftPolicy(
        mode=fields["mode"],
        ignore=tuple(
            Ignore(
                path=item["path"],
                reason=item["reason"],
                expires=times.expiry(item["expires"]) if item["expires"] else None,
            )
            for item in fields["ignore"]
        ),
        schedule=fields["schedule"],
    )
