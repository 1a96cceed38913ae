"""API Gateway's management ARNs are the paths of its REST calls [V: "ARN values that API Gateway uses for managing APIs"]."""

from collections.abc import Mapping
from typing import Any

PATCHED: tuple[str, ...] = ()

# By type: where its collection is, and which part of the physical id, or property, names one in it.
_COLLECTIONS = {
    "AWS::ApiGateway::RestApi": ("/restapis", "RestApiId"),
    "AWS::ApiGateway::Deployment": ("/restapis/{RestApiId}/deployments", "DeploymentId"),
    "AWS::ApiGateway::Stage": ("/restapis/{RestApiId}/stages", "StageName"),
    "AWS::ApiGateway::DomainName": ("/domainnames", "DomainName"),
    "AWS::ApiGateway::BasePathMapping": ("/domainnames/{DomainName}/basepathmappings", "BasePath"),
}


def gateway_arns(kind: str, action: str, properties: Mapping[str, Any], physical_id: str, *, region: str) -> list[str]:
    """POST is to the collection, PUT of anything but an API sets tags, the rest is to the thing itself."""
    if kind == "AWS::ApiGateway::Account":
        return [f"arn:aws:apigateway:{region}::/account"]
    if kind not in _COLLECTIONS:
        return ["*"]
    form, own = _COLLECTIONS[kind]
    collection = form.format_map({k: str(v) for k, v in properties.items()})
    verb, name = action.partition(":")[2], str(properties.get(own) or physical_id.rsplit("|", 1)[-1] or "*")
    if kind == "AWS::ApiGateway::BasePathMapping":
        name = str(properties.get("BasePath") or "(none)")
    path = {
        "POST": collection,
        "PUT": f"{collection}/{name}" if kind == "AWS::ApiGateway::RestApi" else "/tags/*",
    }.get(verb, f"{collection}/{name}")
    return [f"arn:aws:apigateway:{region}::{path}"]
