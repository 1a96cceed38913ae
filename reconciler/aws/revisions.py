"""The revision bucket: bundles, the code that they name, and where main's head is. It keeps every version of everything.

Code is written before the bundle that names it, so that a reader finds either all of a bundle or the one before. A bundle is
written only over the object that the writer has seen, so that of two uploads at once one is told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.model import archive
from reconciler.model.bundle import (
    CODE,
    HEADS,
    REVISIONS,
    Accepted,
    Bundle,
    BundleRefused,
    Described,
    Head,
    Packed,
    Stored,
)
from reconciler.model.errors import CloudUnavailable, ReconcilerError, Source

BUNDLE_BYTES = 320 * 1024
_HEAD_BYTES = 4096
_RACED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})


class BucketMissing(ReconcilerError):
    """The account has no control plane."""

    source = Source.USER


class RevisionBucket:
    def __init__(self, clients: Clients, bucket: str, region: str) -> None:
        self._clients, self.bucket, self._region = clients, bucket, region

    def names(self) -> tuple[str, ...]:
        """Every topology that has a bundle."""
        prefix = f"{REVISIONS}/"
        try:
            pages = self._reader.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        except failures.AwsError as error:
            raise self._failed(error, "s3:ListBucket") from error
        return tuple(k.removeprefix(prefix).removesuffix(".zip") for k in keys if k.endswith(".zip"))

    def latest(self, name: str) -> Stored | None:
        """The newest version of a topology's bundle; None if it has none, or was withdrawn."""
        return self._bundle(name)

    def version(self, name: str, version: str) -> Stored | None:
        """That very version, which cannot have changed; None if it was removed."""
        return self._bundle(name, VersionId=version)

    def code(self, digest: str) -> bytes | None:
        found = self._get(f"{CODE}/{digest}.zip", archive.CODE.packed)
        return found.data if found else None

    def described(self, name: str) -> Described | None:
        """What the metadata of the newest version say."""
        try:
            head = self._reader.head_object(Bucket=self.bucket, Key=_bundle_key(name))
        except failures.AwsError as error:
            if failures.code(error) in {"404", "NoSuchKey"}:
                return None
            raise self._failed(error, "s3:GetObject") from error
        return _described(head)

    def keep_code(self, packed: Packed) -> bool:
        """Puts there what is missing or is not what its name says, and only that: whether there was any. It is read for that: with
        other bytes there, every bundle that names this code is refused."""
        wrong = {digest: found for digest in packed.code if not _holds(found := self.code(digest), digest)}
        for digest, found in wrong.items():
            condition = {"IfNoneMatch": "*"} if found is None else {}
            try:
                self._put(f"{CODE}/{digest}.zip", packed.code[digest], **condition)
            except failures.AwsError as error:
                if failures.code(error) not in _RACED:
                    raise self._failed(error, "s3:PutObject") from error
        return bool(wrong)

    def upload(self, packed: Packed, seen: Described | None) -> str:
        """Version id of the new object. Raises `BundleRefused` if what is there is no longer what was `seen`."""
        self.keep_code(packed)
        bundle = packed.bundle
        condition = {"IfMatch": seen.etag} if seen else {"IfNoneMatch": "*"}
        metadata = _metadata(bundle, seen)
        try:
            answer = self._put(_bundle_key(bundle.topology), packed.data, Metadata=metadata, **condition)
        except ClientError as error:
            if failures.code(error) in _RACED or (seen and failures.code(error) == "NoSuchKey"):
                message = (
                    f"another upload of {bundle.topology} was faster; run this one again, it looks at what is there now"
                )
                raise BundleRefused(message, code="UploadRaced") from error
            raise self._failed(error, "s3:PutObject") from error
        return str(answer.get("VersionId", ""))

    def head(self, name: str) -> Head | None:
        """Where main's head is; None if nobody said, or nothing that can be read."""
        found = self._get(_head_key(name), _HEAD_BYTES)
        try:
            said: Any = json.loads(found.data) if found else {}
            since = datetime.fromisoformat(said["since"])
            return (
                Head(commit=str(said["commit"]), generation=int(said["generation"]), since=since)
                if since.tzinfo
                else None
            )
        except (ValueError, KeyError, TypeError):
            return None

    def announce(self, name: str, head: Head) -> None:
        said = {"commit": head.commit, "generation": head.generation, "since": head.since.isoformat()}
        try:
            self._put(_head_key(name), json.dumps(said).encode(), ContentType="application/json")
        except failures.AwsError as error:
            raise self._failed(error, "s3:PutObject") from error

    def withdraw(self, name: str) -> None:
        """From now on the topology has no bundle: nobody converges it. Older versions stay, for people."""
        for key in (_bundle_key(name), _head_key(name)):
            try:
                self._clients.writer("s3", self._region).delete_object(Bucket=self.bucket, Key=key)
            except failures.AwsError as error:
                if failures.code(error) == "NoSuchBucket":
                    return
                raise self._failed(error, "s3:DeleteObject") from error

    def _bundle(self, name: str, **version: str) -> Stored | None:
        return self._get(_bundle_key(name), BUNDLE_BYTES, **version)

    def _get(self, key: str, limit: int, **version: str) -> Stored | None:
        """An object; None if there is none. One that is too big is cut off, for whoever verifies it to refuse."""
        try:
            answer = self._reader.get_object(Bucket=self.bucket, Key=key, **version)
            data: bytes = answer["Body"].read(limit + 1)
            answer["Body"].close()
            return Stored(data=data, version=str(answer.get("VersionId", "")))
        except failures.AwsError as error:
            if failures.code(error) in {"NoSuchKey", "NoSuchVersion", "404"}:
                return None
            raise self._failed(error, "s3:GetObject") from error
        except OSError as error:  # the connection broke while the body was read
            raise CloudUnavailable(f"s3:GetObject of {key} in {self._region}: {error}", code="Unanswered") from error

    def _put(self, key: str, data: bytes, **more: Any) -> Any:
        return self._clients.writer("s3", self._region).put_object(Bucket=self.bucket, Key=key, Body=data, **more)

    @property
    def _reader(self) -> Any:
        return self._clients.reader("s3", self._region)

    def _failed(self, error: Exception, call: str) -> ReconcilerError:
        if failures.code(error) == "NoSuchBucket":
            return BucketMissing(
                f"{self.bucket} in {self._region} is not there: this account has no control plane in that Region; "
                "`meridian bootstrap` makes it"
            )
        return failures.translated(error, f"{call} on {self.bucket}", self._region)


