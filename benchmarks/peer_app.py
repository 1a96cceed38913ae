"""The CDK app for the peer: our stacks, one per stack and Region.

    python -m benchmarks.peer_app FILE              with exactly the templates that are deployed, for stacks that stand
    python -m benchmarks.peer_app FILE --from-nothing    as one app that `cdk deploy --all` can deploy by itself

For a stack with a known Region CDK writes the name of the asset bucket out. The deployed template serves every Region and
leaves it to `Fn::Sub`; undone here, or `cdk diff` would compare two spellings of one name.

What Meridian hands over as parameters when it has seen them, an app for `cdk deploy` has to know by itself: `from_nothing` puts
in what CDK writes for a reference from one stack to another (an export and its import), the order, and fixed values for the rest.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from cdk_app.app import main

WRITTEN_OUT = re.compile(r'"meridian-assets-\d{12}-[a-z0-9-]+"')
FOR_ANY_REGION = '{"Fn::Sub": "meridian-assets-${AWS::AccountId}-${AWS::Region}"}'
CIDR = re.compile(r"name: ([a-z0-9-]+), *cidr: ([0-9./]+)")


def same_spelling(out: Path) -> None:
    for file in out.glob("*.template.json"):
        file.write_text(WRITTEN_OUT.sub(FOR_ANY_REGION, file.read_text()))


def from_nothing(out: Path, cidrs: dict[str, str], writer: str) -> None:
    """Makes the assembly in `out` one that is deployed as a whole."""
    manifest = json.loads((out / "manifest.json").read_text())
    stacks = {n: a for n, a in manifest["artifacts"].items() if a["type"] == "aws:cloudformation:stack"}
    for name, stack in stacks.items():
        file = out / stack["properties"]["templateFile"]
        template = json.loads(file.read_text())
        kind, _, region = name.partition("-")
        if kind == "foundation":  # it makes the bucket that templates lie in
            del stack["properties"]["stackTemplateAssetObjectUrl"]
            stack["dependencies"] = []
        elif kind == "data":
            template["Parameters"]["Cidr"]["Default"] = cidrs[region]
            template["Parameters"]["Zones"]["Default"] = f"{region}a,{region}b"
            for output, body in template["Outputs"].items():
                body["Export"] = {"Name": exported(output)}
        elif kind == "api":
            template = imported(template)
        stack["dependencies"] += after(kind, region, list(stacks), writer)
        file.write_text(json.dumps(template))
    (out / "manifest.json").write_text(json.dumps(manifest))


def after(kind: str, region: str, stacks: list[str], writer: str) -> list[str]:
    """The fewest stacks that CloudFormation needs before this one: more would slow the peer down."""
    foundations = [name for name in stacks if name.startswith("foundation-")]
    match kind:
        case "foundation":
            return []
        case "global":
            return foundations
        case "data":
            return ["global"] if region == writer else [f"data-{writer}"]
        case "api":
            return [f"data-{region}"]
        case "routing":
            return [name for name in stacks if name.startswith("api-")]
        case _:
            return ["global"]


def exported(output: str) -> str:
    return f"meridian-data-{output}"


def imported(template: dict[str, Any]) -> dict[str, Any]:
    """The template with imports in place of its parameters."""
    values: dict[str, Any] = {}
    for name, parameter in template.pop("Parameters").items():
        value = {"Fn::ImportValue": exported(name)}
        values[name] = {"Fn::Split": [",", value]} if parameter["Type"].startswith("List<") else value
    linked: dict[str, Any] = _linked(template, values)
    return linked


def _linked(node: Any, values: dict[str, Any]) -> Any:
    match node:
        case {"Ref": name} if name in values:
            return values[name]
        case {"Fn::Sub": str(text)} if named := {n: v for n, v in values.items() if f"${{{n}}}" in text}:
            return {"Fn::Sub": [text, named]}
        case dict():
            return {key: _linked(value, values) for key, value in node.items()}
        case list():
            return [_linked(value, values) for value in node]
        case _:
            return node


if __name__ == "__main__":
    file, *whole = sys.argv[1:]
    main([file])
    folder = Path(os.environ["CDK_OUTDIR"])
    same_spelling(folder)
    if whole:
        text = Path(file).read_text()
        from_nothing(folder, dict(CIDR.findall(text)), re.findall(r"^ +writer: ([a-z0-9-]+)", text, re.MULTILINE)[0])
