"""Templates in the revision bucket: `templates/<fingerprint>.zip`, written once and never over.

Who uploads a bundle puts them there first, so that the cache is warm when the functions wake, and nobody needs a function that
makes them; the function synth does the same for what is missing. Equal fingerprints mean equal templates: who comes second loses
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cdk_app.projection import KEYS
from reconciler.aws import entries, failures
from reconciler.aws.clients import Clients
from reconciler.aws.failures import RequestRefused
from reconciler.aws.synthesis import CachedSynthesizer
from reconciler.model.topology import Topology

OF_TOPOLOGIES = tuple(key for key in KEYS if not key.startswith("control"))
"""Templates that a topology can come to need; the control plane's own come with `bootstrap`."""


class TemplateStore:
    def __init__(self, clients: Clients, bucket: str, region: str) -> None:
        self._clients, self._bucket, self._region = clients, bucket, region

    def address(self, fingerprint: str) -> str:
        return f"s3://{self._bucket}/{_key(fingerprint)}"

    def has(self, fingerprint: str) -> bool:
        try:
            self._clients.reader("s3", self._region).head_object(Bucket=self._bucket, Key=_key(fingerprint))
        except failures.AwsError as error:
            if failures.absent(error):
                return False
            raise failures.translated(error, "s3:GetObject", self._region) from error
        return True

    def get(self, fingerprint: str) -> bytes | None:
        try:
            found = self._clients.reader("s3", self._region).get_object(Bucket=self._bucket, Key=_key(fingerprint))
            with found["Body"] as body:
                data: bytes = body.read(entries.LIMITS.packed + 1)
        except failures.AwsError as error:
            if failures.absent(error):
                return None
            raise failures.translated(error, "s3:GetObject", self._region) from error
        if len(data) > entries.LIMITS.packed:
            raise RequestRefused(
                f"{self.address(fingerprint)} has more than {entries.LIMITS.packed} bytes: it is no template",
                code="TooLarge",
            )
        return data

    def put(self, fingerprint: str, data: bytes) -> None:
        """Once: whoever comes second made the same."""
        try:
            self._clients.writer("s3", self._region).put_object(
                Bucket=self._bucket, Key=_key(fingerprint), Body=data, IfNoneMatch="*"
            )
        except failures.AwsError as error:
            if failures.code(error) not in {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}:
                raise failures.translated(error, "s3:PutObject", self._region) from error


def publish(
    topology: Topology, keys: Sequence[str], store: TemplateStore, synthesizer: CachedSynthesizer
) -> Mapping[str, str]:
    """Fingerprints by key; each template is in the store afterwards. What is there is not made again."""
    places = synthesizer.places(topology, keys)
    missing = [key for key, place in places.items() if not store.has(place.name)]
    if missing:
        synthesizer.templates(topology, missing)
    for key in missing:
        store.put(places[key].name, entries.packed(places[key]))
    return {key: place.name for key, place in places.items()}


def publish_templates(topology: Topology, clients: Clients, bucket: str, region: str) -> Mapping[str, str]:
    """Makes all templates that the topology can need on this machine and uploads those that the bucket lacks: for whoever uploads a
    bundle, before he does. Fingerprints by key. Raises `ReconcilerError`."""
    return publish(topology, OF_TOPOLOGIES, TemplateStore(clients, bucket, region), CachedSynthesizer())


def _key(fingerprint: str) -> str:
    return f"templates/{fingerprint}.zip"
