"""Lambda@Edge, origin-request: sends a request to the nearest healthy Region and signs it for that Region.

The nearest Region is what Route 53 answers for `route.<domain>`: a CNAME to `<region>.origin.<domain>`. The answer
is kept for its TTL. Whatever goes wrong here, the request goes on to the origin that CloudFront already chose: a
function that throws is a 502 for the client.

Ships alone: standard library only. `config.json`, written beside this file at synthesis, has the names; of the environment it
takes the role's credentials, which Lambda puts there. [V: Lambda@Edge Developer Guide, "Restrictions on edge functions"]
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import random
import re
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

CONFIG = json.loads(Path(__file__).with_name("config.json").read_text(encoding="utf-8"))
ROUTE: str = CONFIG["route"]
ORIGIN: str = CONFIG["origin"]
HOSTS = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d)\." + re.escape(ORIGIN))
"""Hosts this deployment may use, whatever DNS says. Always matched in full."""

DNS_TRIES, DNS_SECONDS = 2, 0.15
TTL_SECONDS = (5, 60)
STALE_SECONDS = 60
"""How long an expired answer may serve while DNS does not answer; then requests pass through."""
RETRY_SECONDS = 3
LOGGED = 200
"""Characters of an error that go into the log."""
CNAME, INTERNET = 5, 1
PARTS = 128
"""Labels and pointers that a name may have: one label for every other of its 255 octets, and the root. No loops."""
LONGEST = 8191
"""Characters of path and query that CloudFront passes on."""
REMOVED = re.compile(r"x-amz-(?!cf-)|x-edge-|x-meridian-|x-client-authorization$", re.IGNORECASE)
"""Headers that only this function may set. `x-amz-cf-` is CloudFront's own and must stay as it is."""

Request = dict[str, Any]
Transport = Callable[[bytes], bytes | None]


class Answer(NamedTuple):
    host: str
    ttl: int


class Moment(NamedTuple):
    monotonic: float = 0.0
    wall: float = 0.0

    def seconds_to(self, later: Moment) -> float:
        """By the clock that says more: one may stand still while a sandbox is frozen [K], the other may be set back."""
        return max(later.monotonic - self.monotonic, later.wall - self.wall)


class Memory(NamedTuple):
    """The last good answer: when it came, for how many seconds not to ask again, and for how many it may be used."""

    host: str | None = None
    since: Moment = Moment()
    quiet: float = 0.0
    good: float = 0.0


_memory = Memory()


def handler(event: Mapping[str, Any], _context: object) -> Request:
    try:
        request = clean(event["Records"][0]["cf"]["request"])
    except Exception:  # noqa: BLE001  # what cannot be cleaned does not come from CloudFront, and may be forged
        return refusal(502, "Bad Gateway", "this is not an origin-request event")
    try:
        if (request.get("body") or {}).get("inputTruncated"):
            return refusal(413, "Payload Too Large", "a body may have at most 1 MB")
        return forward(request)
    except Exception as error:  # noqa: BLE001  # the configured origin is always better than a 502
        print(json.dumps({"level": "error", "error": f"{type(error).__name__}: {error}"[:LOGGED]}))  # noqa: T201
        return marked(request, "none", "passthrough")


def forward(request: Request) -> Request:
    """The request for the nearest Region, signed; as it came while no Region is known, or if it is for another origin."""
    global _memory  # noqa: PLW0603  # one sandbox serves one request at a time
    if (request["origin"].get("custom") or {}).get("domainName") != ORIGIN:
        return marked(request, "none", "passthrough")
    now = Moment(time.monotonic(), time.time())
    age = _memory.since.seconds_to(now)
    if is_asking := not 0 <= age < _memory.quiet:
        answer = resolve(ROUTE, exchange)
        _memory = choose(_memory, answer, now, jitter=random.uniform(0.9, 1.0))  # noqa: S311  # spreads load, no secret
        age = _memory.since.seconds_to(now)
    if _memory.host is None or not 0 <= age < _memory.good:
        return marked(request, "none", "passthrough")
    source = "stale" if age >= _memory.good - STALE_SECONDS else "dns" if is_asking else "cache"
    region = _memory.host.partition(".")[0]
    routed = marked(rewrite(request, _memory.host), region, source)
    signature = sign(routed, _memory.host, os.environ, now.wall, region=region)
    return {**routed, "headers": {**routed["headers"], **signature}}


