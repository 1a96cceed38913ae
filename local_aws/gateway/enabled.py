"""Regions that an account has not enabled: callers there have credentials that nobody knows, in the words of each service [S]."""

from local_aws.gateway import error_forms
from local_aws.gateway.asgi import Answer
from local_aws.gateway.wire import Call

_MESSAGE = "The security token included in the request is invalid."
_STRUCTURED = ("json", "rest-json", "smithy-rpc-v2-cbor")

disabled: set[str] = set()  # `resources.account_regions` changes it


def refusal(call: Call) -> Answer | None:
    """What a call in a Region that is not enabled is answered."""
    if call.region not in disabled:
        return None
    if call.protocol == "ec2":
        message = "AWS was not able to validate the provided access credentials"
        return 401, {"content-type": "text/xml"}, error_forms.of("AuthFailure", message, call)[2]
    code = "UnrecognizedClientException" if call.protocol in _STRUCTURED else "InvalidClientTokenId"
    _, headers, body = error_forms.of(code, _MESSAGE, call)
    return 403, headers, body
