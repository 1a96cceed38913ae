"""What is done by hand to the database and what lies under it (rows 1 to 11, 30 and 36)."""

from __future__ import annotations

from tests.catalogue.hand import EU, HOME, TOKYO, Hand


def moves_the_writer(hand: Hand) -> None:
    rds = hand.client("rds", HOME)
    target = hand.cluster(EU)["DBClusterArn"]
    rds.switchover_global_cluster(GlobalClusterIdentifier="orders", TargetDbClusterIdentifier=target)

    def moved() -> bool:
        (whole,) = rds.describe_global_clusters()["GlobalClusters"]
        writers = [m["DBClusterArn"] for m in whole["GlobalClusterMembers"] if m["IsWriter"]]
        return whole["Status"] == "available" and writers == [target]

    hand.until(moved)


def detaches_a_member(hand: Hand) -> None:
    member = hand.cluster(EU)["DBClusterArn"]
    rds = hand.client("rds", EU)
    rds.remove_from_global_cluster(GlobalClusterIdentifier="orders", DbClusterIdentifier=member)
    hand.until(lambda: member not in str(rds.describe_global_clusters()["GlobalClusters"]) and hand.at_rest(EU))


def adds_a_member(hand: Hand) -> None:
    """A headless one, in a Region that is none of ours."""
    rds = hand.client("rds", "us-west-2")
    rds.create_db_cluster(
        DBClusterIdentifier="reporting",
        Engine="aurora-postgresql",
        EngineVersion=hand.cluster(HOME)["EngineVersion"],
        GlobalClusterIdentifier="orders",
        StorageEncrypted=True,
        KmsKeyId=hand.client("kms", "us-west-2").create_key()["KeyMetadata"]["Arn"],
    )
    hand.until(lambda: rds.describe_db_clusters()["DBClusters"][0]["Status"] == "available")


def turns_write_forwarding_off(hand: Hand) -> None:
    hand.modify_cluster(EU, EnableGlobalWriteForwarding=False)


def raises_the_engine_version(hand: Hand) -> None:
    """Minor versions go through member by member, the writer's last; here somebody began."""
    hand.modify_cluster(EU, EngineVersion="16.9")


def raises_capacity(hand: Hand) -> None:
    hand.modify_cluster(EU, ServerlessV2ScalingConfiguration={"MinCapacity": 8, "MaxCapacity": 128})


def lowers_capacity(hand: Hand) -> None:
    hand.modify_cluster(EU, ServerlessV2ScalingConfiguration={"MinCapacity": 8, "MaxCapacity": 32})


def adds_an_instance(hand: Hand) -> None:
    hand.client("rds", EU).create_db_instance(
        DBInstanceIdentifier="orders-eu-west-1-more",
        DBClusterIdentifier="orders-eu-west-1",
        DBInstanceClass="db.serverless",
        Engine="aurora-postgresql",
    )
    hand.until(lambda: hand.at_rest(EU))


def deletes_an_instance(hand: Hand) -> None:
    rds = hand.client("rds", EU)
    rds.delete_db_instance(DBInstanceIdentifier="orders-eu-west-1-1")
    hand.until(lambda: len(rds.describe_db_instances()["DBInstances"]) == 1)


def makes_a_parameter_other(hand: Hand) -> None:
    _parameter(hand, "apg_write_forward.consistency_mode", "EVENTUAL", "immediate")


def makes_a_static_parameter_other(hand: Hand) -> None:
    """Takes effect with the next reboot of each instance."""
    _parameter(hand, "shared_preload_libraries", "pg_stat_statements,pg_hint_plan", "pending-reboot")


def _parameter(hand: Hand, name: str, value: str, apply: str) -> None:
    group = hand.cluster(EU)["DBClusterParameterGroup"]
    changed = [{"ParameterName": name, "ParameterValue": value, "ApplyMethod": apply}]
    hand.client("rds", EU).modify_db_cluster_parameter_group(DBClusterParameterGroupName=group, Parameters=changed)


def unprotects_the_cluster(hand: Hand) -> None:
    hand.modify_cluster(EU, DeletionProtection=False)


def shortens_backups(hand: Hand) -> None:
    hand.modify_cluster(EU, BackupRetentionPeriod=1)


def turns_iam_logins_off(hand: Hand) -> None:
    hand.modify_cluster(EU, EnableIAMDatabaseAuthentication=False)


def stops_the_logs(hand: Hand) -> None:
    hand.modify_cluster(EU, CloudwatchLogsExportConfiguration={"DisableLogTypes": ["postgresql"]})


def unprotects_the_global_cluster(hand: Hand) -> None:
    hand.client("rds").modify_global_cluster(GlobalClusterIdentifier="orders", DeletionProtection=False)


def disables_the_key(hand: Hand) -> None:
    hand.client("kms", EU).disable_key(KeyId=hand.made("data", "Key", EU))


def schedules_the_keys_deletion(hand: Hand) -> None:
    hand.client("kms", EU).schedule_key_deletion(KeyId=hand.made("data", "Key", EU), PendingWindowInDays=7)


def stops_the_keys_rotation(hand: Hand) -> None:
    hand.client("kms", EU).disable_key_rotation(KeyId=hand.made("data", "Key", EU))


def shuts_the_database_off(hand: Hand) -> None:
    """The rule that lets the functions in."""
    ec2, group = hand.client("ec2", EU), hand.made("data", "DatabaseGroup", EU)
    rules = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=rules)


def opens_the_database(hand: Hand) -> None:
    everybody = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2, group = hand.client("ec2", TOKYO), hand.made("data", "DatabaseGroup", TOKYO)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[everybody])


def takes_a_subnets_routes(hand: Hand) -> None:
    ec2 = hand.client("ec2", EU)
    ec2.disassociate_route_table(AssociationId=hand.made("data", "SubnetRoute0", EU))


def shares_a_snapshot(hand: Hand) -> None:
    rds = hand.client("rds", EU)
    rds.create_db_cluster_snapshot(
        DBClusterIdentifier="orders-eu-west-1", DBClusterSnapshotIdentifier="before-the-release"
    )
    hand.until(lambda: rds.describe_db_cluster_snapshots()["DBClusterSnapshots"][0]["Status"] == "available")
    rds.modify_db_cluster_snapshot_attribute(
        DBClusterSnapshotIdentifier="before-the-release", AttributeName="restore", ValuesToAdd=["222222222222"]
    )
