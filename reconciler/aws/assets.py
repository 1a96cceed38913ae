"""Publishes what templates refer to (code, big templates) into a Region's asset bucket, by content, once."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.model.errors import ReconcilerError
from reconciler.model.stacks import Asset

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold
_MODE = 0o644 << 16


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
    """The same bytes for the same files: fixed order, times and modes."""
    files = sorted((p.relative_to(folder).as_posix(), p) for p in folder.rglob("*") if p.is_file())
    if not files:
        raise EmptyAsset(f"asset {folder} has no files")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = _MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return out.getvalue()


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
