"""Stack `control`: what makes the reconciler run by itself, in the home Region; and `control-remote`, which sends there what
happens in another Region. `meridian bootstrap` deploys them.

Nothing of a topology is in them: topologies come and go without a new bootstrap. What differs from account to account is a
parameter (`reconciler.model.control`).
"""

from __future__ import annotations

from pathlib import Path

from constructs import Construct

from cdk_app.stacks.base import MeridianStack
from cdk_app.stacks.control.alarms import add_alarms
from cdk_app.stacks.control.events import add_forwarding, add_rules
from cdk_app.stacks.control.functions import add_functions
from cdk_app.stacks.control.github import add_github
from cdk_app.stacks.control.notices import add_topic
from cdk_app.stacks.control.roles import add_roles
from cdk_app.stacks.control.storage import add_storage
from cdk_app.stacks.control.trail import add_trail
from reconciler.model.topology import Topology


class Control(MeridianStack):
    """The home Region's."""

    def __init__(self, scope: Construct, topology: Topology, *, artifact: str, region: str | None, code: Path) -> None:
        super().__init__(scope, topology, "control", artifact=artifact, region=region)
        storage = add_storage(self)
        observing = add_roles(self, storage.key_arn)
        events = add_topic(self, storage.key_arn)
        functions = add_functions(self, storage, observing, code, events)
        add_rules(self, functions.wake)
        add_alarms(self, storage.key_arn)
        add_github(self, storage.key_arn, observing)
        add_trail(self)
        self.output("RevisionBucket", storage.bucket)
        self.output("QueueUrl", storage.queue_url)


class ControlRemote(MeridianStack):
    """Every other Region's in use, and us-east-1's."""

    def __init__(self, scope: Construct, topology: Topology, *, artifact: str, region: str | None) -> None:
        super().__init__(scope, topology, "control", artifact=artifact, region=region)
        add_forwarding(self)
        add_trail(self)
