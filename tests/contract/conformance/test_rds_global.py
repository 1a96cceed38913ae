"""RDS: the global cluster itself, and who belongs to it."""

from __future__ import annotations

import pytest

from tests.contract.conformance.aurora import AP, ENGINE, EU, GLOBAL, US, alone, arn, ready, remove_global
from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import Target, refused

API = "API reference [V]"
FREE = "nothing: an empty global cluster has no price"
STATE = "InvalidGlobalClusterStateFault"


@success("rds:CreateGlobalCluster", source=API)
@success("rds:DescribeGlobalClusters", source=API)
@success("rds:ModifyGlobalCluster", source=API)
@success("rds:DeleteGlobalCluster", source=API)
@refusal("rds:CreateGlobalCluster", "GlobalClusterAlreadyExistsFault", source=API)
@refusal("rds:DescribeGlobalClusters", "GlobalClusterNotFoundFault", source=API)
@refusal("rds:DescribeGlobalClusters", "InvalidParameterValue", source="boto3#3126: unknown filters [S]")
@refusal("rds:DeleteGlobalCluster", "GlobalClusterNotFoundFault", source=API)
@refusal("rds:ModifyGlobalCluster", "GlobalClusterNotFoundFault", source=API)
@refusal(
    "rds:DeleteGlobalCluster",
    "InvalidParameterCombination",
    source="as DeleteDBCluster refuses a protected cluster [K]",
)
@real(FREE)
def test_an_empty_global_cluster_is_made_renamed_protected_and_deleted(aws: Target) -> None:
    rds, name = aws.client("rds"), aws.name()

    def look(which: str) -> dict[str, object]:
        [found] = rds.describe_global_clusters(GlobalClusterIdentifier=which)["GlobalClusters"]
        return found

    aws.later(remove_global(rds), GlobalClusterIdentifier=name)
    tags = [{"Key": key, "Value": value} for key, value in aws.tags.items()]
    rds.create_global_cluster(GlobalClusterIdentifier=name, DeletionProtection=True, Tags=tags, **ENGINE)
    aws.until(lambda: look(name)["Status"] == "available")
    again = rds.create_global_cluster
    refused(again, "GlobalClusterAlreadyExistsFault", GlobalClusterIdentifier=name.upper(), **ENGINE)
    made = look(name)
    assert (made["GlobalClusterMembers"], made["DeletionProtection"]) == ([], True)
    assert str(made["GlobalClusterArn"]).split(":")[3] == ""
    refused(rds.delete_global_cluster, "InvalidParameterCombination", GlobalClusterIdentifier=name)
    renamed = f"{name}-b"
    aws.later(remove_global(rds), GlobalClusterIdentifier=renamed)
    rds.modify_global_cluster(
        GlobalClusterIdentifier=name, NewGlobalClusterIdentifier=renamed, DeletionProtection=False
    )
    aws.until(lambda: look(renamed)["Status"] == "available")
    for call in (rds.describe_global_clusters, rds.delete_global_cluster, rds.modify_global_cluster):
        refused(call, "GlobalClusterNotFoundFault", GlobalClusterIdentifier=name)
    unknown = [{"Name": "name", "Values": [name]}]
    refused(rds.describe_global_clusters, "InvalidParameterValue", Filters=unknown)
    rds.delete_global_cluster(GlobalClusterIdentifier=renamed)

    def gone() -> bool:
        found = rds.describe_global_clusters()["GlobalClusters"]
        return renamed not in [g["GlobalClusterIdentifier"] for g in found]

    aws.until(gone)


