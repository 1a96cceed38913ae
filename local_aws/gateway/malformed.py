"""Bodies that no service can read: refused in front of ministack, which takes them for a mistake of its own (500)."""

import json

from local_aws.gateway import error_forms
from local_aws.gateway.asgi import Answer, Request
from local_aws.gateway.wire import Call


def refusal(call: Call, request: Request) -> Answer | None:
    """SerializationException: the body of a call in a JSON protocol is one object, or nothing [V, the services' common errors;
    seen in reports of DynamoDB, KMS and others [S]]."""
    if call.protocol != "json" or not request.body:
        return None
    try:
        readable = isinstance(json.loads(request.body), dict)
    except ValueError:  # neither JSON nor UTF-8
        readable = False
    return (
        None if readable else error_forms.of("SerializationException", "The request body is not a JSON object.", call)
    )