def _holds(data: bytes | None, digest: str) -> bool:
    return data is not None and archive.content(data, archive.CODE) == digest


def folder_of(document: str) -> str:
    """Of the folder that the document lies in, as much as metadata can hold."""
    return quote(document.rpartition("/")[0])[:200]


def _bundle_key(name: str) -> str:
    return f"{REVISIONS}/{name}.zip"


def _head_key(name: str) -> str:
    return f"{HEADS}/{name}.json"


def _metadata(bundle: Bundle, seen: Described | None) -> dict[str, str]:
    mark = seen.accepted.followed(bundle).mark if seen else bundle.generation
    return {
        "topology": bundle.topology,
        "commit": bundle.commit,
        "generation": str(bundle.generation),
        "mark": str(mark),
        "digest": bundle.digest,
        "repository": bundle.repository,
        "folder": folder_of(bundle.document),
        "rollback": str(bundle.rollback).lower(),
    }


def _described(head: Mapping[str, Any]) -> Described:
    """Metadata that somebody else has written count as those of a bundle before all others."""
    said: Mapping[str, str] = head.get("Metadata", {})
    generation, mark = (int(said[k]) if said.get(k, "").isdecimal() else 0 for k in ("generation", "mark"))
    found = Accepted(
        commit=said.get("commit", ""),
        author="",
        generation=generation,
        digest=said.get("digest", ""),
        version=str(head.get("VersionId", "")),
        repository=said.get("repository", ""),
        rollback=said.get("rollback") == "true",
        mark=max(generation, mark),
    )
    return Described(etag=head["ETag"], folder=said.get("folder", ""), accepted=found)
