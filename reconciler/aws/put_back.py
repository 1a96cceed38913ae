"""Requests that put back what neither a template nor the database's own calls reach: a key, a record. One attempt each."""

from __future__ import annotations

from reconciler.aws.clients import Clients
from reconciler.aws.read_global import GLOBAL
from reconciler.aws.sending import send
from reconciler.model.requests import EnableProbe, PutRecord, RescueKey, RotateKey

TTL = 300


def perform(clients: Clients, request: RescueKey | RotateKey | PutRecord | EnableProbe) -> None:
    match request:
        case RescueKey():
            _rescue(clients, request)
        case RotateKey():
            kms = clients.writer("kms", request.region)
            send(request.call, request.region, lambda: kms.enable_key_rotation(KeyId=request.key))
        case PutRecord():
            _put(clients, request)
        case EnableProbe():
            route53 = clients.writer("route53", GLOBAL)
            on = {"HealthCheckId": request.probe, "Disabled": False}
            send(request.call, GLOBAL, lambda: route53.update_health_check(**on))


def _rescue(clients: Clients, request: RescueKey) -> None:
    """A key that is taken back from its deletion is disabled; one that was not on its way out refuses that with
    KMSInvalidStateException [V: API reference, key states]."""
    kms = clients.writer("kms", request.region)
    send(
        "kms:CancelKeyDeletion",
        request.region,
        lambda: kms.cancel_key_deletion(KeyId=request.key),
        "KMSInvalidStateException",
    )
    send(request.call, request.region, lambda: kms.enable_key(KeyId=request.key))


def _put(clients: Clients, request: PutRecord) -> None:
    route53 = clients.writer("route53", GLOBAL)
    record = {
        "Name": request.name,
        "Type": request.type,
        "TTL": TTL,
        "ResourceRecords": [{"Value": request.value}],
    }
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    send(
        request.call,
        GLOBAL,
        lambda: route53.change_resource_record_sets(HostedZoneId=request.zone, ChangeBatch=batch),
    )
