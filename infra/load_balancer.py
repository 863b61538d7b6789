"""The network load balancer: fixed addresses for the MX records, and the client's own address for the front end."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.listeners import HEALTH_PATH, HEALTH_PORT, Listener

# A sender may be silent for minutes between commands (RFC 5321 §4.5.3.2); the front end's timers decide, not the
# balancer, which would drop the connection without a word. 6000 s is the most it allows; its default is 350.
IDLE_TIMEOUT = Duration.seconds(6000)
DEREGISTRATION_DELAY = Duration.seconds(60)
HEALTH_INTERVAL = Duration.seconds(10)


class LoadBalancer(Construct):
    """One static address per zone; its security group is the tasks' only source."""

    def __init__(self, scope: Construct, construct_id: str, *, vpc: ec2.Vpc, listeners: Sequence[Listener]) -> None:
        super().__init__(scope, construct_id)
        self.security_group = ec2.SecurityGroup(
            self, "Internet", vpc=vpc, description="The Internet to the mail ports", allow_all_outbound=False
        )
        for listener in listeners:
            self.security_group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(listener.port), listener.name)
        self.addresses = [ec2.CfnEIP(self, f"Address{at}") for at, _ in enumerate(vpc.public_subnets, 1)]
        self.balancer = elb.NetworkLoadBalancer(
            self,
            "Balancer",
            vpc=vpc,
            internet_facing=True,
            ip_address_type=elb.IpAddressType.IPV4,
            cross_zone_enabled=True,
            security_groups=[self.security_group],
            subnet_mappings=[
                elb.SubnetMapping(subnet=subnet, allocation_id=address.attr_allocation_id)
                for subnet, address in zip(vpc.public_subnets, self.addresses, strict=True)
            ],
        )
        self.target_groups: list[elb.NetworkTargetGroup] = []
        self._listeners = listeners
        self._acknowledge()

    def send_to(self, service: ecs.FargateService, container: str) -> None:
        """Pass every listener's connections to the container's port of the service's healthy tasks."""
        for listener in self._listeners:
            target = service.load_balancer_target(container_name=container, container_port=listener.container_port)
            opened = self.balancer.add_listener(listener.name, port=listener.port, tcp_idle_timeout=IDLE_TIMEOUT)
            group = opened.add_targets(
                f"{listener.name}Tasks",
                port=listener.container_port,
                targets=[target],
                preserve_client_ip=True,
                deregistration_delay=DEREGISTRATION_DELAY,
                health_check=_health_check(),
            )
            self.target_groups.append(group)

    def _acknowledge(self) -> None:
        acknowledge(self.security_group, "AwsSolutions-EC23", "Other mail servers may be anywhere.")
        acknowledge(
            self.balancer,
            "AwsSolutions-ELB2",
            "A network load balancer logs only TLS listeners, and TLS ends in the tasks; they log every connection.",
        )


def _health_check() -> elb.HealthCheck:
    return elb.HealthCheck(
        protocol=elb.Protocol.HTTP,
        port=str(HEALTH_PORT),
        path=HEALTH_PATH,
        interval=HEALTH_INTERVAL,
        timeout=Duration.seconds(5),
        healthy_threshold_count=2,
        unhealthy_threshold_count=2,
    )
