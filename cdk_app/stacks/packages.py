"""Code as a zip whose key in the asset bucket follows from its SHA-256 alone.

Lambda tells of its code nothing but that hash (`CodeSha256`), so the key says whether a function still runs what was deployed.
Nothing is compressed, since the same files would become other bytes with another zlib, and so another version.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as assets

from cdk_app.stacks.base import MeridianStack
from reconciler.model import archive


def package(stack: MeridianStack, logical: str, folder: Path) -> assets.Asset:
    """CDK names an asset by the SHA-256 of the hash that it is given [V: AssetOptions.assetHash]: here that of the zip, in hex."""
    data = archive.stored({p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()})
    file = folder.with_name(f"{folder.name}.zip")
    file.write_bytes(data)
    return assets.Asset(stack, logical, path=str(file), asset_hash=hashlib.sha256(data).hexdigest())


def code(asset: assets.Asset) -> lambda_.CfnFunction.CodeProperty:
    return lambda_.CfnFunction.CodeProperty(s3_bucket=asset.s3_bucket_name, s3_key=asset.s3_object_key)
