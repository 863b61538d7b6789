"""The front end: small Fargate tasks that speak SMTP and relay, one image for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, IgnoreMode, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as images
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.listeners import HEALTH_PORT, Listener
from infra.load_balancer import LoadBalancer
from infra.source_tree import IMAGE_SOURCES, ROOT

CONTAINER = "front-end"
CPU_UNITS = 256
MEMORY_MIB = 512
# The task finishes its transactions after SIGTERM: the filter takes up to 50 s, the client's next command a while.
STOP_TIMEOUT = Duration.seconds(120)
START_GRACE = Duration.seconds(30)
BUSY_PERCENT = 60


class FrontEndService(Construct):
    """The service behind the load balancer. Its tasks take connections from nothing else."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.Vpc,
        balancer: LoadBalancer,
        listeners: Sequence[Listener],
        environment: Mapping[str, str],
        retention: logs.RetentionDays,
        tasks: tuple[int, int],
    ) -> None:
        super().__init__(scope, construct_id)
        cluster = ecs.Cluster(self, "Cluster", vpc=vpc, container_insights_v2=ecs.ContainerInsights.DISABLED)
        self.log = logs.LogGroup(self, "Log", retention=retention, removal_policy=RemovalPolicy.DESTROY)
        task = self._task(listeners, environment)
        self.role: iam.IRole = task.task_role
        self.service = ecs.FargateService(
            self,
            "Service",
            cluster=cluster,
            task_definition=task,
            desired_count=tasks[0],
            min_healthy_percent=100,
            max_healthy_percent=200,
            assign_public_ip=True,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            security_groups=[self._behind(balancer, vpc, listeners)],
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            health_check_grace_period=START_GRACE,
        )
        balancer.send_to(self.service, CONTAINER)
        self._scale(*tasks)
        _acknowledge(cluster, task)

    def _task(self, listeners: Sequence[Listener], environment: Mapping[str, str]) -> ecs.FargateTaskDefinition:
        task = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=CPU_UNITS,
            memory_limit_mib=MEMORY_MIB,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64, operating_system_family=ecs.OperatingSystemFamily.LINUX
            ),
        )
        ports = [*(listener.container_port for listener in listeners), HEALTH_PORT]
        task.add_container(
            CONTAINER,
            image=ecs.ContainerImage.from_docker_image_asset(self._image()),
            environment=dict(environment),
            logging=ecs.LogDriver.aws_logs(stream_prefix=CONTAINER, log_group=self.log),
            port_mappings=[ecs.PortMapping(container_port=port) for port in ports],
            stop_timeout=STOP_TIMEOUT,
            readonly_root_filesystem=False,
        )
        return task

    def _image(self) -> images.DockerImageAsset:
        return images.DockerImageAsset(
            self,
            "Image",
            directory=str(ROOT),
            file="frontend/Dockerfile",
            exclude=IMAGE_SOURCES,
            ignore_mode=IgnoreMode.DOCKER,
            platform=images.Platform.LINUX_ARM64,
        )

    def _behind(self, balancer: LoadBalancer, vpc: ec2.Vpc, listeners: Sequence[Listener]) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(self, "Tasks", vpc=vpc, description="The load balancer to the front end")
        for port in (*(listener.container_port for listener in listeners), HEALTH_PORT):
            group.add_ingress_rule(balancer.security_group, ec2.Port.tcp(port))
            balancer.security_group.add_egress_rule(group, ec2.Port.tcp(port))
        return group

    def _scale(self, least: int, most: int) -> None:
        scaling = self.service.auto_scale_task_count(min_capacity=least, max_capacity=most)
        scaling.scale_on_cpu_utilization(
            "Busy",
            target_utilization_percent=BUSY_PERCENT,
            scale_out_cooldown=Duration.seconds(60),
            # Every task that stops makes its clients reconnect; do it seldom.
            scale_in_cooldown=Duration.minutes(10),
        )


def _acknowledge(cluster: ecs.Cluster, task: ecs.FargateTaskDefinition) -> None:
    acknowledge(
        cluster, "AwsSolutions-ECS4", "Container Insights costs some $10 a month; CPU and memory are metrics anyway."
    )
    acknowledge(task, "AwsSolutions-ECS2", "The variables are names of resources; secrets are in Secrets Manager.")
    if task.execution_role:
        acknowledge(
            task.execution_role,
            "AwsSolutions-IAM5[Resource::*]",
            "ecr:GetAuthorizationToken, with which a task fetches its image, knows no resources.",
        )
