"""How many calls AWS takes: token buckets, in one table. A call needs a token of every quota that names it.

Virtual seconds. Where the source says a rate alone, the bucket holds one second of it. [V] is the vendor's documentation, read
for this or, where it says "quotas", as remembered; [K] is from memory or experience, and then low.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

# What one bucket is for: all calls that the quota names, or each operation, or each hosted zone, on its own.
Per = Literal["quota", "operation", "zone"]


@dataclass(frozen=True, slots=True)
class Quota:
    service: str
    operations: str  # names or patterns; with "!" those that it does not count
    burst: float
    per_second: float
    source: str
    per: Per = "quota"
    everywhere: bool = False  # one bucket for the account, not one per Region
    code: str = "Throttling"
    message: str | None = None

    def counts(self, service: str, operation: str) -> bool:
        if service != self.service:
            return False
        words = self.operations.split()
        excluded = [word[1:] for word in words if word.startswith("!")]
        return any(fnmatchcase(operation, w) for w in words) and not any(fnmatchcase(operation, w) for w in excluded)


R53 = "Route 53 API throttling, via aws-facts §5.1 [V]"
APIGW = "API Gateway quotas for creating, deploying and managing an API [V]"
LAMBDA = "Lambda quotas, API requests [V]"
EC2 = "EC2 API throttling: unfiltered reads, and mutating actions [V]"
CW = "CloudWatch service quotas [V]"
ACM = "ACM quotas, API rate [V]"
PRIOR = "The request was rejected because Route 53 was still processing a prior request."

# fmt: off
QUOTAS = (
    #     service, operations, burst, per second
    Quota("route53", "*", 50, 10, R53, everywhere=True),
    Quota("route53", "CreateHealthCheck", 50, 0.5, R53, everywhere=True),
    Quota("route53", "DeleteHealthCheck", 15, 3, R53, everywhere=True),
    Quota("route53", "GetHealthCheckStatus GetHealthCheckLastFailureReason", 4, 1, R53, everywhere=True),
    Quota("route53", "CreateHostedZone", 40, 2, R53, everywhere=True),
    Quota("route53", "ChangeResourceRecordSets", 1, 2, "Limits on Route 53 API requests [V]; that one takes half a second [K]",
          per="zone", everywhere=True, code="PriorRequestNotComplete", message=PRIOR),

    Quota("apigateway", "CreateDomainName", 1, 1 / 30, APIGW),
    Quota("apigateway", "UpdateDomainName", 1, 1 / 30, APIGW),
    Quota("apigateway", "DeleteDomainName", 1, 1 / 30, APIGW),
    Quota("apigateway", "CreateRestApi ImportRestApi", 1, 1 / 3, APIGW),
    Quota("apigateway", "PutRestApi", 1, 1, APIGW),
    Quota("apigateway", "DeleteRestApi", 1, 1 / 30, APIGW),
    Quota("apigateway", "CreateDeployment", 1, 1 / 5, APIGW),
    Quota("apigateway", "CreateResource DeleteResource", 5, 5, APIGW, per="operation"),
    Quota("apigateway", "GetResources", 5, 5 / 2, APIGW),
    Quota("apigateway", "UpdateAccount UpdateUsagePlan", 1, 1 / 20, APIGW, per="operation"),
    Quota("apigateway", "*", 40, 10, APIGW),

    Quota("cloudfront", "Get* List* Describe*", 20, 5, "aws-facts §10: low single digits [K]", everywhere=True),
    Quota("cloudfront", "* !Get* !List* !Describe*", 5, 1, "aws-facts §10: low single digits [K]", everywhere=True),
    Quota("iam", "*", 50, 10, "[K]", everywhere=True),
    Quota("sts", "*", 600, 600, "IAM and STS quotas [V]"),

    Quota("cloudformation", "*", 40, 10, "aws-facts §10 [K]"),
    Quota("rds", "Describe* List*", 40, 10, "aws-facts §10 [K]"),
    Quota("rds", "* !Describe* !List*", 20, 5, "[K]"),
    Quota("lambda", "GetFunction", 100, 100, LAMBDA),
    Quota("lambda", "GetPolicy", 15, 15, LAMBDA),
    Quota("lambda", "* !GetFunction !GetPolicy !Invoke*", 15, 15, LAMBDA),
    Quota("ec2", "Describe* Get* List*", 50, 10, EC2, per="operation"),
    Quota("ec2", "* !Describe* !Get* !List*", 50, 5, EC2, per="operation"),
    Quota("acm", "DescribeCertificate DeleteCertificate GetCertificate ListTagsForCertificate", 10, 10, ACM, per="operation"),
    Quota("acm", "ListCertificates", 8, 8, ACM),
    Quota("acm", "RequestCertificate AddTagsToCertificate RemoveTagsFromCertificate UpdateCertificateOptions RenewCertificate",
          5, 5, ACM, per="operation"),
    Quota("acm", "ImportCertificate GetAccountConfiguration PutAccountConfiguration ResendValidationEmail", 1, 1, ACM,
          per="operation"),
    Quota("cloudwatch", "GetMetricData", 50, 50, CW),
    Quota("cloudwatch", "GetMetricStatistics", 400, 400, CW),
    Quota("cloudwatch", "ListMetrics", 25, 25, CW),
    Quota("cloudwatch", "DescribeAlarms", 9, 9, CW),
    Quota("cloudwatch", "PutMetricAlarm DeleteAlarms SetAlarmState EnableAlarmActions DisableAlarmActions", 3, 3, CW,
          per="operation"),
    Quota("logs", "DescribeLogGroups CreateLogGroup DeleteLogGroup", 10, 10, "CloudWatch Logs quotas [V]", per="operation"),
    Quota("cloudtrail", "LookupEvents", 2, 2, "API reference, LookupEvents [V]"),
    Quota("cloudtrail", "* !LookupEvents", 10, 10, "CloudTrail quotas [V]; for what changes a trail [K]", per="operation"),
    Quota("kms", "DescribeKey", 2000, 2000, "KMS request quotas [V]"),
    Quota("kms", "CreateKey", 5, 5, "KMS request quotas [V]"),
    Quota("s3", "Get* Head* List*", 5500, 5500, "S3 performance guidelines, per prefix [V]; one for the Region here [K]"),
    Quota("s3", "Put* Copy* Delete* UploadPart*", 3500, 3500, "as above"),
)
# fmt: on
