"""The `Synthesizer` port of the functions: templates by fingerprint from S3, made by the function synth where one is missing.

The code of a pass has neither Node nor aws_cdk. What it needs lies in its own folder, or in the revision bucket as
`templates/<fingerprint>.zip`, where whoever uploads a bundle puts it; else the function synth is asked, which loads the same
version of the bundle and puts it there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from reconciler.aws import entries, failures
from reconciler.aws.clients import Clients
from reconciler.aws.synthesis import CachedSynthesizer, SynthesisFailed
from reconciler.aws.template_store import TemplateStore
from reconciler.model.archive import BadArchive
from reconciler.model.errors import CloudUnavailable, Unanswered
from reconciler.model.stacks import Template
from reconciler.model.topology import Topology

INVOKE = "lambda:InvokeFunction"
_AT_ONCE = 8


class TemplateMissing(SynthesisFailed):
    """A template is nowhere, and there is nobody to make it."""


class TemplateBroken(SynthesisFailed):
    """What is kept as a template is none; nothing writes over it."""


class VersionsDiffer(SynthesisFailed):
    """The functions are of different versions of Meridian."""


class StoredSynthesizer:
    """Of one version of a bundle: the function synth is told which; without one, the newest is meant."""

    def __init__(
        self, clients: Clients, bucket: str, region: str, synth_function: str, local_cache: Path, *, version: str = ""
    ) -> None:
        self._clients, self._region = clients, region
        self._function, self._version = synth_function, version
        self._store = TemplateStore(clients, bucket, region)
        self._cached = CachedSynthesizer(local_cache, self._make)

    def templates(self, topology: Topology, keys: Sequence[str]) -> Mapping[str, Template]:
        return self._cached.templates(topology, keys)

    def _make(self, topology: Topology, places: Mapping[str, Path], scratch: Path) -> None:
        missing = self._fetch(places, scratch)
        if missing and not self._function:
            address = self._store.address(places[missing[0]].name)
            raise TemplateMissing(
                f"template {_listed(missing)} of {topology.name} is not at {address}, and no function makes it: upload it with the "
                "bundle (meridian bundle --upload), or deploy the image that makes it (meridian bootstrap --synth-image URI)"
            )
        if missing:
            asked = {key: places[key] for key in missing}
            self._ask(topology.name, {key: place.name for key, place in asked.items()})
            if still := self._fetch(asked, scratch):
                raise CloudUnavailable(
                    f"{self._function} says that it made template {_listed(still)} of {topology.name}, but "
                    f"{self._store.address(places[still[0]].name)} is not there",
                    code="TemplateLost",
                )

    def _fetch(self, places: Mapping[str, Path], scratch: Path) -> list[str]:
        """Keys of those that S3 does not have."""
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="template") as pool:
            found = dict(zip(places, pool.map(lambda place: self._store.get(place.name), places.values()), strict=True))
        for key, data in found.items():
            if data is not None:
                self._unpack(key, data, scratch / places[key].name, places[key])
        return [key for key, data in found.items() if data is None]

    def _unpack(self, key: str, data: bytes, aside: Path, entry: Path) -> None:
        try:
            entries.unpack(data, key, aside, entry)
        except BadArchive as error:
            address = self._store.address(entry.name)
            raise TemplateBroken(f"template {key}: {address} {error}; delete it, so that it is made again") from error

    def _ask(self, name: str, wanted: Mapping[str, str]) -> None:
        """Raises unless synth stored exactly these fingerprints."""
        stored = self._answer({"topology": name, "version": self._version, "keys": sorted(wanted)}).get("stored")
        if not isinstance(stored, dict):
            raise self._failed("its answer is none")
        for key, fingerprint in wanted.items():
            made = str(stored.get(key))
            if made != fingerprint:
                raise VersionsDiffer(
                    f"template {key} of {name}: {self._function} made {made[:12]}, asked for is {fingerprint[:12]}: its image and "
                    "the code of this function are of different versions of meridian; deploy both of one release "
                    "(meridian bootstrap --synth-image URI)"
                )

    def _answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        client = self._clients.writer("lambda", self._region)
        try:
            response = client.invoke(FunctionName=self._function, Payload=json.dumps(request))
            content: bytes = response["Payload"].read()
        except failures.AwsError as error:
            if isinstance(known := failures.translated(error, INVOKE, self._region), Unanswered):
                known = Unanswered(
                    f"{known.message}; {self._function} may still be at it: a later pass finds what it made"
                )
            raise known from error
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._failed("its answer is none")
        if "FunctionError" in response:
            raise self._failed(f"{answer.get('errorType', 'error')}: {answer.get('errorMessage', 'no message')}")
        if isinstance(said := answer.get("error"), dict):
            code, message = str(said.get("code", "SynthesisFailed")), str(said.get("message", "no message"))
            raise CloudUnavailable(message, code=code) if said.get("again") else SynthesisFailed(message, code=code)
        return answer

    def _failed(self, why: str) -> CloudUnavailable:
        return CloudUnavailable(
            f"{INVOKE} of {self._function} in {self._region}: the function failed: {why}", code="SynthFailed"
        )


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(keys)
