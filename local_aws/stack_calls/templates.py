"""What a template has to look like before anything else is asked of it: sections, attributes of resources, numbers."""

from collections.abc import Iterator
from typing import Any

from ministack.services.cloudformation import engine, handlers

from local_aws.stack_calls import functions, limits
from local_aws.stack_calls.refusals import Answer, Handler, Params, invalid, refusing

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation.engine._parse_template",
    "ministack.services.cloudformation.handlers._ACTION_HANDLERS",
)

_SECTIONS = {
    *("AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions"),
    *("Transform", "Resources", "Outputs", "Hooks"),
}
_ATTRIBUTES = {
    *("Type", "Properties", "DependsOn", "Condition", "Metadata"),
    *("CreationPolicy", "UpdatePolicy", "DeletionPolicy", "UpdateReplacePolicy"),
}
_MOST = {"Resources": 500, "Parameters": 200, "Outputs": 200, "Mappings": 200}


def check(text: str) -> None:
    """Refuses with the first thing that is wrong; what cannot be parsed is said by whoever reads it next."""
    try:
        template = engine._parse_template(text or "{")
    except Exception:
        return
    for judge in (_sections, _maps, _resources, _numbers, _functions):
        for wrong in judge(template):
            raise invalid(wrong)


def _sections(template: dict[str, Any]) -> Iterator[str]:
    """[S, public reports]"""
    unknown = [name for name in template if name not in _SECTIONS]
    if unknown:
        yield f"Invalid template property or properties [{', '.join(unknown)}]"


def _maps(template: dict[str, Any]) -> Iterator[str]:
    """Sections, and what is in most of them, are objects [V; words K]."""
    for section in (*_MOST, "Conditions"):
        found = template.get(section)
        if not isinstance(found, dict | None):
            yield f"Template format error: [/{section}] {section} must be an object"
        for name, each in (found or {}).items():
            loop = section == "Resources" and name.startswith("Fn::ForEach")
            if not (isinstance(each, dict | None) or loop or section == "Conditions"):
                yield f"Template format error: [/{section}/{name}] {section[:-1].lower()} definition is malformed"
    for name, parameter in (template.get("Parameters") or {}).items():
        if not isinstance((parameter or {}).get("Type"), str):
            yield f"Template format error: Every Parameters object must contain a Type member: {name}"


def _resources(template: dict[str, Any]) -> Iterator[str]:
    """[S, recorded from AWS in localstack's tests]"""
    if not template.get("Resources"):
        yield "Template format error: At least one Resources member must be defined."
    for name, resource in (template.get("Resources") or {}).items():
        if isinstance(resource, dict) and not name.startswith("Fn::"):
            yield from (f"Invalid template resource property '{key}'" for key in resource if key not in _ATTRIBUTES)
            yield from _resource(name, resource)


def _resource(name: str, resource: dict[str, Any]) -> Iterator[str]:
    if "Type" not in resource:
        yield f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
    elif not isinstance(resource["Type"], str | None):
        yield f"Template format error: [/Resources/{name}/Type] Type must be a string"  # words [K]
    needs = resource.get("DependsOn")
    if not all(isinstance(each, str) for each in (needs if isinstance(needs, list) else [needs or ""])):
        yield f"Template format error: [/Resources/{name}/DependsOn] Every DependsOn value must be a string"  # words [K]
    if not isinstance(resource.get("Condition", ""), str | None):
        yield f"Template format error: [/Resources/{name}/Condition] Every Condition member must be a string."
    if not isinstance(resource.get("Properties", {}), dict | None):
        yield f"Template format error: [/Resources/{name}/Properties] Any Properties member must be a JSON object."


def _functions(template: dict[str, Any]) -> Iterator[str]:
    for section in ("Parameters", "Mappings", "Conditions", "Resources", "Outputs"):
        yield from functions.nulls(template.get(section, {}), f"/{section}")
    for section in ("Conditions", "Resources", "Outputs"):
        yield from functions.problems(template.get(section, {}))


def _numbers(template: dict[str, Any]) -> Iterator[str]:
    """500 resources, 200 parameters, 200 outputs, 200 mappings [V quotas]; words [S]."""
    for section, most in _MOST.items():
        number = len(template.get(section) or {})
        if number > most:
            yield f"Template format error: Number of {section.lower()}, {number}, is greater than maximum allowed, {most}"


def _validating(stock: Handler) -> Handler:
    @refusing
    def handler(params: Params) -> Answer:
        asked = limits.template(params)
        check(limits.text(asked))
        return stock(asked)

    return handler


def install() -> None:
    for action in ("ValidateTemplate", "GetTemplateSummary"):
        handlers._ACTION_HANDLERS[action] = _validating(handlers._ACTION_HANDLERS[action])
