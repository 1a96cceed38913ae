"""SNS: what Publish refuses of a subject, a message by protocols, attributes, and a topic whose key is of no use.

[V] API reference, Publish: a subject is without line breaks and control characters and shorter than a hundred characters; it was
long said to be ASCII that begins with a letter, a digit or punctuation, and is held to that here. MessageStructure `json` takes a
JSON object with a string `default`. KMSDisabled, KMSInvalidState and KMSNotFound are told of the topic's key. The words are [S].
"""

import json
import re
from typing import Any

from ministack.services import kms, sns

from local_aws.legality.guard import on_call
from local_aws.refused import Refused

PATCHED: tuple[str, ...] = (
    "ministack.services.kms._resolve_key",
    "ministack.services.sns._error",
    "ministack.services.sns._normalize_arn",
    "ministack.services.sns._p",
    "ministack.services.sns._publish",
    "ministack.services.sns._topics",
)
_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?")
_SUBJECT = re.compile(r"[!-~][ -~]{0,98}")
_NAME = re.compile(r"(?!\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
_STATES = {"Disabled": "KMSDisabled", "PendingDeletion": "KMSInvalidState", "PendingImport": "KMSInvalidState"}


def check_publish(params: dict[str, Any]) -> None:
    topic = sns._normalize_arn(sns._p(params, "TopicArn"))
    if topic and not _ARN.fullmatch(topic):
        raise Refused("InvalidParameter", "Invalid parameter: TopicArn")
    if "Subject" in params and not _SUBJECT.fullmatch(sns._p(params, "Subject")):
        raise Refused("InvalidParameter", "Invalid parameter: Subject")
    message = sns._p(params, "Message")
    if not message:
        raise Refused("InvalidParameter", "Invalid parameter: Empty message")
    _check_structure(sns._p(params, "MessageStructure"), message)
    _check_attributes(params)
    _check_key((sns._topics.get(topic) or {}).get("attributes", {}).get("KmsMasterKeyId", ""))


def _check_structure(structure: str, message: str) -> None:
    if structure not in ("", "json"):
        raise Refused("InvalidParameter", "Invalid parameter: MessageStructure")
    if not structure:
        return
    prefix = "Invalid parameter: Message Structure -"
    try:
        parts = json.loads(message)
    except ValueError:
        raise Refused("InvalidParameter", f"{prefix} JSON message body failed to parse") from None
    if not isinstance(parts, dict) or not isinstance(parts.get("default"), str):
        raise Refused("InvalidParameter", f"{prefix} No default entry in JSON message body")


def _check_attributes(params: dict[str, Any]) -> None:
    number = 1
    while name := sns._p(params, f"MessageAttributes.entry.{number}.Name"):
        kind, value = (
            sns._p(params, f"MessageAttributes.entry.{number}.Value.{k}") for k in ("DataType", "StringValue")
        )
        if not _NAME.fullmatch(name) or not kind:
            raise Refused("InvalidParameterValue", f"Invalid parameter: message attribute '{name}'")
        if kind.partition(".")[0] != "Binary" and not value:
            words = f"The message attribute '{name}' must contain non-empty message attribute value for message attribute type"
            raise Refused("ParameterValueInvalid", f"{words} '{kind}'.")
        number += 1


def _check_key(named: str) -> None:
    if not named or named.startswith("alias/aws/"):
        return
    key = kms._resolve_key(named)
    if key is None:
        raise Refused("KMSNotFound", f"Key {named} not found")
    state = key.get("KeyState", "Enabled")
    if state in _STATES:
        raise Refused(_STATES[state], f"{key['Arn']} is {state}")


def install() -> None:
    on_call(sns, "_publish", check_publish, sns._error)
