"""ministack's private names that the extension reads or replaces.

ministack promises nothing about them, so they are asserted at start (`check`) and by a contract test, and the version is pinned.
"""

import importlib
from importlib.metadata import version

PINNED = "1.5.33"
_CFN = "services.cloudformation"
NAMES: dict[str, tuple[str, ...]] = {
    "app": ("app", "_reset_all_state", "_HEALTH_PATHS", "SERVICE_HANDLERS"),
    f"{_CFN}.stacks": (
        "_add_event", "_deploy_stack_async", "_delete_stack_async", "_roll_back_operation", "_continue_update_rollback_async",
        "_runs_on_worker_thread", "run_reentrant", "_resource_policy", "_with_stack_tags", "_fail_property_validation",
        "_resolve_stack_outputs", "_failed_operation", "_adopt_resource", "_replacing_change", "_provision_keeping_seed",
        "_update_keeping_seed", "_delete_resource", "_snapshot_resource", "_with_dependencies", "_stack_region_context",
        "CLIENT_REQUEST_TOKEN",
    ),
    f"{_CFN}.engine": (
        "_NO_VALUE", "_evaluate_conditions", "_extract_deps", "_parse_template", "_resolve_dynamic_references", "_resolve_refs",
        "_topological_sort",
    ),
    f"{_CFN}.provisioners": (
        "_DEFERRED_PREDECESSOR_DELETES", "_NAME_SEED", "_RESOURCE_HANDLERS", "_RETAINING_POLICIES", "_RETAIN_REPLACED",
    ),
    _CFN: ("_change_sets", "_exports", "_stack_events", "_stacks"),
    "services.route53": ("_zones", "_records", "_caller_refs", "_default_records"),
    "services.eventbridge": ("_put_events",),
}  # fmt: skip


class MissingPrivateName(Exception):
    """ministack is not the one this extension was written for."""


def check() -> None:
    """Raise MissingPrivateName, with everything that is missing, unless ministack is as expected."""
    found = version("ministack")
    if found != PINNED:
        raise MissingPrivateName(
            f"ministack {found} is installed, the embedded AWS needs exactly {PINNED}: run `make setup`"
        )
    missing = [
        f"ministack.{module}.{name}"
        for module, names in NAMES.items()
        for name in names
        if not hasattr(importlib.import_module(f"ministack.{module}"), name)
    ]
    if missing:
        raise MissingPrivateName("ministack lacks private names that the embedded AWS replaces: " + ", ".join(missing))
