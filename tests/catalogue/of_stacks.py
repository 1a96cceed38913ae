"""What is done by hand to whole stacks, and what is left behind (rows 32, 33)."""

from __future__ import annotations

from tests.catalogue.hand import EU, HOME, Hand


def deletes_the_routing_stack(hand: Hand) -> None:
    _delete(hand, "meridian-orders-routing", HOME)


def deletes_an_api_stack(hand: Hand) -> None:
    _delete(hand, "meridian-orders-api", EU)


def _delete(hand: Hand, name: str, region: str) -> None:
    client = hand.client("cloudformation", region)
    if client.describe_stacks(StackName=name)["Stacks"][0].get("EnableTerminationProtection"):
        client.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    client.delete_stack(StackName=name)

    def settled() -> bool:
        living = [s for s in client.describe_stacks()["Stacks"] if s["StackName"] == name]
        return not living or living[0]["StackStatus"] == "DELETE_FAILED"

    hand.until(settled)


def leaves_a_cluster_of_our_name(hand: Hand) -> None:
    """Restored to look at it, and forgotten: it carries our name and belongs to no stack."""
    rds = hand.client("rds", EU)
    rds.create_db_cluster(
        DBClusterIdentifier="orders-eu-west-1-copy",
        Engine="aurora-postgresql",
        EngineVersion=hand.cluster(EU)["EngineVersion"],
        MasterUsername="someone",
        MasterUserPassword="not-a-secret-1",
    )
    named = {"DBClusterIdentifier": "orders-eu-west-1-copy"}
    hand.until(lambda: rds.describe_db_clusters(**named)["DBClusters"][0]["Status"] == "available")
