"""The way into the database: a token as botocore makes it, authorities that are valid, TLS that is verified."""

from __future__ import annotations

import datetime as dt
import re
import ssl
from types import SimpleNamespace

import botocore.auth
import pytest
import trustme
from botocore.credentials import Credentials
from botocore.hooks import HierarchicalEmitter
from botocore.model import ServiceId
from botocore.signers import RequestSigner, generate_db_auth_token
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.handlers.conftest import HANDLERS, sandbox
from tests.handlers.postgres import DATABASE, MASTER, PASSWORD, environment, reader, writer

SETTINGS = {"timezone": "UTC"}
BUNDLE = HANDLERS / "api" / "rds-global-bundle.pem"
AUTHORITIES = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", BUNDLE.read_text(), re.DOTALL)
RDS = sandbox(HANDLERS / "api", environment("eu-west-1")).rds


def botocores(host: str, user: str, region: str, credentials: dict[str, str], now: float) -> str:
    keys = Credentials(
        credentials["AWS_ACCESS_KEY_ID"], credentials["AWS_SECRET_ACCESS_KEY"], credentials.get("AWS_SESSION_TOKEN")
    )
    events = HierarchicalEmitter()  # the signer does not keep it alive
    signer = RequestSigner(ServiceId("RDS"), region, "rds-db", "v4", keys, events)
    client = SimpleNamespace(_request_signer=signer, meta=SimpleNamespace(region_name=region))
    moment = dt.datetime.fromtimestamp(now, dt.UTC).replace(tzinfo=None)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(botocore.auth, "get_current_datetime", lambda **_: moment)
        return generate_db_auth_token(client, host, 5432, user)


@settings(max_examples=300, deadline=None)
@given(
    host=st.from_regex(
        r"[a-z][a-z0-9-]{0,40}\.cluster(-ro)?-[a-z0-9]{4,12}\.eu-west-1\.rds\.amazonaws\.com", fullmatch=True
    ),
    user=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40),
    region=st.sampled_from(["us-east-1", "ap-northeast-1", "cn-north-1"]),
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60),
    session=st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=400),
    now=st.integers(0, 4_000_000_000),
)
def test_token_is_the_one_of_botocore(host, user, region, secret, session, now):
    credentials = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": secret}
    if session is not None:
        credentials["AWS_SESSION_TOKEN"] = session
    ours = RDS.token(host, user, region=region, credentials=credentials, now=float(now))
    assert ours == botocores(host, user, region, credentials, float(now))


def test_there_are_authorities():
    assert len(AUTHORITIES) > 80
    names = {certificate.subject.rfc4514_string() for certificate in map(parsed, AUTHORITIES)}
    for region in ("us-east-1", "eu-west-1", "ap-northeast-1"):
        assert any(f"CN=Amazon RDS {region} Root CA RSA2048 G1" in name for name in names), region


@pytest.mark.parametrize("number", range(len(AUTHORITIES)))
def test_authority_is_one_and_lasts_another_year(number):
    certificate = parsed(AUTHORITIES[number])
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate.not_valid_after_utc > dt.datetime.now(dt.UTC) + dt.timedelta(days=365)
    assert "O=Amazon Web Services" in certificate.subject.rfc4514_string()
    certificate.verify_directly_issued_by(certificate)


def parsed(text: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(text.encode())


def test_all_of_them_are_trusted_and_nobody_else(monkeypatch):
    monkeypatch.setattr(RDS, "AUTHORITIES", BUNDLE)
    RDS._trust.cache_clear()
    context = RDS._trust()
    RDS._trust.cache_clear()
    assert context.cert_store_stats()["x509_ca"] == len(AUTHORITIES)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def connected(rds, host, user=MASTER, password=PASSWORD):
    place = rds.Place(host=host, database=DATABASE, user=user, application="test")
    return rds.connect_with_password(place, password, SETTINGS, timeout=5)


def test_password_and_settings(service, pair):
    link = connected(service.rds, writer("us-east-1"))
    try:
        assert link.connection.run("SELECT current_user, current_setting('application_name')") == [[MASTER, "test"]]
        assert link.socket.version() in ("TLSv1.2", "TLSv1.3")
    finally:
        link.close()


def test_refusals_have_a_code_and_no_secret(service, pair):
    with pytest.raises(service.rds.DatabaseError) as caught:
        connected(service.rds, writer("us-east-1"), password="hunter2")
    assert service.rds.sqlstate(caught.value) == "28P01"
    assert service.rds.message(caught.value) == f'password authentication failed for user "{MASTER}"'
    assert "hunter2" not in repr(caught.value)


def test_server_of_another_name_is_refused(service, pair, network, monkeypatch):
    """Somebody who takes over the name's address has no certificate for it."""
    monkeypatch.setitem(network.names, "other.us-east-1.rds.amazonaws.com", network.names[writer("us-east-1")])
    with pytest.raises(ssl.SSLCertVerificationError, match=r"other\.us-east-1"):
        connected(service.rds, "other.us-east-1.rds.amazonaws.com")


def test_server_of_another_authority_is_refused(service, pair, tmp_path, monkeypatch):
    path = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    monkeypatch.setattr(service.rds, "AUTHORITIES", path)
    service.rds._trust.cache_clear()
    try:
        with pytest.raises(ssl.SSLCertVerificationError, match=r"unable to get local issuer|self-signed"):
            connected(service.rds, writer("us-east-1"))
    finally:
        service.rds._trust.cache_clear()


def test_server_without_tls_gets_no_password(service, pair, network, monkeypatch):
    """The server itself, past its door."""
    monkeypatch.setitem(network.names, writer("us-east-1"), pair.east.port)
    with pytest.raises(ConnectionRefusedError, match="does not speak TLS"):
        connected(service.rds, writer("us-east-1"))


def test_no_server(service, pair, network, monkeypatch):
    monkeypatch.setitem(network.names, writer("us-east-1"), 1)
    with pytest.raises(service.rds.BROKEN):
        connected(service.rds, writer("us-east-1"))
    with pytest.raises(service.rds.BROKEN):
        connected(service.rds, "gone.us-east-1.rds.amazonaws.com")


def test_closing_never_waits_and_never_fails(service, pair):
    link = connected(service.rds, reader("us-east-1"))
    link.socket.close()
    link.close()
    link.close()
