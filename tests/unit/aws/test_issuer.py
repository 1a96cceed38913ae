"""An issuer over real TLS on loopback: what is fetched of it, and how little it can do to whoever asks."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme

from reconciler.aws import issuer as adapter
from reconciler.aws.issuer import HttpsIssuers, is_public
from reconciler.model.observed import Unknown
from tests.unit.aws.test_jwks import GOOD, published

HOST = "login.example.com"
Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        self.server.answers[self.path](self)

    def log_message(self, *_: object) -> None:
        pass


def document(content: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def raw(*parts: bytes, pause: float = 0.0) -> Answer:
    def answer(handler: Handler) -> None:
        handler.close_connection = True
        try:
            for part in parts:
                handler.wfile.write(part)
                time.sleep(pause)
        except OSError:
            pass  # whoever asked has hung up

    return answer


class Issuer:
    """Serves its two documents; each can be exchanged."""

    def __init__(self, certificate: trustme.LeafCert) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.address = f"https://{HOST}:{self.server.server_port}/"
        found = {"issuer": self.address, "jwks_uri": f"{self.address}certs"}
        self.server.asked = []
        self.server.answers = {
            "/.well-known/openid-configuration": document(json.dumps(found).encode()),
            "/certs": document(published(GOOD)),
        }
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def publishes(self, answer: Answer) -> None:
        self.server.answers["/certs"] = answer

    def keys(self) -> object:
        return HttpsIssuers().keys(self.address)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def issuer(authority, monkeypatch, tmp_path) -> Iterator[Issuer]:
    """Trusted, at a name that leads to this machine as if that were a public address."""
    pem = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(adapter, "SECONDS", 3.0)
    resolved = socket.getaddrinfo

    def lookup(host, port, *how, **more):
        return resolved("127.0.0.1" if host.endswith("example.com") else host, port, *how, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(adapter, "is_public", lambda _address: True)
    served = Issuer(authority.issue_cert(HOST))
    yield served
    served.server.shutdown()
    served.server.server_close()


def test_keys_are_fetched_over_verified_tls(issuer):
    [key] = issuer.keys()
    assert (key.kid, key.n, key.e) == (GOOD["kid"], GOOD["n"], GOOD["e"])
    paths = [path for path, _ in issuer.server.asked]
    assert paths == ["/.well-known/openid-configuration", "/certs"]
    assert issuer.server.asked[0][1]["Host"] == f"{HOST}:{issuer.server.server_port}"


def test_a_chunked_answer_is_put_together(issuer):
    body = published(GOOD)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in (body[:100], body[100:])) + b"0\r\n\r\n"
    issuer.publishes(raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunks))
    assert len(issuer.keys()) == 1


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (document(b"", 302, Location="https://127.0.0.1/"), "BadStatus"),
        (document(b"no", 500), "BadStatus"),
        (document(published(GOOD), 203), "BadStatus"),
        (document(published(GOOD), Content_Encoding="gzip"), "Encoded"),
        (document(published(GOOD) + b" " * 65_536), "TooLarge"),
        (raw(HEAD + b"\r\n", *[b" " * 4096] * 40), "TooLarge"),
        (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"zz\r\n"), "Unreachable"),
        (raw(HEAD + b"X: " + b"y" * 70_000 + b"\r\n\r\n"), "Unreachable"),
        (raw(HEAD + b"X: y\r\n" * 200 + b"\r\n"), "Unreachable"),
        (raw(HEAD + b"Content-Length: 500\r\n\r\n{"), "NotJson"),
        (raw(b"\x00\xff" * 100), "Unreachable"),
        (raw(b""), "Unreachable"),
    ],
)
def test_whatever_else_it_answers_is_unknown(issuer, answer, code):
    issuer.publishes(answer)
    found = issuer.keys()
    assert isinstance(found, Unknown)
    assert found.code == code


@pytest.mark.parametrize("head", [b"", HEAD, HEAD + b"Content-Length: 4000\r\n\r\n"])
def test_one_byte_at_a_time_does_not_hold_a_pass_up(issuer, monkeypatch, head):
    monkeypatch.setattr(adapter, "SECONDS", 0.4)
    issuer.publishes(raw(head, *[b"x"] * 600, pause=0.05))
    begun = time.monotonic()
    found = issuer.keys()
    assert isinstance(found, Unknown)
    assert found.code == "Unreachable"
    assert time.monotonic() - begun < 15


def test_a_name_lookup_that_hangs_does_not_hold_a_pass_up(issuer, monkeypatch):
    monkeypatch.setattr(adapter, "SECONDS", 0.2)
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: over.wait(60) and [])
    begun = time.monotonic()
    assert isinstance(issuer.keys(), Unknown)
    assert time.monotonic() - begun < 30
    over.set()


@pytest.mark.parametrize("wrong", ["another name", "another authority"])
def test_a_certificate_that_does_not_prove_the_name_is_no_answer(issuer, authority, wrong):
    certificate = (
        authority.issue_cert("other.example.com") if wrong == "another name" else trustme.CA().issue_cert(HOST)
    )
    imposter = Issuer(certificate)
    try:
        found = imposter.keys()
        assert isinstance(found, Unknown)
        assert "SSLCertVerificationError" in found.message
        assert not imposter.server.asked
    finally:
        imposter.server.shutdown()
        imposter.server.server_close()


def test_a_name_that_leads_into_a_private_network_is_not_followed(issuer, monkeypatch):
    monkeypatch.setattr(adapter, "is_public", is_public)
    found = issuer.keys()
    assert isinstance(found, Unknown)
    assert found.code == "PrivateAddress"
    assert not issuer.server.asked


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("10.0.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fd00:ec2::254", False),
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:169.254.169.254", False),
    ],
)
def test_which_addresses_are_public(address, public):
    assert is_public(address) is public


def test_an_answer_is_good_for_a_minute(issuer, monkeypatch):
    asked: list[str] = []

    def fetch(address: str, _until: float) -> bytes:
        asked.append(address)
        raise OSError("down")

    issuers = HttpsIssuers(fetch)
    first = issuers.keys(issuer.address)
    assert issuers.keys(issuer.address) == first
    assert len(asked) == 1
    monkeypatch.setattr(adapter, "KEPT", 0.0)
    issuers.keys(issuer.address)
    assert len(asked) == 2
