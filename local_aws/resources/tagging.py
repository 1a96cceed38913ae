"""Stack tags: the types that take them on AWS and that ministack leaves out."""

from ministack.services.cloudformation.provisioners import _STACK_TAG_PROPERTY

_MISSING = {
    "AWS::CloudTrail::Trail": "Tags",
    "AWS::Events::Rule": "Tags",
    "AWS::IAM::OIDCProvider": "Tags",
    "AWS::Lambda::EventSourceMapping": "Tags",
    "AWS::Logs::Delivery": "Tags",
    "AWS::Logs::DeliveryDestination": "Tags",
    "AWS::Logs::DeliverySource": "Tags",
    "AWS::RDS::DBCluster": "Tags",
    "AWS::RDS::GlobalCluster": "Tags",
    "AWS::Route53::HealthCheck": "HealthCheckTags",
    "AWS::S3::Bucket": "Tags",
}


def install() -> None:
    _STACK_TAG_PROPERTY.update({kind: (name, "list") for kind, name in _MISSING.items()})
