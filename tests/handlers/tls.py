"""TLS in front of a PostgreSQL that was built without it: answers PostgreSQL's request for TLS, and passes on what is inside."""

from __future__ import annotations

import select
import socket
import ssl
import struct
import threading
from contextlib import suppress

import trustme

_REQUEST = struct.pack("!ii", 8, 80877103)


class Door:
    """Listens on a port of its own for the server at `behind`. Without TLS nobody gets in, as with `rds.force_ssl`."""

    def __init__(self, certificate: trustme.LeafCert, behind: int) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self._context)
        self._behind = behind
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            client.settimeout(10)
            if client.recv(8) != _REQUEST:
                return
            client.sendall(b"S")
            with (
                self._context.wrap_socket(client, server_side=True) as secure,
                socket.create_connection(("127.0.0.1", self._behind)) as server,
            ):
                for one in (secure, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _pass_on(secure, server)


def _pass_on(secure: ssl.SSLSocket, server: socket.socket) -> None:
    """One thread for both ways: a TLS connection may not be read and written at once."""
    while True:
        ready, _, _ = select.select([secure, server], [], [])
        for one, other in ((secure, server), (server, secure)):
            if one in ready:
                data = one.recv(65536)
                while one is secure and secure.pending():
                    data += secure.recv(65536)
                if not data:
                    return
                other.sendall(data)
