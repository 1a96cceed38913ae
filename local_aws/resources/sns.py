"""SNS: the settings of a stack's topic that ministack drops: its key, its signature version, its tracing."""

from ministack.services import sns

from local_aws.resources.wrap import Properties, after

PATCHED: tuple[str, ...] = ("ministack.services.sns._topics",)
_SETTINGS = {
    "KmsMasterKeyId": "KmsMasterKeyId",
    "SignatureVersion": "SignatureVersion",
    "TracingConfig": "TracingConfig",
}


def _topic(arn: str, now: Properties, before: Properties | None) -> None:
    attributes = sns._topics[arn]["attributes"]
    for given, shown in _SETTINGS.items():
        if now.get(given) is not None:
            attributes[shown] = str(now[given])
        elif (before or {}).get(given) is not None:
            attributes.pop(shown, None)


def install() -> None:
    after("AWS::SNS::Topic", _topic)
