"""Calling a Region's API as the edge router does: signed for that Region by the edge role, and refused in every other way."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.embedded.iam_staff import Product, restore
from tests.embedded.iam_world import ACCOUNT, Caller, World, allow, session
from tests.embedded.test_iam_resources import function

REGION = "eu-west-1"
HOST = f"{REGION}.origin.api.example.com"
Send = Callable[..., tuple[int, str]]


@pytest.fixture
def api(product: Product, deployed: str) -> World:
    restore(product, deployed)
    return product.world


def edge(world: World) -> Caller:
    """The edge role's credentials, as a function that runs with it finds them."""
    role = f"arn:aws:iam::{ACCOUNT}:role/meridian-orders-edge"
    names = "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"
    function(world, "edge", f"import os; return [os.environ[n] for n in '{names}'.split()]", role)
    answer = world.aws.client("lambda").invoke(FunctionName="edge")
    return Caller(world.aws, *json.load(answer["Payload"]))


def call(world: World, caller: Caller | None, path: str = "/", *, region: str = REGION, service: str = "execute-api",
         sent_path: str = "", **changed: str) -> tuple[int, str, str]:  # fmt: skip
    """Status, error type and message of a request to the Region's own domain."""
    request = AWSRequest(method="GET", url=f"http://{HOST}{path}")
    if caller:
        SigV4Auth(Credentials(caller.key, caller.secret, caller.token), service, region).add_auth(request)
    headers = {**dict(request.headers.items()), "Host": HOST, **changed}
    url = world.aws.url + (sent_path or path)
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status, "", ""
    except urllib.error.HTTPError as error:
        body = json.loads(error.read() or b"{}")
        message = body.get("message") or body.get("Message") or ""
        return error.code, error.headers.get("x-amzn-ErrorType", ""), str(message)


def test_the_edge_role_gets_through_with_a_signature_for_the_region(api: World) -> None:
    status, _, message = call(api, edge(api))
    assert status not in (401, 403), message


def test_so_does_the_probe_role(api: World) -> None:
    who = api.user("prober", allow("sts:AssumeRole"))
    prober = session(who, f"arn:aws:iam::{ACCOUNT}:role/meridian-orders-probe")
    assert call(api, prober)[0] not in (401, 403)


def test_the_health_path_is_open_to_everybody_and_nothing_else_is(api: World) -> None:
    status, kind, message = call(api, None, "/health")
    assert status not in (401, 403), (kind, message)
    assert call(api, None) == (403, "MissingAuthenticationTokenException", "Missing Authentication Token")


def test_a_signature_for_another_region_or_service_is_refused(api: World) -> None:
    caller = edge(api)
    refusal = (403, "InvalidSignatureException")
    assert call(api, caller, region="us-east-1") == (
        *refusal, "Credential should be scoped to a valid region, not 'us-east-1'. ",
    )  # fmt: skip
    assert call(api, caller, service="apigateway") == (
        *refusal, "Credential should be scoped to correct service: 'execute-api'. ",
    )  # fmt: skip


def test_a_request_that_was_changed_is_refused(api: World) -> None:
    caller = edge(api)
    for changed in ({"sent_path": "/?admin=1"}, {"X-Amz-Date": "20200101T000000Z"}):
        status, kind, message = call(api, caller, **changed)
        assert (status, kind) == (403, "InvalidSignatureException"), message
    wrong = Caller(api.aws, caller.key, "wrong", caller.token)
    assert call(api, wrong)[:2] == (403, "InvalidSignatureException")
    status, kind, message = call(api, Caller(api.aws, caller.key, caller.secret, None))
    assert (status, message) == (403, "The security token included in the request is invalid.")


def test_others_are_denied_whatever_their_own_policies_say(api: World) -> None:
    almighty = api.assume("almighty", allow("*"))
    status, kind, message = call(api, almighty)
    assert (status, kind) == (403, "AccessDeniedException")
    assert "with an explicit deny" in message
    assert call(api, Caller(api.aws, ACCOUNT, "test"))[0] == 403  # root as well


def test_without_the_resource_policy_a_caller_needs_the_right_to_invoke(api: World) -> None:
    gateway = api.aws.client("apigateway", REGION)
    api_id = gateway.get_rest_apis()["items"][0]["id"]
    empty = [{"op": "replace", "path": "/policy", "value": ""}]
    gateway.update_rest_api(restApiId=api_id, patchOperations=empty)
    gateway.create_deployment(restApiId=api_id, stageName="live")
    there = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/live/GET/"
    assert call(api, api.assume("one", allow("execute-api:Invoke", resource=there)))[0] not in (401, 403)
    status, kind, message = call(api, api.assume("two", allow("execute-api:Invoke", resource=there + "else")))
    assert (status, kind) == (403, "AccessDeniedException")
    assert "execute-api:Invoke" in message


def test_the_api_may_call_its_function_only_with_the_functions_permission(api: World) -> None:
    functions = api.aws.client("lambda", REGION)
    caller = edge(api)
    assert call(api, caller)[0] != 500
    policy = json.loads(functions.get_policy(FunctionName="meridian-orders-api")["Policy"])
    for statement in policy["Statement"]:
        functions.remove_permission(FunctionName="meridian-orders-api", StatementId=statement["Sid"])
    assert call(api, caller)[0] == 500
