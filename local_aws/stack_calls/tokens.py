"""Request tokens: the same request again does nothing new, another request with the same token is refused.

"Specify this token if you plan to retry requests so that CloudFormation knows that you're not attempting to ..." [V, API reference,
ClientRequestToken]; TokenAlreadyExistsException: "A client request token already exists" [V botocore]. How long a token is known,
and that it counts per stack, is from memory [K]: here as long as the stack lives.
"""

from typing import Any

from local_aws.refused import Refused
from local_aws.stack_calls.refusals import Answer, Params

remembered: dict[tuple[str, str], tuple[Any, Answer]] = {}  # (stack id, token) -> the request and its answer


def answered(stack_id: str, token: str, request: Any) -> Answer | None:
    """The answer that this very request had before. A token of another request is refused."""
    known = remembered.get((stack_id, token))
    if known is None or not token:
        return None
    if known[0] != request:
        raise Refused("TokenAlreadyExistsException", f"A client request token [{token}] already exists")
    return known[1]


def remember(stack_id: str, token: str, request: Any, answer: Answer) -> None:
    if token and answer[0] == 200:
        remembered[stack_id, token] = (request, answer)


def request(action: str, params: Params, **resolved: str) -> Any:
    """What makes two requests the same: the action and everything that is sent, names resolved to ids."""
    sent = {key: value for key, value in params.items() if key not in ("Action", "Version", *resolved)}
    return action, sorted((key, str(value)) for key, value in {**sent, **resolved}.items())
