"""Requests that `act` makes of AWS, and what it is told of a change set. Each is one mutating call, or one that leads to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.stacks import Asset, StackRef
from reconciler.model.topology import Migration


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """A resource that is there already and becomes the stack's: `identifier` is what AWS finds it by."""

    logical_id: str
    resource_type: str
    identifier: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateChangeSet:
    """Publish the template's assets to the Region's bucket, then create the change set. `name` is deterministic:
    the same inputs on the same state of the stack give the same name, so a repeated request is harmless."""

    stack: StackRef
    stack_name: str
    name: str
    create: bool
    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    description: str
    assets: tuple[Asset, ...] = ()
    bucket: str = ""
    revert_drift: bool = False
    adopts: tuple[Adoption, ...] = ()
    """With any: the change set imports these and does nothing else."""
    call: str = "cloudformation:CreateChangeSet"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectDrift:
    """Have CloudFormation compare a stack with what is there: a drift-aware change set of the template and the parameters that it
    has already. It is read and deleted, never executed."""

    stack: StackRef
    stack_name: str
    name: str
    parameters: tuple[str, ...]
    call: str = "cloudformation:CreateChangeSet"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteChangeSet:
    stack: StackRef
    stack_name: str
    name: str
    call: str = "cloudformation:ExecuteChangeSet"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteChangeSet:
    stack: StackRef
    stack_name: str
    name: str
    call: str = "cloudformation:DeleteChangeSet"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteStack:
    """For a stack that cannot be updated, or has no place any more. `stack_id`: the very one observed, so that a late request
    does not hit one that was made again meanwhile under the same name."""

    stack: StackRef
    stack_name: str
    stack_id: str
    call: str = "cloudformation:DeleteStack"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueRollback:
    stack: StackRef
    stack_name: str
    call: str = "cloudformation:ContinueUpdateRollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateGate:
    """Create a CALCULATED health check with this CallerReference, closed, then tag it."""

    region: str
    reference: str
    children: tuple[str, ...]
    threshold: int
    topology: str
    call: str = "route53:CreateHealthCheck"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateGate:
    """Set the gate's children and threshold, and its flags to false; refused by AWS when `version` is no longer current."""

    region: str
    id: str
    version: int
    children: tuple[str, ...]
    threshold: int
    call: str = "route53:UpdateHealthCheck"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteGate:
    region: str
    id: str
    call: str = "route53:DeleteHealthCheck"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switchover:
    """Make `target_arn` (in `region`) the writer; asked in `writer_region`, where the writer is now."""

    region: str
    writer_region: str
    global_cluster: str
    target_arn: str
    call: str = "rds:SwitchoverGlobalCluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailOver:
    """Make `target_arn` the writer with what it has, though the present writer may have had more. Only `meridian failover`
    asks for it, in the target's own Region: the writer's may be gone."""

    region: str
    global_cluster: str
    target_arn: str
    call: str = "rds:FailoverGlobalCluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detach:
    """Take `cluster_arn` (in `region`) out of the global cluster; asked in `writer_region`."""

    region: str
    writer_region: str
    global_cluster: str
    cluster_arn: str
    call: str = "rds:RemoveFromGlobalCluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unprotect:
    """Let a cluster that stands alone be deleted: its deletion protection goes, at once."""

    region: str
    cluster: str
    call: str = "rds:ModifyDBCluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCluster:
    """Put settings of a Region's cluster back, at once. `settings`: as ModifyDBCluster takes them."""

    region: str
    cluster: str
    settings: Mapping[str, Any]
    call: str = "rds:ModifyDBCluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetParameters:
    """Put parameters of a cluster's group back; only such as take effect without a restart. `values`: by name."""

    region: str
    group: str
    values: Mapping[str, str]
    call: str = "rds:ModifyDBClusterParameterGroup"


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueKey:
    """Take a key back from its deletion, if that is its lot, and enable it."""

    region: str
    key: str
    call: str = "kms:EnableKey"


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateKey:
    region: str
    key: str
    call: str = "kms:EnableKeyRotation"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnableProbe:
    """Switch a Region's probe on again."""

    region: str
    probe: str
    call: str = "route53:UpdateHealthCheck"


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRecord:
    """Put back a record that proves a domain to be ours, which no template has."""

    region: str
    zone: str
    name: str
    type: str
    value: str
    call: str = "route53:ChangeResourceRecordSets"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteInstance:
    """Delete one instance of a cluster that stands alone and goes."""

    region: str
    instance: str
    call: str = "rds:DeleteDBInstance"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCluster:
    """Delete a cluster that stands alone and has no instances any more; AWS copies its data to `snapshot` first."""

    region: str
    cluster: str
    snapshot: str
    call: str = "rds:DeleteDBCluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnprotectGlobal:
    region: str
    global_cluster: str
    call: str = "rds:ModifyGlobalCluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectGlobal:
    """Switch its deletion protection on again."""

    region: str
    global_cluster: str
    call: str = "rds:ModifyGlobalCluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteGlobal:
    """Delete the global cluster, which has no members any more."""

    region: str
    global_cluster: str
    call: str = "rds:DeleteGlobalCluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteVersion:
    """Delete one version of a function in us-east-1; refused by AWS while a replica of it stands at the edge."""

    function: str
    version: str
    region: str = "us-east-1"
    call: str = "lambda:DeleteFunction"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareDatabase:
    """Have the migrations' function make the roles of the database, as the master whose credentials `secret` holds."""

    region: str
    function: str
    secret: str
    secret_region: str
    call: str = "lambda:InvokeFunction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrate:
    """Have the migrations' function apply those that are missing. It goes on by itself; `attempt` says whose it is."""

    region: str
    function: str
    migrations: tuple[Migration, ...]
    attempt: str
    call: str = "lambda:InvokeFunction"


