"""The `Records` port: objects in the revision bucket, or files in a folder; and where a record of either kind is read again.

Records are written beside the lease, never under it: nothing waits for them. The writing role may put objects below `runs/` only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.model.errors import ReconcilerError, Source

_OBJECT = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<key>.+)")
_REVISIONS = re.compile(r"meridian-revisions-\d{12}-(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)")


class RecordUnreadable(ReconcilerError):
    """There is no such file or object, or it is not ours to read."""

    source = Source.USER


class BucketRecords:
    named = True

    def __init__(self, clients: Clients, bucket: str, region: str) -> None:
        self._clients, self._bucket, self._region = clients, bucket, region

    def keep(self, key: str, data: bytes) -> None:
        s3 = self._clients.writer("s3", self._region)
        try:
            s3.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType="application/gzip")
        except failures.AwsError as error:
            raise failures.translated(error, f"s3:PutObject of {key}", self._region) from error


class FolderRecords:
    """The same names below a folder, for whoever runs a pass; of no use to other readers of its status."""

    named = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, key: str, data: bytes) -> None:
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def read(clients: Callable[[], Clients], run: str, *, bucket: str | None, region: str | None, most: int) -> bytes:
    """At most `most` bytes and one more of a record. `run`: a file, `s3://bucket/key`, or a key of `bucket`.

    Raises `RecordUnreadable` and what the call to S3 raises.
    """
    path = Path(run)
    if path.is_file():
        with path.open("rb") as file:
            return file.read(most + 1)
    where = _OBJECT.fullmatch(run)
    if where is None and not run.startswith("runs/"):
        raise RecordUnreadable(f"{run} is neither a file nor a key below runs/ nor s3://bucket/key")
    if where is None and not bucket:
        raise RecordUnreadable(f"{run} is no file; to read it as a key, set MERIDIAN_BUCKET to the revision bucket")
    named, key = (where["bucket"], where["key"]) if where else (bucket or "", run)
    home = region or (m["region"] if (m := _REVISIONS.fullmatch(named)) else "us-east-1")
    return _object(clients(), named, key, home, most)


def _object(clients: Clients, bucket: str, key: str, region: str, most: int) -> bytes:
    try:
        body = clients.reader("s3", region).get_object(Bucket=bucket, Key=key)["Body"]
        with body:
            data: bytes = body.read(most + 1)
    except failures.AwsError as error:
        if failures.absent(error):
            raise RecordUnreadable(f"there is no s3://{bucket}/{key} in {region}: {failures.message(error)}") from error
        raise failures.translated(error, f"s3:GetObject of {key}", region) from error
    return data
