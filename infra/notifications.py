"""Who is told: a topic for the postmaster, one for security, each with its e-mail subscription."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.acknowledgements import acknowledge


class Notifications(Construct):
    """`postmaster` carries trouble and notices of the service; `security` attacks and bans."""

    def __init__(self, scope: Construct, construct_id: str, *, postmaster_email: str, security_email: str) -> None:
        super().__init__(scope, construct_id)
        self.postmaster = self._topic("Postmaster", postmaster_email)
        self.security = self._topic("Security", security_email)

    def _topic(self, name: str, address: str) -> sns.Topic:
        topic = sns.Topic(self, name, display_name=f"Postern {name.lower()}", enforce_ssl=True)
        topic.add_subscription(subscriptions.EmailSubscription(address))
        # A topic with a policy of its own has lost the default one, by which alarms may publish.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        acknowledge(
            topic,
            "AwsSolutions-SNS2",
            "Alarms can publish to an encrypted topic only with a key of our own, $1 a month; notices hold no mail.",
        )
        return topic
