"""What the public DNS answers, asked through this machine's resolver; on the embedded AWS, of its name server.

A name or a type that is not there is an empty answer; whatever keeps an answer from coming is `Unknown`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reconciler.aws.clock import loopback_endpoint
from reconciler.aws.issuer import name_server
from reconciler.model.observed import Unknown

if TYPE_CHECKING:
    from dns.resolver import Resolver

SECONDS = 5.0
"""For one question, its repetitions included."""


class PublicNames:
    """Each question is one of its own: many may be asked at once."""

    def __init__(self) -> None:
        self._resolver: Resolver | Unknown = _resolver()

    def ask(self, name: str, kind: str) -> tuple[str, ...] | Unknown:
        import dns.exception  # noqa: PLC0415  # a command pays for what it uses
        import dns.resolver  # noqa: PLC0415

        if isinstance(self._resolver, Unknown):
            return self._resolver
        try:
            found = self._resolver.resolve(f"{name}.", kind, lifetime=SECONDS)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except dns.exception.DNSException as error:
            return Unknown("Unreachable", f"the DNS gives no answer for {kind} of {name} ({type(error).__name__})")
        return tuple(sorted(item.to_text() for item in found))


def _resolver() -> Resolver | Unknown:
    import dns.exception  # noqa: PLC0415
    import dns.resolver  # noqa: PLC0415

    endpoint = loopback_endpoint()
    embedded = name_server(*endpoint, time.monotonic() + SECONDS) if endpoint else None
    if embedded:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [embedded[0]], embedded[1]
        return resolver
    try:
        return dns.resolver.Resolver()
    except (dns.exception.DNSException, OSError) as error:
        return Unknown("Unreachable", f"this machine has no DNS resolver ({type(error).__name__})")
