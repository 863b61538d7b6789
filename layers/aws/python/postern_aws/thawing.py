"""Thawing over AWS, as the command line, the link and the API do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postern.session.thawing import HeldMail, Thawing
from postern_aws.accounts import DynamoAccounts
from postern_aws.sending import DynamoSending

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def thawing_over(client: DynamoDBClient, *, accounts_table: str, screening_table: str, mail: HeldMail) -> Thawing:
    """What lets accounts send again."""
    return Thawing(DynamoAccounts(client, accounts_table), DynamoSending(client, screening_table), mail)