@state("rds:CreateGlobalCluster", "creating", source="aws-facts §3.5 [K]")
@state("rds:ModifyGlobalCluster", "modifying", source="aws-facts §3.5 [K]")
@state("rds:DeleteGlobalCluster", "deleting", source="aws-facts §3.5 [K]")
@refusal("rds:ModifyGlobalCluster", STATE, source="API reference [V]; for which states is [K]")
def test_a_global_cluster_shows_what_is_being_done_to_it(aws: Target) -> None:
    aws.control("clock", {"speed": 0.001})
    rds, name = aws.client("rds"), {"GlobalClusterIdentifier": "g"}
    assert rds.create_global_cluster(**name, **ENGINE)["GlobalCluster"]["Status"] == "creating"
    refused(rds.modify_global_cluster, STATE, **name, DeletionProtection=True)
    aws.control("clock", {"speed": 600})
    aws.until(lambda: rds.describe_global_clusters()["GlobalClusters"][0]["Status"] == "available")
    aws.control("clock", {"speed": 0.001})
    assert rds.modify_global_cluster(**name, DeletionProtection=False)["GlobalCluster"]["Status"] == "modifying"
    aws.control("clock", {"speed": 600})
    aws.until(lambda: rds.describe_global_clusters()["GlobalClusters"][0]["Status"] == "available")
    aws.control("clock", {"speed": 0.001})
    assert rds.delete_global_cluster(**name)["GlobalCluster"]["Status"] == "deleting"
    assert rds.describe_global_clusters()["GlobalClusters"][0]["Status"] == "deleting"


@refusal("rds:CreateGlobalCluster", "InvalidParameterValue", source=API)
@refusal("rds:ModifyGlobalCluster", "InvalidParameterValue", source=API)
@pytest.mark.parametrize("bad", ["1st", "ends-", "two--hyphens", "under_score", "a" * 64])
def test_a_name_has_letters_digits_and_single_hyphens(aws: Target, bad: str) -> None:
    rds = aws.client("rds")
    refused(rds.create_global_cluster, "InvalidParameterValue", GlobalClusterIdentifier=bad, **ENGINE)
    refused(rds.create_global_cluster, "InvalidParameterValue", GlobalClusterIdentifier="fine", Engine="postgres")
    ready(aws)
    rename = {"GlobalClusterIdentifier": GLOBAL, "NewGlobalClusterIdentifier": bad}
    refused(rds.modify_global_cluster, "InvalidParameterValue", **rename)


@refusal("rds:CreateGlobalCluster", "InvalidParameterCombination", source=API)
@refusal("rds:CreateGlobalCluster", "DBClusterNotFoundFault", source=API)
@refusal("rds:CreateGlobalCluster", "InvalidDBClusterStateFault", source=API)
def test_a_global_cluster_grows_from_a_cluster_that_is_free(aws: Target) -> None:
    aurora = alone(aws)
    create = aurora.rds().create_global_cluster
    source = {"GlobalClusterIdentifier": "g", "SourceDBClusterIdentifier": arn(US)}
    refused(create, "InvalidParameterCombination", **source, **ENGINE)
    refused(create, "DBClusterNotFoundFault", GlobalClusterIdentifier="g", SourceDBClusterIdentifier=arn(EU))
    made = create(**source)["GlobalCluster"]
    assert (made["Engine"], made["EngineVersion"], made["DatabaseName"]) == ("aurora-postgresql", "16.8", "orders")
    assert [(m["DBClusterArn"], m["IsWriter"]) for m in made["GlobalClusterMembers"]] == [(arn(US), True)]
    other = {"GlobalClusterIdentifier": "other", "SourceDBClusterIdentifier": arn(US)}
    refused(create, "InvalidDBClusterStateFault", **other)


@refusal("rds:ModifyGlobalCluster", "GlobalClusterAlreadyExistsFault", source=API)
def test_a_rename_is_seen_at_every_member_and_in_every_region(aws: Target) -> None:
    aurora = ready(aws)
    aurora.rds(AP).create_global_cluster(GlobalClusterIdentifier="taken", **ENGINE)
    modify = aurora.rds(EU).modify_global_cluster
    wanted = {"GlobalClusterIdentifier": GLOBAL, "NewGlobalClusterIdentifier": "taken"}
    refused(modify, "GlobalClusterAlreadyExistsFault", **wanted)
    modify(GlobalClusterIdentifier=GLOBAL, NewGlobalClusterIdentifier="Sales")
    assert {aurora.cluster(region)["GlobalClusterIdentifier"] for region in (US, EU)} == {"sales"}
    [found] = aurora.rds(AP).describe_global_clusters(GlobalClusterIdentifier="SALES")["GlobalClusters"]
    assert found["Endpoint"].startswith("sales.global-")


