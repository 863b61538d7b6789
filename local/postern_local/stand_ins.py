"""Everything in which the embedded AWS is not what AWS is, each with its reason: this one list.

A resource type that is not named here is created by moto as the template says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from postern_local.template_resources import EmbeddedFunctionUrl, EmbeddedSecret, Remembered

NETWORK = "the front end listens on loopback; there is nothing to route, balance or guard"
WATCHING = "moto keeps no metrics to watch; the log files and `postern trace` tell what happens"
PERMISSIONS = "one process, one user: nothing is forbidden; the tests of the template check every grant"
STARTED_HERE = "moto does not act on it; this package reads its properties and does"
IN_PROCESS = "the functions run in this process, whose environment has what the layers hold"
LOGS = "the functions log to files of the state directory"
HEARD_HERE = "moto gives a function no address; a listener on loopback hears requests and invokes it"
NOT_IN_MOTO = "moto's CloudFormation does not know it; its API does"


@dataclass(frozen=True, slots=True)
class ResourceStandIn:
    """What is made in place of a resource of the template, and why."""

    made_as: type[Remembered]
    reason: str


RESOURCES: Mapping[str, ResourceStandIn] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": ResourceStandIn(Remembered, NETWORK),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ResourceStandIn(Remembered, NETWORK),
    "AWS::CloudWatch::Alarm": ResourceStandIn(Remembered, WATCHING),
    "AWS::CloudWatch::Dashboard": ResourceStandIn(Remembered, WATCHING),
    "AWS::EC2::EIP": ResourceStandIn(Remembered, NETWORK),
    "AWS::EC2::InternetGateway": ResourceStandIn(Remembered, NETWORK),
    "AWS::EC2::Route": ResourceStandIn(Remembered, NETWORK),
    "AWS::EC2::RouteTable": ResourceStandIn(Remembered, NETWORK),
    "AWS::EC2::SecurityGroup": ResourceStandIn(Remembered, NETWORK),
    "AWS::EC2::SecurityGroupEgress": ResourceStandIn(Remembered, NETWORK),
    "AWS::EC2::SecurityGroupIngress": ResourceStandIn(Remembered, NETWORK),
    "AWS::EC2::Subnet": ResourceStandIn(Remembered, NETWORK),
    "AWS::EC2::SubnetRouteTableAssociation": ResourceStandIn(Remembered, NETWORK),
    "AWS::EC2::VPC": ResourceStandIn(Remembered, NETWORK),
    "AWS::EC2::VPCEndpoint": ResourceStandIn(Remembered, NETWORK),
    "AWS::EC2::VPCGatewayAttachment": ResourceStandIn(Remembered, NETWORK),
    "AWS::ECS::Cluster": ResourceStandIn(Remembered, NETWORK),
    "AWS::ECS::Service": ResourceStandIn(Remembered, NETWORK),
    "AWS::ECS::TaskDefinition": ResourceStandIn(Remembered, STARTED_HERE),
    "AWS::ElasticLoadBalancingV2::Listener": ResourceStandIn(Remembered, NETWORK),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ResourceStandIn(Remembered, NETWORK),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ResourceStandIn(Remembered, NETWORK),
    "AWS::Events::Rule": ResourceStandIn(Remembered, STARTED_HERE),
    "AWS::IAM::Policy": ResourceStandIn(Remembered, PERMISSIONS),
    "AWS::Lambda::EventSourceMapping": ResourceStandIn(Remembered, STARTED_HERE),
    "AWS::Lambda::LayerVersion": ResourceStandIn(Remembered, IN_PROCESS),
    "AWS::Lambda::Permission": ResourceStandIn(Remembered, PERMISSIONS),
    "AWS::Lambda::Url": ResourceStandIn(EmbeddedFunctionUrl, HEARD_HERE),
    "AWS::Logs::LogGroup": ResourceStandIn(Remembered, LOGS),
    "AWS::S3::BucketPolicy": ResourceStandIn(Remembered, PERMISSIONS),
    "AWS::SNS::Subscription": ResourceStandIn(Remembered, "notices go to a file and to the screen, not by e-mail"),
    "AWS::SNS::TopicPolicy": ResourceStandIn(Remembered, PERMISSIONS),
    "AWS::SQS::QueuePolicy": ResourceStandIn(Remembered, PERMISSIONS),
    "AWS::SecretsManager::Secret": ResourceStandIn(EmbeddedSecret, NOT_IN_MOTO),
}

BEHAVIOUR: Mapping[str, str] = {
    "account: postern_local.account": "there is no account; clients get credentials that are worth nothing",
    "names: template_resources.name_without_chance": "moto adds a random word to every physical name; what is kept"
    " in the state directory has to be found again at the next start",
    "state machine: template_resources.create_state_machine": "moto's CloudFormation makes it in a backend that does"
    " not execute, and forgets that it is EXPRESS",
    "tables: template_resources.expire_rows": "moto's CloudFormation passes over a table's time to live",
    "StartSyncExecution: sync_execution.start_sync_execution": "moto's engine can do it; its HTTP face has no route",
    "definitions and paths: sync_execution.install": "moto parses both again for every execution, 100 ms for a message",
    "copies and history: quick_states.install": "moto copies the state some 700 times for a message, and writes it out"
    " for a history that an Express execution does not have",
    "$[0].name: sync_execution.names_one_value": "moto answers with a list of the value, AWS with the value",
    "Lambda: function_runtime.FunctionRuntime": "moto runs functions in Docker; here they run in this process, with the"
    " limits of payloads, marshalling and time that Lambda has",
    "Lambda's environment: environment.install": "functions that share a process have variables of their own",
    "S3 reads of functions: object_reads.install": "signing and parsing HTTP within one process is most of the work",
    "DynamoDB: durable_tables.DurableTables": "moto is not safe for threads, keeps nothing, and keeps every stream"
    " record for ever",
    "TransactWriteItems: table_transactions.transact_write_items": "moto copies whole tables for each",
    "streams: streams.StreamConsumer": "moto calls functions within the write that made the change; after a"
    " restart every row is told of again, because what was on its way is lost",
    "S3: durable_objects.DurableObjects": "moto keeps nothing",
    "schedules and expiry: schedules": "moto acts on neither",
    "DNS: name_service.answer_from": "on a plane the sample messages' names are answered from a zone file; without one"
    " the system's name servers are asked, as in AWS",
    "notices: notice_log.to_file": "there is nobody to write to; they go to logs/notices.jsonl",
    "faults: faults.FaultyApplication": "AWS fails by itself, now and then; here it has to be asked to",
    "queues: queues.QueueConsumer": "moto calls functions in Docker; here what failed comes again sooner than in AWS",
    "SQS": "queues are empty after a restart: the relay worker looks at the rows anyway; what waited to be learnt is"
    " lost",
    "Secrets Manager: durable_secrets.DurableSecrets": "moto keeps nothing; only the certificate is made anew, by the"
    " local authority at every start",
}
"""What behaves differently, by name and place, and why."""


def resource_classes() -> dict[str, type[Remembered]]:
    """The class that stands in for each type of resource."""
    return {kind: stand_in.made_as for kind, stand_in in RESOURCES.items()}
