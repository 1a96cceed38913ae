"""Asks the embedded AWS's name servers, as a resolver in some place would."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Any

import dns.edns
import dns.message
import dns.query
import dns.rcode

from tests.embedded.conftest import Aws
from tests.embedded.test_drift import ZONE

PLACES = {"new-york": 101, "london": 107, "delhi": 116}
PROBE = {"Type": "HTTPS", "RequestInterval": 10, "FailureThreshold": 1}


@dataclass(frozen=True, slots=True)
class Dns:
    aws: Aws

    @property
    def port(self) -> int:
        return int(self.aws.control("clock")[1]["dns"].partition(":")[2])

    def send(self, query: dns.message.Message, *, tcp: bool = False, source: str | None = None) -> dns.message.Message:
        by = dns.query.tcp if tcp else dns.query.udp
        return by(query, "127.0.0.1", port=self.port, timeout=5, source=source)

    def ask(self, name: str, kind: str = "A", place: str = "", **how: Any) -> dns.message.Message:
        """From a place by its client subnet; without one as a resolver that tells none."""
        options = [dns.edns.ECSOption(f"198.18.{PLACES[place]}.0", 24)] if place else []
        return self.send(dns.message.make_query(name, kind, use_edns=0, options=options), **how)

    def values(self, name: str, kind: str = "A", place: str = "") -> list[str]:
        """What the answer has of this type."""
        found = [rrset for rrset in self.ask(name, kind, place).answer if rrset.to_text().split()[3] == kind]
        return sorted(item.to_text() for rrset in found for item in rrset)

    def rcode(self, name: str, kind: str = "A") -> str:
        return dns.rcode.to_text(self.ask(name, kind).rcode())

    def raw(self, packet: bytes, *, timeout: float = 0.3) -> bytes | None:
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            client.settimeout(timeout)
            client.sendto(packet, ("127.0.0.1", self.port))
            try:
                return client.recv(65535)
            except TimeoutError:
                return None

    def stream(self, data: bytes) -> bytes:
        """What comes back for these bytes on a TCP connection, until the server closes it or says no more."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=0.5) as client:
            client.sendall(data)
            found = b""
            try:
                while part := client.recv(65535):
                    found += part
            except TimeoutError:
                pass
            return found

    # ---- what there is to be asked ---------------------------------------------------------------------------------------

    def change(self, *changes: tuple[str, dict[str, Any]]) -> str:
        """The id of the change."""
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": row} for action, row in changes]}
        route53 = self.aws.client("route53")
        return str(route53.change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch=batch)["ChangeInfo"]["Id"])

    def create(self, *rows: dict[str, Any]) -> None:
        self.insync(self.change(*(("CREATE", row) for row in rows)))

    def insync(self, change: str) -> None:
        route53 = self.aws.client("route53")
        self.aws.until(lambda: route53.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC")

    def check(self, name: str, *, healthy: bool, **config: Any) -> str:
        """A probe that says what it is told to."""
        config = {**PROBE, "FullyQualifiedDomainName": f"{name}.example.com", **config}
        made = self.aws.client("route53").create_health_check(CallerReference=name, HealthCheckConfig=config)
        self.set(made["HealthCheck"]["Id"], healthy=healthy)
        return str(made["HealthCheck"]["Id"])

    def set(self, check: str, *, healthy: bool) -> None:
        status = "healthy" if healthy else "unhealthy"
        assert self.aws.control("health", {"id": check, "status": status})[0] == 200


def row(name: str, *values: str, kind: str = "A", ttl: int = 60, **more: Any) -> dict[str, Any]:
    records = [{"Value": value} for value in values]
    return {"Name": f"{name}.example.com", "Type": kind, "TTL": ttl, "ResourceRecords": records, **more}


def alias(name: str, target: str, *, kind: str = "A", zone: str = ZONE, evaluate: bool = False, **more: Any) -> dict:
    pointed = {"HostedZoneId": zone, "DNSName": target, "EvaluateTargetHealth": evaluate}
    return {"Name": f"{name}.example.com", "Type": kind, "AliasTarget": pointed, **more}


def length(packet: bytes) -> bytes:
    return struct.pack("!H", len(packet)) + packet
