"""IAM: the type of an OpenID Connect provider, which ministack has as API calls only.

AWS keeps and shows the URL without its scheme [V: GetOpenIDConnectProvider, example]; there is one provider for a URL [V:
CreateOpenIDConnectProvider, EntityAlreadyExists].
"""

from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import iam
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from local_aws.resources.wrap import Properties, around, tags

PATCHED: tuple[str, ...] = (
    "ministack.services.iam._create_oidc_provider",
    "ministack.services.iam._now",
    "ministack.services.iam._oidc_providers",
)


def _bare(url: str) -> str:
    return url.removeprefix("https://").rstrip("/")


def _made(stock: Any, params: Any) -> Any:
    answer = stock(params)
    for provider in iam._oidc_providers.values():
        provider["Url"] = _bare(provider["Url"])
    return answer


def _record(arn: str, properties: Properties, made: str) -> None:
    iam._oidc_providers[arn] = {
        "Url": _bare(properties["Url"]),
        "ClientIDList": list(properties.get("ClientIdList") or []),
        "ThumbprintList": list(properties.get("ThumbprintList") or []),
        "Arn": arn,
        "CreateDate": made,
        "Tags": tags(properties),
    }


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    url = str(properties.get("Url", ""))
    if not url.startswith("https://"):
        raise ValueError(f"Invalid Open ID Connect Provider URL {url} (Service: Iam, Status Code: 400)")
    arn = f"arn:aws:iam::{get_account_id()}:oidc-provider/{_bare(url)}"
    if arn in iam._oidc_providers:
        raise ValueError(f"Provider with url {url} already exists. (Service: Iam, Status Code: 409)")
    _record(arn, properties, iam._now())
    return arn, {"Arn": arn}


def _update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> tuple[str, dict]:
    if new.get("Url") != old.get("Url"):
        return _create("", new, stack_name)
    _record(physical_id, new, iam._oidc_providers[physical_id]["CreateDate"])
    return physical_id, {"Arn": physical_id}


def _delete(physical_id: str, properties: Properties) -> None:
    iam._oidc_providers.pop(physical_id, None)


def install() -> None:
    around(iam, "_create_oidc_provider", _made)
    _RESOURCE_HANDLERS["AWS::IAM::OIDCProvider"] = {"create": _create, "update": _update, "delete": _delete}
