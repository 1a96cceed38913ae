"""The `Pages` port: objects in the revision bucket, and links to them.

The bucket encrypts by itself, with the control plane's key; a header that named no key would take another one. A link is made from
the reader's own credentials, and lets whoever has it do what they may, for so long: it is shown, and kept nowhere.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from botocore.config import Config
from botocore.session import Session

from reconciler.aws import failures
from reconciler.aws.clients import Clients

LASTS = timedelta(hours=1)


class BucketPages:
    def __init__(self, clients: Clients, bucket: str, region: str) -> None:
        self._clients, self._bucket, self._region = clients, bucket, region

    @property
    def bucket(self) -> str:
        return self._bucket

    def keep(self, key: str, page: str) -> None:
        s3 = self._clients.writer("s3", self._region)
        try:
            s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=page.encode(errors="replace"),
                ContentType="text/html; charset=utf-8",
                CacheControl="no-cache",
            )
        except failures.AwsError as error:
            raise failures.translated(error, f"s3:PutObject of {key}", self._region) from error


def link(bucket: str, key: str, region: str) -> str:
    """Makes no call. Raises `ReconcilerError` where there are no credentials. What KMS keeps opens to signatures of version 4. The
    address names the Region: S3's global one leads to none of the newer Regions, and for a new bucket to another one, for which
    the signature does not hold [V S3, virtual hosting of buckets]."""
    config = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    try:
        s3: Any = Session().create_client("s3", region_name=region, config=config)
        wanted = {"Bucket": bucket, "Key": key}
        return str(s3.generate_presigned_url("get_object", Params=wanted, ExpiresIn=int(LASTS.total_seconds())))
    except failures.AwsError as error:
        raise failures.translated(error, f"a link to {key}", region) from error
