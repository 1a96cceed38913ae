"""Drift that a call of our own puts back, on a topology that really stands: what a change set must not touch is whole again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.cli.converge import Passes
from reconciler.drive import Run
from reconciler.loop import Looking, look, run_pass
from reconciler.model.facts import Sweep
from reconciler.model.outcome import Outcome, Result
from reconciler.model.requests import PutRecord, RescueKey, RotateKey, SetParameters
from tests.embedded.conftest import Aws
from tests.embedded.converged import Converged, converged

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
EU = "eu-west-1"
CLUSTER, GROUP = f"orders-{EU}", f"orders-{EU}-pg16"


@pytest.fixture(scope="module")
def module_world(server: Aws) -> Iterator[Converged]:
    with converged(server) as world:
        yield world


@pytest.fixture
def world(module_world: Converged) -> Converged:
    module_world.restore()
    return module_world


def findings(world: Converged) -> dict[str, str]:
    outcome = look(world.ports, world.topology, sweep=Sweep.FULL)
    return {f.path: str(f.disposition) for f in outcome.diff.findings}


def passes(world: Converged) -> list[Outcome]:
    run, done = Run(patience=30), []
    one = Passes(lambda sweep: run_pass(world.ports, world.topology, run, looking=Looking(sweep=sweep)))
    while not done or done[-1].result is not Result.CONVERGED:
        done.append(one())
        assert all(p.retry for p in done[-1].problems), done[-1].problems
        assert len(done) < 60, done[-1].plan.waves
        world.passes(20)
    return done


def calls(done: list[Outcome]) -> list[tuple[str, str | None]]:
    return [(r.call, r.region) for outcome in done for r in outcome.requests]


def test_settings_of_a_cluster_are_put_back_by_one_call(world: Converged) -> None:
    rds = world.aws.client("rds", EU)
    rds.modify_db_cluster(
        DBClusterIdentifier=CLUSTER,
        ServerlessV2ScalingConfiguration={"MinCapacity": 1, "MaxCapacity": 4},
        DeletionProtection=False,
        BackupRetentionPeriod=1,
        EnableIAMDatabaseAuthentication=False,
        CloudwatchLogsExportConfiguration={"DisableLogTypes": ["postgresql"]},
        CopyTagsToSnapshot=False,
        EnableGlobalWriteForwarding=False,
        ApplyImmediately=True,
    )
    world.passes(120)
    found = findings(world)
    assert set(found.values()) == {"heal"}, found
    assert len(found) == 8, found
    done = passes(world)
    assert calls(done) == [("rds:ModifyDBCluster", EU)]
    assert findings(world) == {}


def test_capacity_raised_stays_and_the_lowered_bound_beside_it_is_put_back(world: Converged) -> None:
    rds = world.aws.client("rds", EU)
    scaling = {"MinCapacity": 2, "MaxCapacity": 128}
    rds.modify_db_cluster(DBClusterIdentifier=CLUSTER, ServerlessV2ScalingConfiguration=scaling)
    world.passes(60)
    assert calls(passes(world)) == [("rds:ModifyDBCluster", EU)]
    (cluster,) = rds.describe_db_clusters(DBClusterIdentifier=CLUSTER)["DBClusters"]
    kept = cluster["ServerlessV2ScalingConfiguration"]
    assert (kept["MinCapacity"], kept["MaxCapacity"]) == (8, 128)
    assert findings(world) == {f"regions/{EU}/database/capacity/max": "hold"}


def test_the_global_clusters_protection_is_switched_on_again(world: Converged) -> None:
    rds = world.aws.client("rds", "us-east-1")
    rds.modify_global_cluster(GlobalClusterIdentifier="orders", DeletionProtection=False)
    assert list(findings(world).values()) == ["heal"]
    assert calls(passes(world)) == [("rds:ModifyGlobalCluster", "us-east-1")]
    (group,) = rds.describe_global_clusters()["GlobalClusters"]
    assert group["DeletionProtection"] is True


def test_parameters_keys_and_records_are_put_back_by_the_adapter(world: Converged) -> None:
    cloud, rds, kms = world.ports.cloud, world.aws.client("rds", EU), world.aws.client("kms", EU)

    def force_ssl() -> list[str]:
        user = rds.describe_db_cluster_parameters(DBClusterParameterGroupName=GROUP, Source="user")["Parameters"]
        return [p["ParameterValue"] for p in user if p["ParameterName"] == "rds.force_ssl"]

    off = {"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName=GROUP, Parameters=[off])
    assert force_ssl() == ["0"]
    cloud.perform(SetParameters(region=EU, group=GROUP, values={"rds.force_ssl": "1"}))
    assert force_ssl() == ["1"]

    key = next(s.resources["Key"] for r, s in world.observed().stacks.items() if str(r) == f"data/{EU}")
    kms.disable_key_rotation(KeyId=key)
    cloud.perform(RotateKey(region=EU, key=key))
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    for _ in range(2):  # asked again: nothing is to be cancelled any more
        cloud.perform(RescueKey(region=EU, key=key))
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"

    zone, name = world.topology.domain.zone_id, f"_proof.{world.topology.origin_name}"
    record = PutRecord(region=EU, zone=zone, name=name, type="CNAME", value="_x.acm-validations.aws.")
    for _ in range(2):
        cloud.perform(record)
    there = world.aws.client("route53").list_resource_record_sets(HostedZoneId=zone, StartRecordName=name)
    assert there["ResourceRecordSets"][0]["Name"] == f"{name}."
