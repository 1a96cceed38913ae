"""What one would write instead of the edge router's own `resolve` and `sign`: dnspython asks, botocore signs.

Both take and give what the router's do, so that they go into a second copy of it and all else is the same.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import dns.exception
import dns.resolver
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

DNS_SECONDS = 0.3


def resolve(name: str, _transport: object) -> tuple[str, int] | None:
    host, _, port = os.environ["DNS_RESOLVER"].rpartition(":")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [host], int(port)
    try:
        answer = resolver.resolve(name, "CNAME", lifetime=DNS_SECONDS)
    except dns.exception.DNSException:
        return None
    return str(answer[0].target).rstrip("."), answer.rrset.ttl


def sign(
    request: dict[str, Any], host: str, environment: Mapping[str, str], _now: float, *, region: str
) -> dict[str, Any]:
    credentials = Credentials(
        environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], environment.get("AWS_SESSION_TOKEN")
    )
    query = request["querystring"]
    url = f"https://{host}{request['uri']}" + (f"?{query}" if query else "")
    signed = AWSRequest(request["method"], url, data=request["body"]["data"].encode())
    SigV4Auth(credentials, "execute-api", region).add_auth(signed)
    return {name.lower(): [{"key": name, "value": value}] for name, value in signed.headers.items()}
