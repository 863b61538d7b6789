"""The front end's network and tasks, as ARCHITECTURE's network facts and times demand."""

from __future__ import annotations

import json

import pytest

from infra.source_tree import ROOT
from postern_aws.settings import FrontEndSettings, RelaySettings, variables
from postern_frontend.health import HEALTH_PATH
from postern_frontend.settings import ReceiverSettings
from tests.infra.template import STACK, Template

GROUP = "AWS::EC2::SecurityGroup"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
TARGETS = "AWS::ElasticLoadBalancingV2::TargetGroup"


def attributes(resource: object, key: str) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in resource[key]}  # type: ignore[index]


def test_two_zones_public_subnets_no_nat(template: Template) -> None:
    assert len(template.all("AWS::EC2::Subnet")) == 2
    assert not template.all("AWS::EC2::NatGateway")


def test_s3_and_dynamodb_are_reached_without_leaving_or_paying(template: Template) -> None:
    endpoints = template.all("AWS::EC2::VPCEndpoint").values()
    assert sorted(one["ServiceName"].rpartition(".")[2] for one in endpoints) == ["dynamodb", "s3"]
    assert {one["VpcEndpointType"] for one in endpoints} == {"Gateway"}


def test_the_balancer_has_a_fixed_address_in_each_zone(template: Template) -> None:
    balancer = template.only("AWS::ElasticLoadBalancingV2::LoadBalancer")
    addresses = {mapping["AllocationId"] for mapping in balancer["SubnetMappings"]}
    assert addresses == {f"${{{name}.AllocationId}}" for name in template.all("AWS::EC2::EIP")}
    assert len(addresses) == 2
    assert balancer["Scheme"] == "internet-facing"
    assert attributes(balancer, "LoadBalancerAttributes")["load_balancing.cross_zone.enabled"] == "true"


@pytest.mark.parametrize(("submission", "ports"), [(False, {25}), (True, {25, 587, 465})])
def test_open_ports(template: Template, production: Template, submission: bool, ports: set[int]) -> None:
    asked = production if submission else template
    assert {one["Port"] for one in asked.all(LISTENER).values()} == ports
    internet = asked.named(GROUP, "LoadBalancerInternet")
    assert {rule["FromPort"] for rule in internet["SecurityGroupIngress"]} == ports
    assert {rule["CidrIp"] for rule in internet["SecurityGroupIngress"]} == {"0.0.0.0/0"}


def test_silent_senders_are_kept_as_long_as_the_balancer_can(template: Template) -> None:
    for listener in template.all(LISTENER).values():
        assert attributes(listener, "ListenerAttributes")["tcp.idle_timeout.seconds"] == "6000"


def test_tasks_see_the_client_and_finish_what_they_began(template: Template) -> None:
    for group in template.all(TARGETS).values():
        found = attributes(group, "TargetGroupAttributes")
        assert found["preserve_client_ip.enabled"] == "true"
        assert found["deregistration_delay.timeout_seconds"] == "60"
        assert found.get("proxy_protocol_v2.enabled", "false") == "false"
        assert (group["HealthCheckProtocol"], group["HealthCheckPath"]) == ("HTTP", HEALTH_PATH)


def test_tasks_take_connections_from_the_balancer_and_nothing_else(template: Template) -> None:
    balancer = next(name for name in template.all(GROUP) if "LoadBalancerInternet" in name)
    tasks = next(name for name in template.all(GROUP) if "FrontEndTasks" in name)
    assert "SecurityGroupIngress" not in template.all(GROUP)[tasks]
    rules = [
        one
        for one in template.all("AWS::EC2::SecurityGroupIngress").values()
        if one["GroupId"] == f"${{{tasks}.GroupId}}"
    ]
    assert {rule["SourceSecurityGroupId"] for rule in rules} == {f"${{{balancer}.GroupId}}"}
    assert {rule["FromPort"] for rule in rules} == {2525, 8080}
    service = template.only("AWS::ECS::Service")
    assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"] == [f"${{{tasks}.GroupId}}"]


