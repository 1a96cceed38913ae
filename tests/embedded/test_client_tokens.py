"""Tokens end to end: an issuer beside the embedded AWS, its keys shipped by passes, tokens verified by the deployed functions.

The issuer is an outside party: a name in the zone that leads to a loopback address, where it answers on the server's port, over
plain HTTP that counts as HTTPS, like every name there.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from reconciler.aws import issuer as adapter
from reconciler.drive import Run
from reconciler.loop import run_pass
from reconciler.model.outcome import Outcome, Result
from reconciler.model.topology import ClientAuth, Topology
from reconciler.wiring import ports
from tests.embedded.conftest import SPEED, Aws
from tests.embedded.converged import PASSES, QUICKLY, Converged, converged
from tests.embedded.edge_client import LONDON, NEW_YORK, TOKYO, Client
from tests.embedded.test_drift import ZONE
from tests.handlers.test_identity import header, jwk, token

HOST, ADDRESS = "login.example.com", "127.9.0.1"
ISSUER = f"https://{HOST}/"
OLD, NEW = (rsa.generate_private_key(65537, 2048) for _ in range(2))
PLACES = (LONDON, TOKYO, NEW_YORK)


class Issuer:
    """Serves two documents; `keys` may be exchanged, `silent` makes it fail."""

    def __init__(self, aws: Aws) -> None:
        issuer = self
        self.keys = [jwk(OLD, "old")]
        self.silent = False
        configuration = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}certs"}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                published = {"keys": [{"kty": "RSA", **key} for key in issuer.keys]}
                content = json.dumps(published if self.path == "/certs" else configuration).encode()
                self.send_response(500 if issuer.silent else 200)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer((ADDRESS, int(aws.url.rpartition(":")[2])), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


def with_tokens(topology: Topology) -> Topology:
    client = ClientAuth(mode="jwt", issuer=ISSUER, audience="orders")
    return replace(topology, api=replace(topology.api, client=client), safety=replace(topology.safety, soak_seconds=0))


@pytest.fixture(scope="module")
def world(server: Aws) -> Iterator[Converged]:
    with converged(server) as base:
        base.restore()
        yield base


@pytest.fixture(scope="module")
def issuer(world: Converged) -> Iterator[Issuer]:
    record = {"Name": HOST, "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": ADDRESS}]}
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    world.aws.client("route53").change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch=batch)
    found = Issuer(world.aws)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapter, "KEPT", 0.0)
        yield found
    found.server.shutdown()
    found.server.server_close()


def converge(world: Converged) -> Outcome:
    run, aws = Run(patience=30), ports()
    world.aws.go(QUICKLY)
    for _ in range(PASSES):
        outcome = run_pass(aws, with_tokens(world.topology), run)
        assert not outcome.problems, outcome.problems
        if outcome.result is Result.CONVERGED:
            world.aws.go(SPEED)
            return outcome
        aws.clock.sleep(10)
    raise AssertionError(outcome.plan.waves[0])


def statuses(world: Converged, bearer: str | None = None) -> set[int]:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return {Client(world.aws, place).asks(**headers).status for place in PLACES}


def signed(private: rsa.RSAPrivateKey, kid: str, **claims: object) -> str:
    return token(private, header(kid=kid), **claims)


def condition(outcome: Outcome) -> str:
    return next(c.status for c in outcome.conditions if c.type == "ClientKeys")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_tokens_are_verified_in_whichever_region_is_near_while_the_issuers_keys_turn_over(world, issuer):
    old, new = signed(OLD, "old"), signed(NEW, "new")
    assert statuses(world) == {200}, "public before"

    assert condition(converge(world)) == "True"
    assert statuses(world) == {401}
    assert statuses(world, old) == {200}
    assert statuses(world, signed(OLD, "old", exp=1)) == {401}
    assert statuses(world, signed(OLD, "old", aud="parcels")) == {401}
    assert statuses(world, signed(NEW, "old")) == statuses(world, new) == {401}

    issuer.keys = [jwk(OLD, "old"), jwk(NEW, "new")]
    converge(world)
    assert statuses(world, old) == statuses(world, new) == {200}

    issuer.silent, issuer.keys = True, []
    outcome = converge(world)
    assert (condition(outcome), outcome.plan.steps) == ("Unknown", ())
    assert statuses(world, old) == statuses(world, new) == {200}

    issuer.silent, issuer.keys = False, [jwk(NEW, "new")]
    converge(world)
    assert statuses(world, old) == {401}
    assert statuses(world, new) == {200}
