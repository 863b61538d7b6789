"""How a finding of cdk-nag is acknowledged: at the resource it concerns, with the reason."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Keep a rule from failing the synthesis at one construct and below it.

    `rule` is a rule's id, with the finding in brackets where a rule has several: `AwsSolutions-IAM5[Resource::*]`.
    """
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))
