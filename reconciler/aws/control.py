"""The `ControlPlane` port on boto3: the control plane's stacks, and what the account has already that they would make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.aws.parallel import Reads
from reconciler.aws.read_global import GLOBAL
from reconciler.aws.read_stacks import failed, start_events, start_template
from reconciler.model.facts import StackFacts
from reconciler.model.stacks import StackRef

T = TypeVar("T")


class AwsControlPlane:
    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def stack(self, ref: StackRef, name: str) -> StackFacts | None:
        found = self._ask(
            "cloudformation", ref.region, "DescribeStacks", lambda c: c.describe_stacks(StackName=name)["Stacks"][0]
        )
        if found is None:
            return None
        reads = Reads(self._clients)
        try:
            template = start_template(reads, ref.region, name)
            events = start_events(reads, ref.region, found["StackId"]) if failed(found) else None
            return StackFacts(
                stack=found, template=template.result(), resources={}, events=events.result() if events else ()
            )
        finally:
            reads.close()

    def trails(self, region: str) -> Sequence[Mapping[str, Any]]:
        listed = self._ask("cloudtrail", region, "DescribeTrails", lambda c: c.describe_trails()["trailList"]) or []
        # A trail of another Region alone hears nothing here.
        here = [t for t in listed if t.get("IsMultiRegionTrail") or t.get("HomeRegion") == region]
        return [self._trail(trail) for trail in here]

    def _trail(self, trail: Mapping[str, Any]) -> Mapping[str, Any]:
        arn, home = trail["TrailARN"], trail["HomeRegion"]
        status = self._ask("cloudtrail", home, "GetTrailStatus", lambda c: c.get_trail_status(Name=arn)) or {}
        asked = self._ask("cloudtrail", home, "GetEventSelectors", lambda c: c.get_event_selectors(TrailName=arn)) or {}
        selectors = [*asked.get("EventSelectors", ()), *asked.get("AdvancedEventSelectors", ())]
        return {**trail, "IsLogging": status.get("IsLogging", False), "Selectors": selectors}

    def identity_providers(self) -> Sequence[str]:
        def read(client: Any) -> Sequence[str]:
            return [p["Arn"] for p in client.list_open_id_connect_providers()["OpenIDConnectProviderList"]]

        return self._ask("iam", GLOBAL, "ListOpenIDConnectProviders", read) or ()

    def bucket_key(self, bucket: str, region: str) -> str | None:
        def read(client: Any) -> str:
            found = client.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
            defaults = (rule.get("ApplyServerSideEncryptionByDefault", {}) for rule in found)
            return next((str(d["KMSMasterKeyID"]) for d in defaults if d.get("KMSMasterKeyID")), "")

        return self._ask("s3", region, "GetEncryptionConfiguration", read)

    def key_state(self, key: str, region: str) -> str:
        found = self._ask("kms", region, "DescribeKey", lambda c: c.describe_key(KeyId=key)["KeyMetadata"]["KeyState"])
        return found or "gone"

    def has_role(self, name: str) -> bool:
        return self._ask("iam", GLOBAL, "GetRole", lambda c: c.get_role(RoleName=name)) is not None

    def _ask(self, service: str, region: str, operation: str, read: Callable[[Any], T]) -> T | None:
        """The answer; None where AWS says that there is no such thing."""
        try:
            return read(self._clients.reader(service, region))
        except failures.AwsError as error:
            if failures.absent(error):
                return None
            raise failures.translated(error, f"{service}:{operation}", region) from error
