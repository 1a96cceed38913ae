"""The `Notifier` port: a topic of SNS in the home Region, encrypted with the control plane's key."""

from __future__ import annotations

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.model.notice import Notice


class TopicNotifier:
    def __init__(self, clients: Clients, topic: str, region: str) -> None:
        self._clients, self._topic, self._region = clients, topic, region

    def publish(self, notice: Notice) -> None:
        sns = self._clients.writer("sns", self._region)
        try:
            sns.publish(
                TopicArn=self._topic,
                Subject=notice.subject,
                Message=notice.message,
                MessageStructure="json",
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in notice.attributes.items()
                },
            )
        except failures.AwsError as error:
            raise failures.translated(error, f"sns:Publish of notice {notice.id}", self._region) from error