def choose(memory: Memory, answer: Answer | None, now: Moment, *, jitter: float) -> Memory:
    """What to remember after asking: the answer for its TTL, or the old one for a little longer."""
    if answer is None:
        return memory._replace(quiet=memory.since.seconds_to(now) + RETRY_SECONDS)
    shortest, longest = TTL_SECONDS
    kept = min(max(answer.ttl, shortest), longest) * jitter
    return Memory(answer.host, now, kept, kept + STALE_SECONDS)


def clean(request: Request) -> Request:
    """Without headers that a client could forge; its own credentials travel in `x-client-authorization`."""
    headers = {name: values for name, values in request["headers"].items() if not REMOVED.match(name)}
    if client := headers.pop("authorization", None):
        name = "X-Client-Authorization"
        headers[name.lower()] = [{"key": name, "value": item["value"]} for item in client]
    return {**request, "headers": headers}


def marked(request: Request, region: str, source: str) -> Request:
    """Tells the Region how the request came to it."""
    mark = [{"key": "X-Meridian-Route", "value": f"{region};src={source}"}]
    return {**request, "headers": {**request["headers"], "x-meridian-route": mark}}


def rewrite(request: Request, host: str) -> Request:
    """The request with `host` as its origin and Host, and its query in the one spelling that a signature can cover."""
    origin = {**request["origin"], "custom": {**request["origin"]["custom"], "domainName": host}}
    headers = {**request["headers"], "host": [{"key": "Host", "value": host}]}
    query = "&".join(f"{name}={value}" for name, value in parameters(request["querystring"]))
    if len(request["uri"]) + len(query) > LONGEST:
        query = request["querystring"]
    return {**request, "origin": origin, "headers": headers, "querystring": query}


