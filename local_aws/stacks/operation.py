"""One create or update of one stack: what it knows while it runs."""

import copy

from ministack.services import cloudformation as cfn
from ministack.services.cloudformation import engine
from ministack.services.cloudformation import stacks as stock

from local_aws import states
from local_aws.gateway import faults

STACK = "AWS::CloudFormation::Stack"


class Operation:
    def __init__(
        self,
        name: str,
        stack_id: str,
        template: dict,
        parameters: dict,
        *,
        previous: dict | None,
        imports: dict,
    ):
        self.name, self.id, self.template, self.parameters = name, stack_id, template, parameters
        self.stack = cfn._stacks[name]
        self.definitions = template.get("Resources", {})
        self.mappings = template.get("Mappings", {})
        self.conditions = engine._evaluate_conditions(template, parameters)
        self.previous = previous
        self.before: dict[str, dict] = (previous or {}).get("_resources", {})
        self.tags = self.stack.get("Tags") or []
        self.tags_before = (previous or {}).get("Tags") or []
        self.imports = imports
        self.resources: dict[str, dict] = self.stack.setdefault("_resources", {})
        self.touched: list[str] = []  # created or changed by this operation: what a rollback has to undo
        self.replaced: list[tuple[str, str, dict, list]] = []  # logical id, type, the record before, queued deletes
        self.failed: str | None = None
        self.failed_update: tuple | None = None
        self.reason = ""
        self.cancelled = self.left_behind = False
        self.half = faults.half_applied(name)
        self.begun = self.finished = 0  # resources

    async def go_on(self) -> None:
        """Before one more resource: an operation that is to stop half way waits for those before it, and stops."""
        self.begun += 1
        half = self.half
        if half and self.begun > half.after:
            await states.until(lambda: self.finished >= half.after)
            self.stack["_rollback_fails"] = half.rollback == "fails"
            raise ValueError("Internal Failure")

    @property
    def verb(self) -> str:
        return "CREATE" if self.previous is None else "UPDATE"

    def event(self, logical_id: str, kind: str, status: str, reason: str = "", physical_id: str = "") -> None:
        stock._add_event(self.id, self.name, logical_id, kind, status, reason, physical_id)

    def stack_status(self, status: str, reason: str = "") -> None:
        self.stack["StackStatus"] = status
        self.stack["StackStatusReason"] = reason
        self.event(self.name, STACK, status, reason, self.id)

    def policy(self, logical_id: str, attribute: str) -> str:
        return stock._resource_policy(
            self.definitions.get(logical_id), attribute, self.resources, self.parameters, self.conditions, self.mappings,
            self.name, self.id,
        )  # fmt: skip

    def tagged(self, kind: str, properties: dict, tags: list, logical_id: str) -> dict:
        return stock._with_stack_tags(kind, properties, tags, self.name, self.id, logical_id)

    def resolve(self, logical_id: str) -> tuple[dict, dict]:
        """The properties with every reference resolved, and the dynamic references' values."""
        definition, record = self.definitions[logical_id], self.before.get(logical_id)
        properties = engine._resolve_refs(
            copy.deepcopy(definition.get("Properties", {})), self.resources, self.parameters, self.conditions,
            self.mappings, self.name, self.id,
        )  # fmt: skip
        properties = {k: v for k, v in properties.items() if v is not engine._NO_VALUE}
        earlier = self.previous or {}
        same_definition = (earlier.get("_template") or {}).get("Resources", {}).get(logical_id) == definition
        same_stack = self.template == earlier.get("_template") and self.parameters == earlier.get("_resolved_params")
        return engine._resolve_dynamic_references(
            properties,
            (record or {}).get("_dynamic"),
            reuse_ssm=bool(record and same_stack),
            reuse_secrets=bool(record and same_definition),
        )
