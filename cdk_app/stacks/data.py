"""Stack `data`: a Region's network, its key and its Aurora member.

Who writes is live state, so the template is the same in every Region; only the founder's also makes the database and
carries the master credentials. When the founder leaves, the writer is its heir: its template carries the credentials from then
on, but not the names of database and master, which would replace the cluster. Global write forwarding is requested everywhere:
on the writer it lies dormant until a switchover. The functions reach the database and nothing else: there is no gateway and
no endpoint.
"""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cdk_app.stacks.base import LOG_DAYS, MeridianStack, arn, policy, statement, sub
from reconciler.model.topology import Topology

PORT = 5432
MASTER = "meridian_master"
SUBNETS = 2
SUBNET_BITS = "12"
"""Host bits of a subnet: a /20, of which any Region CIDR from /16 to /19 holds two."""


class Data(MeridianStack):
    def __init__(
        self,
        scope: Construct,
        topology: Topology,
        *,
        artifact: str,
        region: str | None,
        founder: bool = False,
        heir: bool = False,
    ) -> None:
        super().__init__(scope, topology, "data", artifact=artifact, region=region)
        self.topology = topology
        self.here = topology.cluster("${AWS::Region}")
        subnets = self._network()
        self.key = self._key()
        self.names: dict[str, Any] = (
            {"database_name": topology.database.name, "master_username": MASTER} if founder else {}
        )
        cluster = self._cluster(subnets, master=founder or heir)
        self._instances(cluster)
        self.output("SubnetIds", cdk.Fn.join(",", subnets))
        self.output("FunctionGroupId", self.function_group.attr_group_id)
        self.output("WriterEndpoint", cluster.attr_endpoint_address)
        self.output("ReaderEndpoint", cluster.attr_read_endpoint_address)
        self.output("ClusterResourceId", cluster.attr_db_cluster_resource_id)

    def _network(self) -> list[str]:
        """Two isolated subnets and the two groups; gives the subnets' ids."""
        cidr = self.text("Cidr", pattern=r"^[0-9.]+/1[6-9]$")
        zones = self.texts("Zones", "List<AWS::EC2::AvailabilityZone::Name>")
        vpc = ec2.CfnVPC(self, "Vpc", cidr_block=cidr, enable_dns_support=True, enable_dns_hostnames=True)
        routes = ec2.CfnRouteTable(self, "Routes", vpc_id=vpc.ref)
        blocks = cdk.Fn.cidr(cidr, SUBNETS, SUBNET_BITS)
        subnets = []
        for i in range(SUBNETS):
            subnet = ec2.CfnSubnet(
                self,
                f"Subnet{i}",
                vpc_id=vpc.ref,
                availability_zone=cdk.Fn.select(i, zones),
                cidr_block=cdk.Fn.select(i, blocks),
                map_public_ip_on_launch=False,
            )
            ec2.CfnSubnetRouteTableAssociation(self, f"SubnetRoute{i}", subnet_id=subnet.ref, route_table_id=routes.ref)
            subnets.append(subnet.ref)
        self._groups(vpc.ref, cidr)
        return subnets

    def _groups(self, vpc: str, cidr: str) -> None:
        self.function_group = ec2.CfnSecurityGroup(
            self,
            "FunctionGroup",
            vpc_id=vpc,
            group_description="functions of the regional API",
            # The network's own range, not the database's group: two groups that name each other cannot be created.
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="tcp", from_port=PORT, to_port=PORT, cidr_ip=cidr, description="database"
                )
            ],
        )
        self.database_group = ec2.CfnSecurityGroup(
            self,
            "DatabaseGroup",
            vpc_id=vpc,
            group_description="Aurora member",
            security_group_ingress=[
                ec2.CfnSecurityGroup.IngressProperty(
                    ip_protocol="tcp",
                    from_port=PORT,
                    to_port=PORT,
                    source_security_group_id=self.function_group.attr_group_id,
                    description="functions of the regional API",
                )
            ],
            # A group without an egress rule gets "everything, everywhere"; this one matches no packet.
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="icmp", from_port=252, to_port=86, cidr_ip="255.255.255.255/32", description="nothing"
                )
            ],
        )

    def _key(self) -> kms.CfnKey:
        root = sub(arn("iam", "root", region=""))
        key = kms.CfnKey(
            self,
            "Key",
            description=cdk.Fn.sub(f"meridian {self.here} storage"),
            enable_key_rotation=True,
            pending_window_in_days=30,
            key_policy=policy(statement("Allow", "kms:*", "*", Sid="AccountDecides", Principal={"AWS": root})),
        )
        key.apply_removal_policy(cdk.RemovalPolicy.RETAIN)  # the final snapshot is encrypted with it
        return key

    def _cluster(self, subnets: list[str], *, master: bool) -> rds.CfnDBCluster:
        database = self.topology.database
        forwarding = database.write_forwarding != "off"
        credentials: dict[str, Any] = {**self.names, "master_user_password": self._password()} if master else {}
        cluster = rds.CfnDBCluster(
            self,
            "Cluster",
            db_cluster_identifier=cdk.Fn.sub(self.here),
            # Never leave this out: CloudFormation would detach the member, and two databases would take writes.
            global_cluster_identifier=self.topology.global_cluster,
            engine=database.engine,
            engine_mode="provisioned",
            engine_version=database.version,
            enable_global_write_forwarding=forwarding,
            enable_iam_database_authentication=True,
            storage_encrypted=True,
            kms_key_id=self.key.attr_arn,
            db_subnet_group_name=self._subnet_group(subnets).ref,
            db_cluster_parameter_group_name=self._parameters().ref,
            vpc_security_group_ids=[self.database_group.attr_group_id],
            port=PORT,
            backup_retention_period=7,
            copy_tags_to_snapshot=True,
            deletion_protection=True,
            enable_cloudwatch_logs_exports=["postgresql"],
            serverless_v2_scaling_configuration=rds.CfnDBCluster.ServerlessV2ScalingConfigurationProperty(
                min_capacity=database.min_capacity, max_capacity=database.max_capacity
            ),
            **credentials,
        )
        cluster.apply_removal_policy(cdk.RemovalPolicy.SNAPSHOT)
        cluster.add_resource_dependency(self._database_logs())
        return cluster

    def _database_logs(self) -> logs.CfnLogGroup:
        """RDS would make this group itself, and keep its lines for ever."""
        return logs.CfnLogGroup(
            self,
            "DatabaseLogs",
            log_group_name=cdk.Fn.sub(f"/aws/rds/cluster/{self.here}/postgresql"),
            retention_in_days=LOG_DAYS,
        )

    def _subnet_group(self, subnets: list[str]) -> rds.CfnDBSubnetGroup:
        return rds.CfnDBSubnetGroup(
            self,
            "SubnetGroup",
            db_subnet_group_name=cdk.Fn.sub(self.here),
            db_subnet_group_description="isolated subnets",
            subnet_ids=subnets,
        )

    def _parameters(self) -> rds.CfnDBClusterParameterGroup:
        """A promoted member keeps its own group, so every Region has the same."""
        database = self.topology.database
        return rds.CfnDBClusterParameterGroup(
            self,
            "Parameters",
            db_cluster_parameter_group_name=cdk.Fn.sub(f"{self.here}-pg{database.major}"),
            description="the same in every Region",
            family=f"{database.engine}{database.major}",
            parameters={
                "rds.force_ssl": "1",
                "log_min_duration_statement": "1000",
                "apg_write_forward.consistency_mode": database.write_forwarding.upper(),
            },
        )

    def _password(self) -> str:
        """The master's, which only the writer can set: the first member when it is made, the heir while it writes."""
        secret = secretsmanager.CfnSecret(
            self,
            "Master",
            description=f"master credentials of the global cluster {self.topology.global_cluster}",
            kms_key_id=self.key.attr_arn,
            generate_secret_string=secretsmanager.CfnSecret.GenerateSecretStringProperty(
                secret_string_template=f'{{"username":"{MASTER}"}}',
                generate_string_key="password",
                password_length=40,
                exclude_punctuation=True,
            ),
        )
        # The password outlives the founder with the rest of the global cluster; without a name it blocks nobody.
        secret.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        self.output("MasterSecret", secret.ref)
        return cdk.Fn.sub("{{resolve:secretsmanager:${Master}:SecretString:password}}")

    def _instances(self, cluster: rds.CfnDBCluster) -> None:
        for i in range(self.topology.database.instances_per_region):
            rds.CfnDBInstance(
                self,
                f"Instance{i}",
                db_instance_identifier=cdk.Fn.sub(f"{self.here}-{i}"),
                db_cluster_identifier=cluster.ref,
                db_instance_class="db.serverless",
                engine=self.topology.database.engine,
                promotion_tier=min(i, 1),
                auto_minor_version_upgrade=False,
                publicly_accessible=False,
                enable_performance_insights=True,
                performance_insights_kms_key_id=self.key.attr_arn,
                performance_insights_retention_period=7,
            )