Request = (
    CreateChangeSet
    | DetectDrift
    | ExecuteChangeSet
    | DeleteChangeSet
    | DeleteStack
    | ContinueRollback
    | CreateGate
    | UpdateGate
    | DeleteGate
    | Switchover
    | Detach
    | Unprotect
    | SetCluster
    | SetParameters
    | RescueKey
    | RotateKey
    | PutRecord
    | EnableProbe
    | DeleteInstance
    | DeleteCluster
    | UnprotectGlobal
    | ProtectGlobal
    | DeleteGlobal
    | DeleteVersion
    | PrepareDatabase
    | Migrate
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyDrift:
    """One property that is not as deployed: `prop` is dotted, a dot inside a key escaped; values are text. `kept`: the template
    wants what is there by now, so nothing of it changes. `changed`: it wants another value than was deployed, whatever is there."""

    prop: str
    deployed: str | None
    actual: str | None
    kept: bool = False
    changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChange:
    """One entry of a change set. `replacement` is `True`, `False`, `Conditional` or None; `policy_action` as AWS gives it."""

    action: str
    logical_id: str
    resource_type: str
    replacement: str | None = None
    policy_action: str | None = None
    properties: tuple[str, ...] = ()
    """Names of the properties that change, top level."""
    paths: tuple[str, ...] = ()
    """Where exactly, as far as AWS tells: `/Properties/DistributionConfig/Enabled`."""
    drift: str = ""
    """ResourceDriftStatus, in a drift-aware change set."""
    drifted: tuple[PropertyDrift, ...] = ()
    ignored: Mapping[str, str] = field(default_factory=dict)
    """Dotted property to why its drift was not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    name: str
    status: str
    execution_status: str
    reason: str = ""
    changes: tuple[ResourceChange, ...] = field(default=())

    @property
    def pending(self) -> bool:
        return self.status in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}

    @property
    def of_no_use(self) -> bool:
        """It can never be executed: made in vain, or for a state of the stack that has passed."""
        return self.status == "FAILED" or self.execution_status in {"OBSOLETE", "EXECUTE_FAILED"}

    @property
    def empty(self) -> bool:
        """CloudFormation found nothing to change."""
        return self.status == "FAILED" and ("didn't contain changes" in self.reason or "No updates" in self.reason)
