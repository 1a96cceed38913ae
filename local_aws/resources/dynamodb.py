"""DynamoDB: table settings that ministack's stacks drop: time to live, point-in-time recovery, encryption."""

from ministack.services import dynamodb

from local_aws.resources.wrap import Properties, after, boolean


def _table(name: str, now: Properties, before: Properties | None) -> None:
    expiry = now.get("TimeToLiveSpecification")
    if expiry and expiry != (before or {}).get("TimeToLiveSpecification"):
        dynamodb._update_ttl(
            {"TableName": name, "TimeToLiveSpecification": {**expiry, "Enabled": boolean(expiry.get("Enabled"))}}
        )
    recovery = now.get("PointInTimeRecoverySpecification")
    if recovery:
        enabled = boolean(recovery.get("PointInTimeRecoveryEnabled"))
        dynamodb._update_continuous_backups(
            {"TableName": name, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": enabled}}
        )
    encryption = now.get("SSESpecification")
    if encryption:
        wanted = {**encryption, "Enabled": boolean(encryption.get("SSEEnabled"))}
        dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(wanted)


def install() -> None:
    after("AWS::DynamoDB::Table", _table)
