"""Publishes what templates refer to (code, big templates) into a Region's asset bucket, by content, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.model import archive
from reconciler.model.errors import ReconcilerError
from reconciler.model.stacks import Asset


class EmptyAsset(ReconcilerError):
    """A code folder without a file: publishing it would deploy a function that cannot start."""


def publish(clients: Clients, region: str, bucket: str, asset: Asset) -> None:
    """Upload unless the key is there: it names the content."""
    _put(clients, region, bucket, asset.key, lambda: content(asset))


def publish_text(clients: Clients, region: str, bucket: str, key: str, text: str) -> None:
    _put(clients, region, bucket, key, text.encode)


def content(asset: Asset) -> bytes:
    """A file as it is, a folder as a zip."""
    data = zipped(asset.path) if asset.path.is_dir() else asset.path.read_bytes()
    if not data:
        raise EmptyAsset(f"asset {asset.path} is empty")
    return data


def zipped(folder: Path) -> bytes:
    """The same bytes for the same files."""
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    if not files:
        raise EmptyAsset(f"asset {folder} has no files")
    return archive.packed(files)


def _put(clients: Clients, region: str, bucket: str, key: str, data: Any) -> None:
    try:
        clients.reader("s3", region).head_object(Bucket=bucket, Key=key)
    except failures.AwsError as error:
        if not failures.absent(error):
            raise failures.translated(error, "s3:GetObject", region) from error
    else:
        return
    body = data()
    try:
        clients.writer("s3", region).put_object(Bucket=bucket, Key=key, Body=body)
    except failures.AwsError as error:
        raise failures.translated(error, "s3:PutObject", region) from error
