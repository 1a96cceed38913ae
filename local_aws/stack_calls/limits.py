"""What a request to CloudFormation may say: names and sizes, and where a template may lie.

[V] are the quotas ("Understand CloudFormation quotas") and botocore's shapes; the words are those of public reports [S].
"""

import re
from urllib.parse import urlparse

from ministack.services import s3

from local_aws.stack_calls.refusals import Params, given, invalid, violated

PATCHED: tuple[str, ...] = (
    "ministack.services.s3._get_object_data",
    "ministack.services.s3._buckets",
)

_NAME = "[a-zA-Z][-a-zA-Z0-9]*"
_ROLE = (20, 2048)
_S3_HOST = re.compile(
    r"(?:(?P<bucket>.+)\.)?s3(?:[.-](?:dualstack\.)?(?P<region>[a-z]{2}(?:-[a-z]+)+-\d))?\.amazonaws\.com"
)
_MORE = "For more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"


def change_set_name(params: Params) -> None:
    """CreateChangeSet: a letter, then letters, digits and hyphens, 128 at most [V botocore, ChangeSetName]."""
    name = given(params, "ChangeSetName")
    wrong = []
    if len(name) > 128:
        wrong.append("Member must have length less than or equal to 128")
    if name and not re.fullmatch(_NAME, name):
        wrong.append(f"Member must satisfy regular expression pattern: {_NAME}")
    if wrong:
        raise violated(*(f"Value '{name}' at 'changeSetName' failed to satisfy constraint: {what}" for what in wrong))


def role(params: Params) -> None:
    """RoleARN has 20 to 2,048 characters [V botocore]."""
    arn = given(params, "RoleARN")
    if arn and not _ROLE[0] <= len(arn) <= _ROLE[1]:
        bound = f"greater than or equal to {_ROLE[0]}" if len(arn) < _ROLE[0] else f"less than or equal to {_ROLE[1]}"
        raise violated(f"Value '{arn}' at 'roleARN' failed to satisfy constraint: Member must have length {bound}")


def description(params: Params) -> None:
    """CreateChangeSet: a description has at most 1,024 characters [V botocore]."""
    if len(given(params, "Description")) > 1024:
        raise violated(
            "Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 1024"
        )


def template(params: Params) -> Params:
    """The request with an address that ministack understands, for a template that can be read."""
    found = _object(params, "TemplateBody", "TemplateURL")
    return params | {"TemplateURL": [f"https://s3.amazonaws.com/{'/'.join(found)}"]} if found else params


def text(params: Params) -> str:
    """The template of a request that `template` has seen; empty without one."""
    if address := given(params, "TemplateURL"):
        bucket, _, key = urlparse(address).path.lstrip("/").partition("/")
        return (s3._get_object_data(bucket, key) or b"").decode()
    return given(params, "TemplateBody")


def policy(params: Params, body: str, url: str) -> Params:
    """The request with a stack policy's text in place of its address."""
    found = _object(params, body, url)
    if not found:
        return params
    text = (s3._get_object_data(*found) or b"").decode()
    return {key: value for key, value in params.items() if key != url} | {body: [text]}


def _object(params: Params, body: str, url: str) -> tuple[str, str] | None:
    """Bucket and key. An address is `https://` and S3's [V, TemplateURL; words S]; the object exists [S, words of S3]."""
    address = given(params, url)
    if not address:
        return None
    if given(params, body):
        raise invalid(f"You cannot specify both {url} and {body}")
    parts = urlparse(address)
    host = _S3_HOST.fullmatch(parts.hostname or "")
    if parts.scheme != "https" or not host:
        raise invalid(f"{url} must be a supported URL.")
    bucket, key = host["bucket"], parts.path.lstrip("/")
    if not bucket:
        bucket, _, key = key.partition("/")
    if bucket not in s3._buckets:
        raise invalid(f"S3 error: The specified bucket does not exist\n{_MORE}")
    if s3._get_object_data(bucket, key) is None:
        raise invalid(f"S3 error: The specified key does not exist.\n{_MORE}")
    return bucket, key
