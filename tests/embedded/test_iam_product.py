"""The product under roles that have what they need and nothing else: an observer, and one that deploys."""

from __future__ import annotations

from dataclasses import dataclass

from tests.embedded.iam_policies import make_service_role, orchestrator
from tests.embedded.iam_staff import Product, restore
from tests.embedded.iam_world import ACCOUNT, Caller, allow, deny, refused
from tests.embedded.real_stacks import Deployer


def test_a_role_with_these_rights_converges_from_nothing_and_an_observer_sees_it(
    product: Product, deployed: str
) -> None:
    restore(product, deployed)
    product.world.aws.go()  # the minutes in which a gate has values must not be over before they are asked for
    observer = product.observer.environment
    code, out, err = product.meridian.run("plan", "--detailed-exitcode", **observer)
    assert code == 0, out + err
    _, (seen,) = product.meridian.json("drift", **observer)
    _, (known,) = product.meridian.json("drift", **product.deployer.environment)
    assert not seen["drifted"]
    assert seen["coverage"] == known["coverage"]  # nothing is unread for want of a right
    assert seen["coverage"]["checked"] > 500


def test_an_observer_may_ask_all_that_a_preflight_asks(product: Product) -> None:
    """Of an account in which everything has yet to be made."""
    code, (plan,) = product.meridian.json("plan", **product.observer.environment)
    checks = plan["preflight"]["checks"]
    assert [c for c in checks if c["verdict"] != "passed"] == []
    assert (code, len(checks) > 50) == (0, True)


def test_an_observer_is_denied_every_write(product: Product, deployed: str) -> None:
    restore(product, deployed)
    code, _, err = product.meridian.run("converge", **product.observer.environment)
    assert code == 1
    assert "AccessDenied: dynamodb:update_item on meridian-state in us-east-1" in err
    client = product.observer.client
    with refused("AccessDenied", "rds:SwitchoverGlobalCluster"):
        client("rds").switchover_global_cluster(GlobalClusterIdentifier="orders", TargetDbClusterIdentifier="x")
    with refused("AccessDenied", "cloudformation:DeleteStack"):
        client("cloudformation").delete_stack(StackName="meridian-orders-edge")
    checks = client("route53").list_health_checks()["HealthChecks"]
    with refused("AccessDenied", "route53:UpdateHealthCheck on resource: arn:aws:route53:::healthcheck/"):
        client("route53").update_health_check(HealthCheckId=checks[0]["Id"], HealthThreshold=9)
    with refused("AccessDenied", "s3:PutObject"):
        client("s3").put_object(Bucket=f"meridian-assets-{ACCOUNT}-us-east-1", Key="x", Body=b"")


def test_a_right_that_is_missing_is_named_with_role_action_and_region(product: Product) -> None:
    there = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    product.world.grant("deployer", deny("cloudformation:ExecuteChangeSet", Condition=there), name="less")
    product.world.propagated()
    code, out, err = product.meridian.run("converge", **product.deployer.environment)
    assert code == 1
    assert (
        f"cloudformation:ExecuteChangeSet in eu-west-1: User: arn:aws:sts::{ACCOUNT}:assumed-role/deployer/test is not "
        "authorized to perform: cloudformation:ExecuteChangeSet on resource: arn:aws:cloudformation:eu-west-1:"
    ) in out + err
    assert "allow cloudformation:ExecuteChangeSet in eu-west-1" in out + err
    assert "AccessDenied  deploy/foundation/eu-west-1" in out + err
    # What a stack's resource may not do is CloudFormation's to say, and the product passes it on.
    product.world.grant("deployer", deny("rds:CreateGlobalCluster"), name="less")
    product.world.propagated()
    code, out, err = product.meridian.run("converge", **product.deployer.environment)
    assert code == 1
    err += out
    assert "first failure: GlobalCluster (AWS::RDS::GlobalCluster): Resource handler returned message:" in err
    assert "assumed-role/deployer/test is not authorized to perform: rds:CreateGlobalCluster" in err
    assert "(HandlerErrorCode: AccessDenied)" in err


def test_a_region_that_may_not_be_read_is_unknown_and_never_taken_for_healthy(product: Product, deployed: str) -> None:
    restore(product, deployed)
    there = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    product.world.grant("observer", deny("rds:DescribeDBClusters", Condition=there), name="less")
    product.world.propagated()
    _, out, _ = product.meridian.run("plan", **product.observer.environment)
    assert "wait for readable in eu-west-1: cannot be read: AccessDenied: User: " in out
    assert "rds:DescribeDBClusters on resource: arn:aws:rds:eu-west-1" in out
    code, out, _ = product.meridian.run("drift", "--strict", **product.observer.environment)
    assert code == 4, out


def test_wrong_credentials_are_said_to_be_that(product: Product) -> None:
    code, _, err = product.meridian.run("plan", AWS_SECRET_ACCESS_KEY="not-it")
    assert code == 1
    assert "SignatureDoesNotMatch" in err or "does not match the signature you provided" in err
    assert "set usable AWS credentials" in err


def test_the_command_serves_such_an_account(product: Product) -> None:
    with product.meridian.start("local", "--port", "0", "--iam") as process:
        url = process.stdout.readline().strip().partition("=")[2]
        code, out, err = product.meridian.run("plan", AWS_ENDPOINT_URL=url)
        assert code == 0, out + err
        code, _, err = product.meridian.run("plan", AWS_ENDPOINT_URL=url, AWS_SECRET_ACCESS_KEY="not-it")
        assert (code, "SignatureDoesNotMatch" in err or "signature" in err) == (1, True)
        process.terminate()
        assert process.wait(10) == 0


def test_our_templates_deploy_with_a_service_role_by_whoever_may_pass_it(product: Product, tmp_path_factory) -> None:
    """The whole topology by plain boto3: the role that CloudFormation assumes has the rights, the caller has none of them."""
    world = product.world
    role = make_service_role(world)
    caller = world.assume("operator", *orchestrator(), allow("iam:PassRole", resource=role))
    deployer = Deployer(WithRole(caller, role), tmp_path_factory.mktemp("synth"))  # type: ignore[arg-type]
    deployer.synthesise()
    deployer.converge()
    stacks = world.aws.client("cloudformation", "eu-west-1").describe_stacks()["Stacks"]
    assert {s["RoleARN"] for s in stacks} == {role}
    assert caller.client("rds").describe_global_clusters()["GlobalClusters"][0]["GlobalClusterMembers"]
    with refused("AccessDenied", "rds:CreateDBCluster"):
        caller.client("rds").create_db_cluster(DBClusterIdentifier="another", Engine="aurora-postgresql")


@dataclass(frozen=True)
class WithRole:
    """A caller whose change sets name a service role."""

    caller: Caller
    role: str

    def client(self, service: str, region: str = "us-east-1"):
        client = self.caller.client(service, region)
        if service == "cloudformation":
            client.meta.events.register(
                "provide-client-params.cloudformation.CreateChangeSet",
                lambda params, **_: {**params, "RoleARN": self.role},
                unique_id="role",
            )
        return client

    def until(self, *arguments, **more):
        return self.caller.aws.until(*arguments, **more)

    def settled(self, name: str, region: str = "us-east-1") -> str:
        return self.caller.aws.settled(name, region)

    def stack_status(self, name: str, region: str = "us-east-1") -> str:
        return self.caller.aws.stack_status(name, region)
