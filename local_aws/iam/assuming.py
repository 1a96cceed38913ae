"""STS: who may assume a role, for how long, and what a token of another identity provider is worth.

A web identity token is believed as it is: its claims are read, its signature is not verified, because nothing here can ask
the provider for its keys. An unsigned token (`header.claims.`) therefore stands in for GitHub's. Everything else about it is
checked: the provider must be registered in IAM, the audience must be one of its clients, the token must not have expired (by
the wall clock), and the role's trust policy must admit `aud` and `sub`, and of GitHub's tokens the claims that
IAM made condition keys in January 2026; other claims are no condition keys here.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from ministack.core import iam_evaluator as evaluator
from ministack.core.router import extract_access_key_id
from ministack.services import iam, sts

from local_aws.arns import account_of
from local_aws.clock import wall_time
from local_aws.gateway.wire import single
from local_aws.iam import consistency, credentials, trust
from local_aws.refused import Refused
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.core.iam_evaluator._resource_policy",
    "ministack.services.cognito._decode_id_token_unverified",
    "ministack.services.iam._oidc_providers",
    "ministack.services.sts._error",
    "ministack.services.sts._sessions",
    "ministack.services.sts._web_identity_principal",
)

Form = dict[str, Any]
SHORTEST, CHAINED = 900, 3600
_WEB = "AssumeRoleWithWebIdentity"
_GITHUB = "token.actions.githubusercontent.com"
_OF_GITHUB = (
    *("actor", "actor_id", "enterprise_id", "environment", "job_workflow_ref", "ref", "repository", "repository_id"),
    "workflow",
)
"""Claims that are condition keys [V: IAM user guide, "Available keys for AWS OIDC federation"]."""


async def _handle(stock: Callable[..., Any], method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
    form = single({**query, **parse_qs(body.decode("utf-8", "replace"))})
    rules = _RULES.get(form.get("Action", ""), ())
    try:
        for rule in rules:
            rule(form, extract_access_key_id(headers, query) or "")
    except Refused as refusal:
        return sts._error(refusal.status, refusal.code, refusal.message, ns="sts")
    answer = await stock(method, path, headers, body, query)
    return _with_subject(answer, form) if form.get("Action") == _WEB and answer[0] == 200 else answer


def role_is_seen(form: Form, access_key: str) -> None:
    """AssumeRole: the role exists, and STS has heard of it [V: "IAM is eventually consistent"]; AWS does not say which is wrong."""
    arn = form.get("RoleArn", "")
    if consistency.role(trust.name_of(arn), account_of(arn)) is not None:
        return
    if form["Action"] == _WEB:
        raise Refused("AccessDenied", f"Not authorized to perform sts:{_WEB}", 403)
    who = f"User: {_caller(access_key)}"
    raise Refused("AccessDenied", f"{who} is not authorized to perform: sts:AssumeRole on resource: {arn}", 403)


def root_stays_root(_form: Form, access_key: str) -> None:
    """AssumeRole by the account's root [V: API reference, AssumeRole: "You cannot use AWS account root user credentials"]."""
    if credentials.is_root(access_key):
        raise Refused("AccessDenied", "Roles may not be assumed by root accounts.", 403)


