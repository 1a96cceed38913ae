"""How a function reaches a database: the part of the prelude that runs in its process, before its code (see `PRELUDE`).

Names of RDS lead to the listener of the embedded AWS, as the Region's own resolver would have it: from the file that the server
keeps. A name that is inactive, or of nobody, does not resolve. A name of another Region resolves, and refuses, since nothing
connects the networks of two Regions; on AWS such a connection would time out. A context of the function trusts our certification
authority instead of Amazon's, if it trusts Amazon's: whoever ships no bundle of RDS fails here, too.

Nothing is imported before it is needed: a function without a database pays for `json` and `socket` alone.
"""

import json
import os
import socket

SUFFIX = ".rds.amazonaws.com"
NOBODY = ("127.0.0.1", 1)
AUTHORITY = "Amazon RDS"  # in the subject of each root certificate of RDS's bundles


def dial(file: str) -> None:
    """Look names up in this file from now on."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host, port, *rest, **more):
        name = (host.decode() if isinstance(host, bytes) else str(host)).rstrip(".").lower()
        if not name.endswith(SUFFIX):
            return resolve(host, port, *rest, **more)
        with open(file) as kept:  # noqa: PTH123
            told = json.load(kept)
        if name not in told["names"]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        trust(told["authority"])
        here = told["names"][name] == {"region": os.environ.get("AWS_REGION"), "port": int(port or 0)}
        address = ("127.0.0.1", told["port"]) if here else NOBODY
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)]

    socket.getaddrinfo = getaddrinfo


def trust(authority: str) -> None:
    """For connections to databases only, and only where Amazon's authorities are trusted."""
    import ssl

    stock = ssl.SSLContext
    if hasattr(stock, "_trusts_databases"):
        return
    stock._trusts_databases = True
    wrap_socket, wrap_bio = stock.wrap_socket, stock.wrap_bio

    def trusting(context, name):
        if str(name).endswith(SUFFIX) and AUTHORITY in str([found["subject"] for found in context.get_ca_certs()]):
            context.load_verify_locations(cadata=authority)

    def socket_wrapped(self, *arguments, server_hostname=None, **more):
        trusting(self, server_hostname)
        return wrap_socket(self, *arguments, server_hostname=server_hostname, **more)

    def bio_wrapped(self, *arguments, server_hostname=None, **more):
        trusting(self, server_hostname)
        return wrap_bio(self, *arguments, server_hostname=server_hostname, **more)

    stock.wrap_socket, stock.wrap_bio = socket_wrapped, bio_wrapped
