"""S3: bucket settings that ministack's stacks drop: lifecycle, suspended versioning, encryption, ownership, tags."""

from typing import Any
from xml.sax.saxutils import escape

from ministack.services import s3

from local_aws.resources.wrap import Properties, after, around, tags

PATCHED: tuple[str, ...] = (
    "ministack.services.s3._buckets",
    "ministack.services.s3._error",
    "ministack.services.s3._get_bucket_location",
)

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def _bucket(name: str, now: Properties, before: Properties | None) -> None:
    _lifecycle(name, (now.get("LifecycleConfiguration") or {}).get("Rules") or [])
    versioning = (now.get("VersioningConfiguration") or {}).get("Status")
    if versioning or name in s3._bucket_versioning:
        s3._bucket_versioning[name] = versioning or "Suspended"
    encryption = (now.get("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration")
    if encryption:
        s3._put_bucket_encryption(name, _encryption(encryption).encode())
    ownership = (now.get("OwnershipControls") or {}).get("Rules")
    if ownership:
        rules = "".join(_in("Rule", _text("ObjectOwnership", rule.get("ObjectOwnership"))) for rule in ownership)
        text = f'<OwnershipControls xmlns="{_NAMESPACE}">{rules}</OwnershipControls>'
        s3._put_bucket_ownership_controls(name, text.encode())
    if tags(now):
        s3._bucket_tags[name] = {tag["Key"]: tag["Value"] for tag in tags(now)}


def _lifecycle(name: str, rules: list[Properties]) -> None:
    if not rules:
        s3._bucket_lifecycle.pop(name, None)
        return
    body = "".join(_rule(rule) for rule in rules)
    s3._put_bucket_lifecycle(
        name, f'<LifecycleConfiguration xmlns="{_NAMESPACE}">{body}</LifecycleConfiguration>'.encode()
    )


def _rule(rule: Properties) -> str:
    old = rule.get("NoncurrentVersionExpiration") or {}
    unfinished = rule.get("AbortIncompleteMultipartUpload") or {}
    parts = [
        _text("ID", rule.get("Id")),
        f"<Filter>{_text('Prefix', rule.get('Prefix', ''))}</Filter>",
        _text("Status", rule["Status"]),
        _in("Expiration", _text("Days", rule.get("ExpirationInDays"))),
        _in(
            "NoncurrentVersionExpiration",
            _text("NoncurrentDays", old.get("NoncurrentDays", rule.get("NoncurrentVersionExpirationInDays")))
            + _text("NewerNoncurrentVersions", old.get("NewerNoncurrentVersions")),
        ),
        _in("AbortIncompleteMultipartUpload", _text("DaysAfterInitiation", unfinished.get("DaysAfterInitiation"))),
    ]
    return f"<Rule>{''.join(parts)}</Rule>"


def _encryption(rules: list[Properties]) -> str:
    body = "".join(
        "<Rule>"
        + _in(
            "ApplyServerSideEncryptionByDefault",
            _text("SSEAlgorithm", default.get("SSEAlgorithm")) + _text("KMSMasterKeyID", default.get("KMSMasterKeyID")),
        )
        + _text("BucketKeyEnabled", str(rule.get("BucketKeyEnabled", False)).lower())
        + "</Rule>"
        for rule in rules
        for default in [rule.get("ServerSideEncryptionByDefault") or {}]
    )
    return f'<ServerSideEncryptionConfiguration xmlns="{_NAMESPACE}">{body}</ServerSideEncryptionConfiguration>'


def _text(tag: str, value: object) -> str:
    return "" if value is None else f"<{tag}>{escape(str(value))}</{tag}>"


def _in(tag: str, inside: str) -> str:
    return f"<{tag}>{inside}</{tag}>" if inside else ""


def _location(stock: Any, name: str) -> Any:
    """GetBucketLocation: names are everybody's, so that of another account's bucket is forbidden, not free [V: bucket naming]."""
    if name not in s3._buckets and any(key[1] == name for key in s3._buckets._data):
        return s3._error("AccessDenied", "Access Denied", 403, f"/{name}")
    return stock(name)


def install() -> None:
    around(s3, "_get_bucket_location", _location)
    after("AWS::S3::Bucket", _bucket)
