"""The certificates of the endpoints, by a certification authority of this process.

On AWS they are by Amazon's RDS authorities, which clients trust by a bundle that they ship (`dialling` stands in for that).
"""

import ssl

import trustme


class Certificates:
    """A TLS context for each name; which one a client asked for is known by the context that it got."""

    def __init__(self) -> None:
        self._authority = trustme.CA(organization_name="Meridian", organization_unit_name="embedded AWS")
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._names: dict[ssl.SSLContext, str] = {}
        self.pem: str = self._authority.cert_pem.bytes().decode()
        self.listening = self._listening()

    def _listening(self) -> ssl.SSLContext:
        """Takes whoever names an endpoint that `offer` was told of. RDS has an address for each, and needs no name."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

        def chosen(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
            found = self._contexts.get((name or "").lower())
            if found is None:
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            connection.context = found
            return None

        context.sni_callback = chosen
        return context

    def offer(self, name: str) -> None:
        if name not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._authority.issue_cert(name).configure_cert(context)
            self._contexts[name], self._names[context] = context, name

    def asked_for(self, connection: ssl.SSLObject) -> str:
        return self._names[connection.context]