@state("rds:ModifyGlobalCluster", "upgrading", source="user guide, Upgrading an Aurora global database [V]")
@refusal("rds:ModifyGlobalCluster", "InvalidParameterCombination", source=API)
def test_a_major_version_goes_through_the_global_cluster(aws: Target) -> None:
    """A minor one does not: terraform-provider-aws tells the two apart by that refusal [S]."""
    aurora = ready(aws)
    modify = aurora.rds().modify_global_cluster
    told = refused(modify, "InvalidParameterValue", GlobalClusterIdentifier=GLOBAL, EngineVersion="16.9")
    assert "only supports Major Version Upgrades" in told
    wanted = {"GlobalClusterIdentifier": GLOBAL, "EngineVersion": "17.4"}
    refused(modify, "InvalidParameterCombination", **wanted)
    refused(
        modify, "InvalidParameterCombination", **{**wanted, "EngineVersion": "15.10"}, AllowMajorVersionUpgrade=True
    )
    assert modify(**wanted, AllowMajorVersionUpgrade=True)["GlobalCluster"]["Status"] == "upgrading"
    assert {aurora.cluster(region)["Status"] for region in (US, EU)} == {"upgrading"}
    aurora.go()
    aurora.at_rest()
    found = [aurora.cluster(region) for region in (US, EU)]
    assert {(c["EngineVersion"], c["DBClusterParameterGroup"]) for c in found} == {
        ("17.4", "default.aurora-postgresql17")
    }
    assert (aurora.group()["EngineVersion"], aurora.instance(EU)["EngineVersion"]) == ("17.4", "17.4")


@success("rds:RemoveFromGlobalCluster", source=API)
@state("rds:RemoveFromGlobalCluster", "promoting", source="terraform-provider-aws#40333 [S]")
@refusal("rds:RemoveFromGlobalCluster", "InvalidDBClusterStateFault", source=API)
@refusal("rds:RemoveFromGlobalCluster", "GlobalClusterNotFoundFault", source=API)
@refusal("rds:RemoveFromGlobalCluster", "DBClusterNotFoundFault", source="API reference: by ARN [V]")
def test_a_secondary_that_leaves_is_promoted_and_then_writes_for_itself(aws: Target) -> None:
    aurora = ready(aws)
    remove = aurora.rds(EU).remove_from_global_cluster
    member = {"GlobalClusterIdentifier": GLOBAL, "DbClusterIdentifier": arn(EU)}
    refused(remove, "GlobalClusterNotFoundFault", **{**member, "GlobalClusterIdentifier": "none"})
    refused(remove, "DBClusterNotFoundFault", **{**member, "DbClusterIdentifier": f"orders-{EU}"})
    assert len(remove(**member)["GlobalCluster"]["GlobalClusterMembers"]) == 2
    assert aurora.cluster(EU)["Status"] == "promoting"
    refused(remove, "InvalidDBClusterStateFault", **member)
    aurora.go()
    aws.until(lambda: set(aurora.members()) == {US})
    left = aurora.cluster(EU)
    assert (left["Status"], left["GlobalWriteForwardingRequested"]) == ("available", False)
    assert not {"GlobalClusterIdentifier", "ReplicationSourceIdentifier", "GlobalWriteForwardingStatus"} & left.keys()


@refusal("rds:RemoveFromGlobalCluster", STATE, source="aws-facts §3.6 [V]")
@refusal("rds:DeleteGlobalCluster", STATE, source="API reference: members are detached or deleted first [V]")
def test_the_primary_leaves_last_and_then_the_global_cluster_may_go(aws: Target) -> None:
    aurora = ready(aws)
    rds, group = aurora.rds(), {"GlobalClusterIdentifier": GLOBAL}
    refused(rds.remove_from_global_cluster, STATE, **group, DbClusterIdentifier=arn(US))
    refused(rds.delete_global_cluster, STATE, **group)
    aurora.go()
    for region, others in ((EU, {US}), (US, set())):
        rds.remove_from_global_cluster(**group, DbClusterIdentifier=arn(region))
        aws.until(lambda others=others: set(aurora.members()) == others)
    rds.delete_global_cluster(**group)
    aws.until(lambda: not rds.describe_global_clusters()["GlobalClusters"])
    assert aurora.cluster(US)["Status"] == "available"
