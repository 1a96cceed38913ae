"""What buckets and secrets really are."""

from collections.abc import Iterator
from typing import Any

from ministack.services import s3, secretsmanager

from local_aws import models
from local_aws.drift.edge import stored
from local_aws.drift.shape import renamed

Properties = dict[str, Any]


def bucket(physical_id: str, _props: Properties) -> Properties | None:
    found = s3._buckets.get(physical_id)
    if found is None:
        return None
    versioning = s3._bucket_versioning.get(physical_id)
    return {
        "BucketName": physical_id,
        "VersioningConfiguration": {"Status": versioning} if versioning else None,
        "BucketEncryption": _encryption(s3._bucket_encryption.get(physical_id)),
        "LifecycleConfiguration": _lifecycle(s3._bucket_lifecycle.get(physical_id)),
        "PublicAccessBlockConfiguration": _parsed("PublicAccessBlockConfiguration", found.get("_public_access_block")),
        "OwnershipControls": _parsed("OwnershipControls", found.get("_ownership_controls")),
        "Tags": s3._bucket_tags.get(physical_id) or {},
    }


def _parsed(shape: str, text: str | None) -> Properties | None:
    """The stored XML through botocore's own parser; None when the setting is not there."""
    return stored(models.shape(shape, "s3"), text) if text else None


def _encryption(text: str | None) -> Properties | None:
    parsed = _parsed("ServerSideEncryptionConfiguration", text)
    if parsed is None:
        return None
    names = {
        "ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault",
        "BucketKeyEnabled": "BucketKeyEnabled",
    }
    return {"ServerSideEncryptionConfiguration": [renamed(rule, names) for rule in parsed.get("Rules", ())]}


def _lifecycle(rules: Any) -> Properties | None:
    if not rules:
        return None
    return {"Rules": [dict(_rule(rule)) for rule in rules]}


def _rule(rule: Properties) -> Iterator[tuple[str, Any]]:
    yield "Id", rule.get("ID")
    yield "Status", rule.get("Status")
    yield "Prefix", (rule.get("Filter") or {}).get("Prefix")
    yield "ExpirationInDays", (rule.get("Expiration") or {}).get("Days")
    yield "NoncurrentVersionExpiration", rule.get("NoncurrentVersionExpiration")
    yield "AbortIncompleteMultipartUpload", rule.get("AbortIncompleteMultipartUpload")


def bucket_policy(_physical_id: str, props: Properties) -> Properties | None:
    text = s3._bucket_policies.get(str(props.get("Bucket")))
    return None if text is None else {"Bucket": props["Bucket"], "PolicyDocument": text}


def secret(physical_id: str, _props: Properties) -> Properties | None:
    """A secret that is scheduled for deletion is not found by the handler [K]."""
    found = secretsmanager._secrets.get(physical_id)
    if found is None or found.get("DeletedDate"):
        return None
    return {name: found.get(name) for name in ("Name", "Description", "KmsKeyId", "Tags")}