def lasts_as_allowed(form: Form, access_key: str) -> None:
    """DurationSeconds: 900 at least, the role's MaxSessionDuration at most, one hour for chained roles [V: API reference]."""
    given = form.get("DurationSeconds")
    if given is None:
        return
    if int(given) < SHORTEST:
        raise Refused(
            "ValidationError",
            f"1 validation error detected: Value '{given}' at 'durationSeconds' failed to satisfy constraint: "
            f"Member must have value greater than or equal to {SHORTEST}",
        )
    role = consistency.role(trust.name_of(form["RoleArn"]), account_of(form["RoleArn"])) or {}
    if int(given) > int(role.get("MaxSessionDuration") or CHAINED):
        raise Refused(
            "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    if int(given) > CHAINED and access_key in sts._sessions:
        raise Refused(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        )


def token_is_of_a_known_provider(form: Form, _: str) -> None:
    """AssumeRoleWithWebIdentity: provider, audience, expiry [V: API reference; S: configure-aws-credentials, 280 and 775]."""
    claims = _claims(form)
    issuer = str(claims.get("iss", ""))
    account = account_of(form.get("RoleArn", ""))
    arn = f"arn:aws:iam::{account}:oidc-provider/{issuer.rsplit('://', maxsplit=1)[-1]}"
    provider = iam._oidc_providers.get_scoped(account, None, arn)
    if provider is None:
        raise Refused("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}")
    if not set(_audiences(claims)) & set(provider["ClientIDList"]):
        raise Refused("InvalidIdentityToken", "Incorrect token audience")
    if float(claims.get("exp", 0)) < wall_time():
        raise Refused(
            "ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time"
        )


def _claims(form: Form) -> dict[str, Any]:
    from ministack.services.cognito import _decode_id_token_unverified

    try:
        claims = _decode_id_token_unverified(form.get("WebIdentityToken", ""))
    except (ValueError, TypeError):
        claims = None
    if not isinstance(claims, dict):
        raise Refused("InvalidIdentityToken", "The ID Token provided is not a valid JWT.")
    return claims


def _audiences(claims: dict[str, Any]) -> list[str]:
    given = claims.get("aud", [])
    return [given] if isinstance(given, str) else list(given)


def _with_subject(answer: Any, form: Form) -> Any:
    claims = _claims(form)
    body = answer[2].replace(b">test-subject<", f">{claims.get('sub', '')}<".encode())
    body = body.replace(b"<Audience>sts.amazonaws.com<", f"<Audience>{_audiences(claims)[0]}<".encode())
    return answer[0], answer[1], body


def _with_claims_of_github(stock: Callable[..., Any], token: str, provider: str, arn: str) -> Any:
    principal, keys = stock(token, provider, arn)
    if not str(principal).endswith(f"/{_GITHUB}"):
        return principal, keys
    claims = _claims({"WebIdentityToken": token})
    return principal, keys | {f"{_GITHUB}:{name}": claims[name] for name in _OF_GITHUB if name in claims}


def _caller(access_key: str) -> str:
    identity = evaluator.resolve_caller_identity(access_key)
    return str(identity["userArn"]) if identity else "unknown"


def _trust_as_seen(stock: Callable[..., Any], document: Any, caller: str, context: Any = None) -> Any:
    """The trust policy that STS has heard of by now."""
    role = consistency.role(trust.name_of(context.resource_arn), account_of(context.resource_arn)) if context else None
    return stock(role["AssumeRolePolicyDocument"] if role else document, caller, context)


def _policy_of(stock: Callable[..., Any], service: str, arn: str) -> Any:
    """A role's trust policy is its resource policy: it must admit the caller, and may by itself when it names the caller's own ARN
    [V: "Policy evaluation logic", role trust policies]."""
    role = consistency.role(trust.name_of(arn), account_of(arn)) if service == "sts" else None
    return (role["AssumeRolePolicyDocument"], account_of(arn)) if role else stock(service, arn)


_RULES: dict[str, tuple[Callable[[Form, str], None], ...]] = {"AssumeRole": (role_is_seen,)}


def install() -> None:
    """A role must be there, enforced or not: whoever assumes it too soon is refused."""
    around(sts, "handle_request", _handle)


def enforce() -> None:
    _RULES["AssumeRole"] = (root_stays_root, role_is_seen, lasts_as_allowed)
    _RULES[_WEB] = (token_is_of_a_known_provider, role_is_seen, lasts_as_allowed)
    around(sts, "_web_identity_principal", _with_claims_of_github)
    around(evaluator, "evaluate_trust_policy", _trust_as_seen)
    around(evaluator, "_resource_policy", _policy_of)