def sign(
    request: Request,
    host: str,
    environment: Mapping[str, str],
    now: float,
    *,
    region: str,
    service: str = "execute-api",
) -> dict[str, list[dict[str, str]]]:
    """Headers of a version 4 signature. It covers only what CloudFront leaves alone."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    signed = {"host": host, "x-amz-date": stamp}
    if token := environment.get("AWS_SESSION_TOKEN"):
        signed["x-amz-security-token"] = token
    names = ";".join(signed)
    path = quote(plain_path(request["origin"]["custom"].get("path", "") + request["uri"]), safe="/~")
    query = "&".join(f"{name}={value}" for name, value in sorted(parameters(request["querystring"])))
    headers = "".join(f"{name}:{value}\n" for name, value in signed.items())
    content = hashlib.sha256(body(request)).hexdigest()
    canonical = "\n".join([request["method"], path, query, headers, names, content])
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{environment['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    credential = f"{environment['AWS_ACCESS_KEY_ID']}/{scope}"
    authorization = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    added = {**signed, "authorization": authorization}
    del added["host"]
    return {name: [{"key": name.title(), "value": value}] for name, value in added.items()}


def parameters(query: str) -> list[tuple[str, str]]:
    """Names and values, percent-encoded as signatures want them. `+` is a space, as in a form."""
    pairs = (part.replace("+", "%20").partition("=") for part in query.split("&") if part)
    decoded = ((unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in pairs)
    return [(quote_from_bytes(name, safe="~"), quote_from_bytes(value, safe="~")) for name, value in decoded]


def plain_path(uri: str) -> str:
    """Without empty and dot segments."""
    kept: list[str] = []
    for part in uri.split("/"):
        if part == "..":
            kept = kept[:-1]
        elif part not in ("", "."):
            kept.append(part)
    return "/" + "/".join(kept) + ("/" if kept and uri.endswith("/") else "")


def body(request: Request) -> bytes:
    content = request.get("body") or {}
    data = content.get("data") or ""
    return base64.b64decode(data) if content.get("encoding") == "base64" else data.encode()


def refusal(status: int, description: str, message: str) -> Request:
    """An answer made here; the Region is not asked."""
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return {
        "status": str(status),
        "statusDescription": description,
        "headers": {name.lower(): [{"key": name, "value": value}] for name, value in headers.items()},
        "body": json.dumps({"message": message}),
    }


def resolve(name: str, transport: Transport) -> Answer | None:
    """One question for the CNAME of `name`; None unless the answer is well formed and a host of this deployment."""
    number = random.getrandbits(16)  # with the random port; a forged answer could only name another Region
    question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0\0\5\0\1"
    packet = transport(number.to_bytes(2, "big") + b"\1\0\0\1\0\0\0\0\0\0" + question)
    if packet is None:
        return None
    try:
        answer = parse(packet, number, name)
    except (IndexError, ValueError):
        return None
    return answer if answer and HOSTS.fullmatch(answer.host) else None


def parse(packet: bytes, number: int, name: str) -> Answer | None:
    """The CNAME of `name` in a DNS response to question `number`. Raises IndexError or ValueError when malformed."""
    flags = _number(packet, 2)
    is_success = flags >> 15 == 1 and flags & 0x020F == 0  # a response, whole, without an error
    if _number(packet, 0) != number or not is_success or _number(packet, 4) != 1:
        return None
    asked, at = _name(packet, 12)
    if (asked, _number(packet, at), _number(packet, at + 2)) != (name, CNAME, INTERNET):
        return None
    at += 4
    for _ in range(_number(packet, 6)):
        owner, at = _name(packet, at)
        kind, group = _number(packet, at), _number(packet, at + 2)
        if owner == name and (kind, group) == (CNAME, INTERNET):
            return Answer(_name(packet, at + 10)[0], _number(packet, at + 4, size=4))
        at += 10 + _number(packet, at + 8)
    return None


def _number(packet: bytes, at: int, *, size: int = 2) -> int:
    if at + size > len(packet):
        raise IndexError(at)
    return int.from_bytes(packet[at : at + size], "big")


def _name(packet: bytes, at: int) -> tuple[str, int]:
    """The name at `at`, in lower case, and where it ends."""
    labels: list[str] = []
    end = 0
    for _ in range(PARTS):
        length = packet[at]
        if length == 0:
            return ".".join(labels), end or at + 1
        if length >= 0xC0:
            end, at = end or at + 2, _number(packet, at) & 0x3FFF
        elif length >= 0x40:
            raise ValueError("an unknown kind of label")
        else:
            labels.append(packet[at + 1 : at + 1 + length].decode("ascii").lower())
            at += 1 + length
    raise ValueError("a name without end")


def exchange(packet: bytes) -> bytes | None:
    """Asks the resolver of this machine, twice at most. Each time from another port, where no late answer arrives."""
    for _ in range(DNS_TRIES):
        try:
            address = nameserver()
            with socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM) as channel:
                channel.settimeout(DNS_SECONDS)
                channel.connect(address)
                channel.send(packet)
                if (answer := channel.recv(4096))[:2] == packet[:2]:  # any other is as good as none
                    return answer
        except OSError:
            continue
    return None


def nameserver() -> tuple[str, int]:
    """The first of resolv.conf; DNS_RESOLVER=host:port names another, for a machine that is not Lambda's."""
    if named := os.environ.get("DNS_RESOLVER"):
        host, _, port = named.rpartition(":")
        return host, int(port)
    found = re.search(r"^nameserver\s+(\S+)", Path("/etc/resolv.conf").read_text(encoding="latin-1"), re.MULTILINE)
    if not found:
        raise OSError("no nameserver in /etc/resolv.conf")
    return found[1], 53
