"""IAM database authentication: the token's signature always, the policies with `--iam`.

A token is a presigned URL for `rds-db`, good for 15 minutes, for one host, port and user [V Aurora User Guide, "Creating and using
an IAM policy for IAM database access", "Connecting using IAM authentication"]. Signatures go by the client's clock: wall time.
"""

from types import SimpleNamespace

from ministack.core import iam_evaluator as evaluator
from ministack.core import rds_iam
from ministack.core.responses import request_scope

from local_aws.clock import wall_time
from local_aws.iam.enforcement import enforced
from local_aws.postgres.estate import PORT, Endpoint

PATCHED: tuple[str, ...] = ()


def is_good(token: str, user: str, endpoint: Endpoint) -> bool:
    """Call where the records are changed: it reads sessions, keys and policies."""
    cluster = endpoint.cluster
    if not cluster.iam:
        return False
    found = rds_iam.verify_rds_iam_token(
        token, hostname=endpoint.name, port=PORT, db_user=user, region=cluster.region, account_id=cluster.account
    )
    if isinstance(found, rds_iam.RdsIamTokenError):
        return False
    return not enforced() or _allowed(found.access_key_id, user, endpoint)


def _allowed(access_key: str, user: str, endpoint: Endpoint) -> bool:
    """`rds-db:connect` on the user of this cluster, by its resource id."""
    account, region = endpoint.cluster.account, endpoint.cluster.region
    arn = f"arn:aws:rds-db:{region}:{account}:dbuser:{endpoint.cluster.id}/{user}"
    with request_scope(account, region):
        principal = evaluator.resolve_principal(access_key, account)
        if isinstance(principal, evaluator.AuthError) or principal.account != account:
            return False
        if principal.policies is None:
            return True  # root
        context = evaluator.EvalContext(
            principal_arn=principal.arn, principal_type=principal.type, principal_account=account, action="rds-db:connect",
            resource_arn=arn, region=region, principal_keys=principal.keys,
        )  # fmt: skip
        return bool(evaluator.evaluate(context, principal.policies, *principal.limits).decision == "Allow")


def install() -> None:
    rds_iam.time = SimpleNamespace(time=wall_time)