def test_two_small_arm64_tasks_that_grow_in_number(template: Template, production: Template) -> None:
    task = template.only("AWS::ECS::TaskDefinition")
    assert (task["Cpu"], task["Memory"]) == ("256", "512")
    assert task["RuntimePlatform"]["CpuArchitecture"] == "ARM64"
    assert template.only("AWS::ECS::Service")["DesiredCount"] == 2
    scaling = production.only("AWS::ApplicationAutoScaling::ScalableTarget")
    assert (scaling["MinCapacity"], scaling["MaxCapacity"]) == (3, 6)


def test_a_broken_deployment_is_taken_back(template: Template) -> None:
    deployment = template.only("AWS::ECS::Service")["DeploymentConfiguration"]
    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (100, 200)


def test_a_task_has_two_minutes_to_end(template: Template) -> None:
    (container,) = template.only("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    assert container["StopTimeout"] == 120


def test_the_container_gets_what_receiver_and_relay_read(production: Template) -> None:
    (container,) = production.only("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    given = {one["Name"] for one in container["Environment"]}
    for settings in (FrontEndSettings, RelaySettings):
        assert {name for name, required in variables(settings).items() if required} <= given
    assert given <= set(variables(ReceiverSettings)) | set(variables(RelaySettings))


def test_ports_of_the_container_are_those_it_listens_on(template: Template) -> None:
    (container,) = template.only("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    ports = {mapping["ContainerPort"] for mapping in container["PortMappings"]}
    defaults = {field.name: field.default for field in ReceiverSettings.__dataclass_fields__.values()}
    assert ports == {defaults["smtp_port"], defaults["health_port"]}


def test_a_front_end_is_told_the_ports_of_submission_only_where_they_are_open(
    template: Template, production: Template
) -> None:
    told = []
    for asked in (template, production):
        (container,) = asked.only("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
        ports = {one["Name"]: one["Value"] for one in container["Environment"] if one["Name"].endswith("_PORT")}
        told.append(ports)
    assert told[0] == {"POSTERN_SMTP_PORT": "2525"}
    assert told[1] == told[0] | {"POSTERN_SUBMISSION_PORT": "2587", "POSTERN_SUBMISSIONS_PORT": "2465"}


def test_a_front_end_cannot_write_passwords_or_identities(template: Template) -> None:
    policies = template.all("AWS::IAM::Policy")
    statements = [
        statement
        for name, policy in policies.items()
        if name.startswith("FrontEnd")
        for statement in policy["PolicyDocument"]["Statement"]
        if "AccountsTable" in json.dumps(statement["Resource"]) and "Update" in json.dumps(statement["Action"])
    ]
    (statement,) = statements
    assert statement["Action"] == "dynamodb:UpdateItem"
    (condition,) = statement["Condition"]["ForAllValues:StringEquals"].values()
    assert set(condition) == {"address", "last_used", "frozen_since", "frozen_reason"}


def test_the_image_holds_what_its_dockerfile_copies_and_nothing_else(template: Template) -> None:
    assets = json.loads((template.assembly / f"{STACK}.assets.json").read_text(encoding="utf-8"))
    (image,) = assets["dockerImages"].values()
    assert image["source"]["platform"] == "linux/arm64"
    context = template.assembly / image["source"]["directory"]
    dockerfile = context / image["source"]["dockerFile"]
    assert dockerfile.read_bytes() == (ROOT / "frontend" / "Dockerfile").read_bytes()
    copied = [line.split()[1] for line in dockerfile.read_text().splitlines() if line.startswith("COPY ")]
    ours = [source for source in copied if not source.startswith("layers/vendor/")]
    assert ours
    assert all((context / source).is_dir() for source in ours)
    assert not [path for path in context.rglob("*") if path.name in ("__pycache__", "tests", ".git", "infra")]


def test_building_the_image_runs_nothing_on_its_processor() -> None:
    """So that any machine can build it, without emulating arm64."""
    words = {
        line.split()[0] for line in (ROOT / "frontend" / "Dockerfile").read_text().splitlines() if line[:1].isupper()
    }
    assert words <= {"FROM", "COPY", "ENV", "USER", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD", "WORKDIR"}
