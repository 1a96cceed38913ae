"""Deploys the product's own templates to the embedded AWS with plain boto3, as the contract between the parts describes."""

from __future__ import annotations

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from cdk_app.app import build
from reconciler.load import load
from reconciler.model.stacks import StackKind, StackRef, gate_parameter, template_key
from reconciler.model.topology import EDGE_REGION, Topology
from tests.embedded.conftest import ROOT, Aws

PASSED_ON = ("SubnetIds", "FunctionGroupId", "WriterEndpoint", "ReaderEndpoint", "ClusterResourceId")


@dataclass(slots=True)
class Deployer:
    aws: Aws
    out: Path
    topology: Topology = field(default_factory=lambda: load(ROOT / "desired_state" / "orders.yaml")[0])
    gates: dict[str, str] = field(default_factory=dict)

    def synthesise(self) -> None:
        build(self.topology, self.out)

    def converge(self) -> None:
        """From nothing to all stacks, in the order that a first deployment has, Regions side by side."""
        topology, home, founder = self.topology, self.topology.home_region, self.topology.database.writer
        others = [r for r in topology.region_names if r != founder]
        with ThreadPoolExecutor(8) as pool:
            everywhere = lambda kind, regions: list(pool.map(lambda r: self.deploy(StackRef(kind, r)), regions))  # noqa: E731
            everywhere(StackKind.FOUNDATION, topology.deployment_regions)
            self.deploy(StackRef(StackKind.GLOBAL, home))
            everywhere(StackKind.DATA, [founder])
            everywhere(StackKind.DATA, others)
            everywhere(StackKind.API, topology.region_names)
            self.gates = {r: self.gate(r) for r in topology.region_names}
            self.deploy(StackRef(StackKind.ROUTING, home))
            self.deploy(StackRef(StackKind.EDGE, EDGE_REGION))

    def deploy(self, ref: StackRef) -> str:
        key = template_key(ref, home_region=self.topology.home_region, founder=self.topology.database.writer)
        self.publish(key, ref)
        name, client = ref.name(self.topology.name), self.aws.client("cloudformation", ref.region)
        parameters = [{"ParameterKey": k, "ParameterValue": v} for k, v in self.parameters(ref).items()]
        kind = "UPDATE" if self.exists(ref) else "CREATE"
        body = (self.out / f"{key}.template.json").read_text()
        client.create_change_set(
            StackName=name,
            ChangeSetName="one",
            ChangeSetType=kind,
            TemplateBody=body,
            Parameters=parameters,
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        described = lambda: client.describe_change_set(StackName=name, ChangeSetName="one")  # noqa: E731
        ready = self.aws.until(lambda: (d := described())["Status"] in ("CREATE_COMPLETE", "FAILED") and d)
        assert ready["Status"] == "CREATE_COMPLETE", f"{ref}: {ready['StatusReason']}"
        client.execute_change_set(StackName=name, ChangeSetName="one")
        status = self.aws.settled(name, ref.region)
        assert status == f"{kind}_COMPLETE", f"{ref} is {status}: {self.failures(ref)}"
        return status

    def exists(self, ref: StackRef) -> bool:
        try:
            self.aws.stack_status(ref.name(self.topology.name), ref.region)
        except ClientError:
            return False
        return True

    def failures(self, ref: StackRef) -> list[str]:
        client = self.aws.client("cloudformation", ref.region)
        events = client.describe_stack_events(StackName=ref.name(self.topology.name))["StackEvents"]
        failed = [e for e in events if e["ResourceStatus"].endswith("FAILED")]
        return [f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}" for e in failed]

    def publish(self, key: str, ref: StackRef) -> None:
        files = json.loads((self.out / f"{key}.assets.json").read_text())["files"].values()
        bucket = f"meridian-assets-{self.topology.account}-{ref.region}"
        for file in (f for f in files if not f["source"]["path"].endswith(".json")):
            (destination,) = file["destinations"].values()
            source = self.out / file["source"]["path"]
            content = _zipped(source) if source.is_dir() else source.read_bytes()
            self.aws.client("s3", ref.region).put_object(Bucket=bucket, Key=destination["objectKey"], Body=content)

    def parameters(self, ref: StackRef) -> dict[str, str]:
        if ref.kind is StackKind.DATA:
            cidr = next(r.cidr for r in self.topology.regions if r.name == ref.region)
            return {"Cidr": cidr, "Zones": f"{ref.region}a,{ref.region}c"}
        if ref.kind is StackKind.API:
            made = self.outputs(StackRef(StackKind.DATA, ref.region))
            return {name: made[name] for name in PASSED_ON}
        if ref.kind is StackKind.ROUTING:
            return {gate_parameter(region): gate for region, gate in self.gates.items()}
        return {}

    def gate(self, region: str) -> str:
        """The Region's CALCULATED health check, open."""
        probe = self.outputs(StackRef(StackKind.API, region))["ProbeId"]
        config = {"Type": "CALCULATED", "ChildHealthChecks": [probe], "HealthThreshold": 1}
        made = self.aws.client("route53").create_health_check(
            CallerReference=f"meridian/{self.topology.name}/{region}/gate/1", HealthCheckConfig=config
        )
        return made["HealthCheck"]["Id"]

    def stack(self, ref: StackRef) -> dict[str, Any]:
        name = ref.name(self.topology.name)
        return self.aws.client("cloudformation", ref.region).describe_stacks(StackName=name)["Stacks"][0]

    def outputs(self, ref: StackRef) -> dict[str, str]:
        return {o["OutputKey"]: o["OutputValue"] for o in self.stack(ref).get("Outputs", [])}

    def resources(self, ref: StackRef) -> dict[str, str]:
        client = self.aws.client("cloudformation", ref.region)
        found = client.describe_stack_resources(StackName=ref.name(self.topology.name))["StackResources"]
        return {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in found}


def _zipped(folder: Path) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return out.getvalue()
