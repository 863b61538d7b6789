"""Notices to the postmaster by SNS: text for people, the same facts as attributes for programs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from postern.ports import Unavailable
from postern.wire import clean_text, dumps, truncate

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

MAX_SUBJECT = 100
MAX_TEXT = 20_000
MAX_FACTS = 60_000
"""Characters; SNS takes 262,144 octets for all."""

_NOT_IN_SUBJECT = re.compile(r"[^\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing the postmaster is told. `event` is a word for programs, such as `policy_problem`.

    `attributes` are further words that a subscriber can filter by; SNS hands on ten with the two of every notice.
    """

    event: str
    subject: str
    text: str
    facts: Mapping[str, object] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SnsNotices:
    """The topic of notices."""

    client: SNSClient
    topic_arn: str

    def tell(self, notice: Notice) -> None:
        """Publish a notice. Raises `Unavailable`."""
        facts = dumps(notice.facts)
        attributes = {**notice.attributes, "event": notice.event, "facts": facts if len(facts) <= MAX_FACTS else "{}"}
        try:
            self.client.publish(
                TopicArn=self.topic_arn,
                Subject=truncate(_NOT_IN_SUBJECT.sub("?", f"Postern: {notice.subject}"), MAX_SUBJECT).replace("…", "~"),
                Message=truncate(clean_text(notice.text), MAX_TEXT) or notice.subject,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable("the notice cannot be published") from trouble
