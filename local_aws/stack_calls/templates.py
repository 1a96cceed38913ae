"""What a template has to look like before anything else is asked of it: sections, attributes of resources, numbers."""

from collections.abc import Iterator
from typing import Any

from ministack.services.cloudformation import engine, handlers

from local_aws.stack_calls import limits
from local_aws.stack_calls.refusals import Answer, Handler, Params, given, invalid, refusing

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
        template = engine._parse_template(text)
    except Exception:
        return
    for wrong in (*_sections(template), *_resources(template), *_numbers(template)):
        raise invalid(wrong)


def _sections(template: dict[str, Any]) -> Iterator[str]:
    """[S, public reports]"""
    unknown = [name for name in template if name not in _SECTIONS]
    if unknown:
        yield f"Invalid template property or properties [{', '.join(unknown)}]"


def _resources(template: dict[str, Any]) -> Iterator[str]:
    """[S, recorded from AWS in localstack's tests]"""
    if not template.get("Resources"):
        yield "Template format error: At least one Resources member must be defined."
    for name, resource in (template.get("Resources") or {}).items():
        if isinstance(resource, dict) and not name.startswith("Fn::"):
            yield from (f"Invalid template resource property '{key}'" for key in resource if key not in _ATTRIBUTES)
            if "Type" not in resource:
                yield f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."


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
        if given(asked, "TemplateBody"):
            check(given(asked, "TemplateBody"))
        return stock(asked)

    return handler


def install() -> None:
    for action in ("ValidateTemplate", "GetTemplateSummary"):
        handlers._ACTION_HANDLERS[action] = _validating(handlers._ACTION_HANDLERS[action])
