"""How long things take on AWS, in virtual seconds, in one table.

Typical times, from experience and documentation, not measured by this project; `--speed` scales all of them. There is no way to
make a thing instant: code that ignores the states in between must fail here as it would on AWS.
"""

from typing import Any

# States that the owning service shows, whoever asked for the change (a stack or an API call).
CHANGE_SET = 5.0  # CREATE_PENDING, CREATE_IN_PROGRESS
DNS_CHANGE = 30.0  # PENDING -> INSYNC
HEALTH_TO_DNS = 5.0  # from a changed health check to the name servers
METRIC_DELAY = 60.0  # from the end of a minute to its data point
CERTIFICATE = 90.0  # from the validation CNAME in the zone to ISSUED
DISTRIBUTION_CREATE = 300.0  # InProgress -> Deployed
DISTRIBUTION_UPDATE = 180.0
DOMAIN_NAME = 45.0  # API Gateway: PENDING or UPDATING -> AVAILABLE
FUNCTION_VPC = 60.0  # Pending -> Active, when the function joins a network
FUNCTION = 5.0
MAPPING = 20.0  # of a queue to a function: Creating, Updating -> Enabled; Deleting -> gone
TABLE = 15.0  # CREATING -> ACTIVE
INTERFACE_DETACHED = 240.0  # from the last function of a subnet and groups until Lambda's interface lies detached
INTERFACE_GONE = 1500.0  # and until Lambda removes it
REPLICAS = 6 * 3600.0  # CloudFront's copies of an edge function after the last association: "within a few hours"
CERTIFICATE_RELEASED = 300.0  # from the last use of a certificate until InUseBy says so
CERTIFICATE_RECORD = 8.0  # from the request until DescribeCertificate knows the validation record
VALIDATION_TIMED_OUT = 72 * 3600.0
CLOUDFRONT_READ = 10.0  # for so long a read may still see the configuration before an update
PATIENCE = 600.0  # CloudFormation tries the deletion again while something still depends on the resource
CLUSTER_FOUNDER = 180.0  # creating -> available
CLUSTER_SECONDARY = 420.0
INSTANCE_FOUNDER = 420.0  # beside a cluster of its own: 600 in total
INSTANCE_SECONDARY = 480.0  # 900 in total
CLUSTER_MODIFY = 60.0  # modifying -> available
CLUSTER_UPGRADE = 600.0  # a new engine version
INSTANCE_MODIFY = 60.0
INSTANCE_REBOOT = 60.0
CLUSTER_FAILOVER = 30.0  # inside one cluster
CLUSTER_MAINTENANCE = 900.0
CLUSTER_SNAPSHOT = 120.0  # creating -> available
FORWARDING = 45.0  # enabling -> enabled, disabling -> disabled
GLOBAL_CREATE = 10.0
GLOBAL_MODIFY = 15.0
GLOBAL_DELETE = 20.0
GLOBAL_MAJOR_UPGRADE = 1800.0
LEAVE_PRIMARY = 20.0  # RemoveFromGlobalCluster of the last member
LEAVE_SECONDARY = 90.0  # promoting -> available, then no member any more
SWITCHOVER_VERIFY = 15.0  # pending
SWITCHOVER_CATCH_UP = 15.0  # and as long as the target lags
SWITCHOVER_LOOK = 30.0  # between two looks at a lag that is too large
SWITCHOVER_PATIENCE = 600.0  # then it is cancelled
SWITCHOVER_CANCEL = 60.0
SWITCHOVER_MOVE = 60.0  # nobody writes
SWITCHOVER_RESYNC = 60.0  # the others follow the new primary
FAILOVER_VERIFY = 10.0
FAILOVER_PROMOTE = 120.0
FAILOVER_REBUILD = 900.0  # the other secondaries
FAILOVER_REBUILD_OLD = 3600.0  # the old primary, from when its Region is back
TRAIL_LOOKUP = 300.0  # from a call to its event in CloudTrail's history ("within 15 minutes" [V], typically 5)
TRAIL_BUS = 30.0  # from a call to its event on EventBridge's bus [K]
IAM_PROPAGATION = 8.0  # until others see a role or a policy that a call wrote: seconds as a rule, rarely a minute
ENDPOINT_SETTLE = 1.0  # CloudFormation's own bookkeeping at the end of an operation

# What CloudFormation needs for a resource besides the states above: create, update, delete.
_STACK: dict[str, tuple[float, float, float]] = {
    "AWS::ApiGateway::Deployment": (3, 3, 2),
    "AWS::ApiGateway::RestApi": (5, 8, 5),
    "AWS::ApiGateway::DomainName": (3, 3, 30),
    "AWS::ApiGateway::Stage": (5, 5, 3),
    "AWS::CertificateManager::Certificate": (5, 5, 10),
    "AWS::CloudFront::Distribution": (5, 5, 300),
    "AWS::CloudWatch::Alarm": (5, 5, 3),
    "AWS::DynamoDB::Table": (5, 15, 15),
    "AWS::EC2::SecurityGroup": (8, 8, 8),
    "AWS::EC2::Subnet": (5, 5, 5),
    "AWS::EC2::VPC": (10, 5, 5),
    "AWS::EC2::VPCEndpoint": (60, 20, 60),
    "AWS::IAM::Role": (18, 12, 5),
    "AWS::KMS::Key": (20, 5, 5),
    "AWS::Lambda::Function": (3, 5, 10),
    "AWS::Lambda::Version": (5, 5, 3),
    "AWS::Logs::LogGroup": (5, 5, 3),
    "AWS::RDS::DBCluster": (5, 5, 180),
    "AWS::RDS::DBClusterParameterGroup": (10, 30, 5),
    "AWS::RDS::DBInstance": (5, 5, 300),
    "AWS::RDS::DBSubnetGroup": (5, 5, 5),
    "AWS::RDS::GlobalCluster": (30, 30, 30),
    "AWS::Route53::HealthCheck": (5, 5, 5),
    "AWS::Route53::RecordSet": (DNS_CHANGE, DNS_CHANGE, DNS_CHANGE),
    "AWS::S3::Bucket": (20, 10, 5),
    "AWS::SecretsManager::Secret": (8, 5, 5),
}
_OTHER = (5.0, 5.0, 5.0)


def in_stack(resource_type: str, verb: str) -> float:
    """Virtual seconds that a stack spends on one resource before it looks at the resource's own state."""
    create, update, delete = _STACK.get(resource_type, _OTHER)
    return {"CREATE": create, "UPDATE": update, "DELETE": delete}[verb]


def letting_go(resource_type: str, properties: dict[str, Any]) -> float:
    """Virtual seconds that a stack waits after a deletion: a function's until its interfaces are detached.

    "CloudFormation is waiting for NetworkInterfaces associated with the Lambda Function to be cleaned up"
    (coverage-roadmap#392 [S]); whether until detached or until gone is not known [K], so later stacks may meet them still.
    """
    in_network = resource_type == "AWS::Lambda::Function" and (properties.get("VpcConfig") or {}).get("SubnetIds")
    return INTERFACE_DETACHED if in_network else 0.0


def function(config: dict[str, Any]) -> float:
    return FUNCTION_VPC if (config.get("VpcConfig") or {}).get("SubnetIds") else FUNCTION
