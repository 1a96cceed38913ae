"""The public contract is complete, valid, and what the README shows."""

import json

import botocore.loaders
import pytest
from jsonschema import Draft202012Validator

from reconciler.load import schema as loader_schema


@pytest.fixture(scope="module")
def schema(repository):
    return json.loads((repository / "desired_state/schema.json").read_text(encoding="utf-8"))


def fields(at, path="", *, required=True):
    """Every field below a schema: its path as the README writes it, its schema, whether it must be given."""
    for name, field in at.get("properties", {}).items():
        here = f"{path}.{name}".lstrip(".")
        must = name in at.get("required", [])
        yield here, field, must
        yield from fields(field, here)
        yield from fields(field.get("items", {}), f"{here}[]")


def test_the_schema_is_valid_and_travels_with_the_package(schema):
    Draft202012Validator.check_schema(schema)
    assert loader_schema.schema() == schema


def test_every_field_has_a_description_an_example_and_a_default_unless_it_must_be_given(schema):
    for path, field, required in fields(schema):
        assert field["description"].endswith("."), path
        assert field["examples"], path
        assert required != ("default" in field), path


def test_defaults_and_examples_obey_their_own_schema(schema):
    for path, field, _ in fields(schema):
        validator = Draft202012Validator({**field, "$defs": schema["$defs"]})
        for value in (*field["examples"], *([field["default"]] if "default" in field else [])):
            assert not list(validator.iter_errors(value)), path


def test_unknown_fields_are_refused_everywhere_and_patterns_span_the_value(schema):
    for path, field, _ in (("", schema, True), *fields(schema)):
        for at in (field, field.get("items", {})):
            assert ("properties" in at) == (at.get("additionalProperties") is False), path
            if "pattern" in at:
                assert at["pattern"].startswith("^"), path
                assert at["pattern"].endswith("$"), path
                assert at["patternErrorMessage"], path


def test_every_keyword_in_use_can_be_explained(schema):
    annotations = {"description", "default", "examples", "patternErrorMessage", "properties", "items", "$ref"}
    own = {"type", "required", "additionalProperties"}
    for path, field, _ in fields(schema):
        assert set(field) <= annotations | own | set(loader_schema._SAYINGS), path


def test_regions_are_those_of_route_53(schema):
    shapes = botocore.loaders.Loader().load_service_model("route53", "service-2")["shapes"]
    known = sorted(shapes["ResourceRecordSetRegion"]["enum"])

    assert schema["$defs"]["region"]["enum"] == known
    lists = [field["enum"] for _, field, _ in fields(schema) if "us-east-1" in field.get("enum", [])]
    assert lists == [[*known, None]]


def test_the_loader_fills_in_exactly_the_defaults(schema):
    written = {"spec": {"database": {"writer": "us-east-1"}, "regions": [{"name": "us-east-1"}]}}

    filled = loader_schema.filled(written)

    assert filled["spec"]["database"]["writer"] == "us-east-1"
    for path, field, required in fields(schema):
        if required or ("[]" in path and not path.startswith("spec.regions[]")) or "properties" in field:
            continue
        value = filled
        for part in path.replace("[]", ".0").split("."):
            value = value[int(part)] if part == "0" else value[part]
        assert value == field["default"], path


def row(path, field, required):
    allowed = field.get("enum") or (field.get("items", {}) if "items" in field else {}).get("enum")
    if "$ref" in field or (allowed and len(allowed) > 10):
        says = "a Region"
    elif allowed:
        says = ", ".join(f"`{json.dumps(value).strip(chr(34))}`" for value in allowed)
    elif "minimum" in field or "maximum" in field:
        says = f"{field.get('minimum', '')} to {field.get('maximum', '')}".strip().removesuffix(" to")
        says += f", in steps of {field['multipleOf']}" if "multipleOf" in field else ""
    else:
        says = {"array": "a list", "boolean": "`true`, `false`"}.get(str(field["type"]), "text")
    default = "**required**" if required else f"`{json.dumps(field['default'])}`"
    return f"| `{path}` | {says} | {default} | {field['description']} |"


def test_the_readme_lists_every_field_as_the_schema_has_it(schema, repository):
    leaves = [(path, field, must) for path, field, must in fields(schema) if field.get("type") != "object"]
    readme = (repository / "desired_state/README.md").read_text(encoding="utf-8").splitlines()

    assert [line for line in readme if line.startswith("| `")] == [row(*leaf) for leaf in leaves]
