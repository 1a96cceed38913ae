"""ministack's private names that the extension reads or replaces.

ministack promises nothing about them, so they are asserted at start (`check`), a contract test holds the list to what
the code uses, and the version is pinned. Modules with much of their own list it themselves, as `PATCHED`.
"""

import importlib
from collections.abc import Iterable
from importlib.metadata import version

PINNED = "1.5.33"
_NAMES = {
    "app": """
        _EXECUTE_API_RE _HEALTH_PATHS _MINISTACK_HOST _handle_execute_api_request _parse_execute_api_url
        _reset_all_state app
    """,
    "core.sigv4": "dt",
    "services.acm": "_cert_shape _certificates _future_iso _request_certificate _validation_options",
    "services.apigateway_v1": """
        _OPENAPI_HTTP_METHODS _apply_patch _authorizers_v1 _base_path_mappings _create_domain_name
        _delete_rest_api _deployments_v1 _domain_names _get_resources _get_rest_api _import_operation _import_rest_api
        _models _resources _rest_api_view _rest_apis _stages_v1 _tag_v1_resource _untag_v1_resource _v1_error
        _v1_response find_api_scope handle_request
    """,
    "services.cloudformation": "_change_sets _exports _stack_events _stacks",
    "services.cloudformation.changesets": "_resolve_parameters _stack_region_context",
    "services.cloudformation.drift": "_STACK_TAG_PROPERTY",
    "services.cloudformation.engine": """
        _NO_VALUE _evaluate_conditions _extract_deps _parse_template _resolve_dynamic_references _resolve_refs
        _topological_sort
    """,
    "services.cloudformation.handlers": """
        _create_stack _delete_stack _describe_stack_drift_detection_status _detect_stack_drift _p
        _resolve_parameters _update_stack
    """,
    "services.cloudformation.helpers": "_error _esc _p _page _sdk_error _xml",
    "services.cloudformation.provisioners": """
        _DEFERRED_PREDECESSOR_DELETES _NAME_SEED _RESOURCE_HANDLERS _RETAINING_POLICIES _RETAIN_REPLACED
        _STACK_TAG_PROPERTY _apigw_rest_api_attrs _apigw_rest_api_update _r53_record_set_build_rs
    """,
    "services.cloudformation.stacks": """
        CLIENT_REQUEST_TOKEN _add_event _adopt_resource _continue_update_rollback_async _delete_resource
        _delete_stack_async _deploy_stack_async _fail_property_validation _failed_operation
        _provision_keeping_seed _replacing_change _resolve_stack_outputs _resource_policy _roll_back_operation
        _runs_on_worker_thread _snapshot_resource _stack_region_context _update_keeping_seed _with_dependencies
        _with_stack_tags run_reentrant
    """,
    "services.cloudfront": """
        _build_distribution_xml _create_distribution _distribution_config_xml _distributions
        _response_headers_policies _tags _update_distribution _xml_response
    """,
    "services.cloudwatch": "_alarms _put_metric_alarm _resource_tags _ts_iso",
    "services.cloudwatch_logs": """
        _create_delivery _delete_delivery _delete_delivery_destination _delete_delivery_source _deliveries
        _delivery_destinations _delivery_sources _log_groups _put_delivery_destination _put_delivery_source
    """,
    "services.dynamodb": "_sse_description_from_spec _tables _update_continuous_backups _update_ttl",
    "services.ec2": "_subnets run_offloop",
    "services.eventbridge": "_put_events",
    "services.kms": "_keys",
    "services.lambda_svc": "_create_function _fetch_code_from_s3 _functions _schedule_state_transition",
    "services.rds": """
        _cluster_xml _clusters _create_db_instance _db_cluster_param_groups _delete_db_cluster
        _delete_db_instance _error _global_clusters _instance_xml _instances _modify_db_cluster
        _modify_db_instance _p _parse_member_list _resolve_cluster_in_request_region _resolve_instance
        _subnet_groups _tags _unsupported_aurora_engine_version_error _xml run_offloop
    """,
    "services.route53": """
        _build_health_check_el _build_hosted_zone_el _caller_refs _changes _create_health_check _default_records
        _error_response _find _findall _get_change _hc_caller_refs _hc_id _health_checks
        _list_hosted_zones_by_name _name_sort_key _new_change _normalise_name _parse_body
        _parse_health_check_config _parse_record_set _records _tags _text _update_health_check _xml_response
        _zones handle_request
    """,
    "services.s3": """
        _bucket_lifecycle _bucket_tags _bucket_versioning _put_bucket_encryption _put_bucket_lifecycle
        _put_bucket_ownership_controls
    """,
}
NAMES = frozenset(f"ministack.{module}.{name}" for module, names in _NAMES.items() for name in names.split())


class MissingPrivateNameError(Exception):
    """ministack is not the one this extension was written for."""


def check(more: Iterable[str] = ()) -> None:
    """Raise MissingPrivateNameError, with everything that is missing, unless ministack is as expected."""
    found = version("ministack")
    if found != PINNED:
        raise MissingPrivateNameError(
            f"ministack {found} is installed, the embedded AWS needs exactly {PINNED}: run `make setup`"
        )
    missing = sorted(name for name in {*NAMES, *more} if not exists(name))
    if missing:
        raise MissingPrivateNameError(
            "ministack lacks private names that the embedded AWS relies on: " + ", ".join(missing)
        )


def exists(name: str) -> bool:
    module, _, attribute = name.rpartition(".")
    try:
        return hasattr(importlib.import_module(module), attribute)
    except ImportError:
        return False
