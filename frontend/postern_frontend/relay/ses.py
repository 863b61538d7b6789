"""Handing a copy to Amazon SES. Its answer is the Message-ID under which the message leaves: that goes to the ledger,
because no tag of ours is on the way back (SES writes its own reverse-path).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from postern.ports import SentMessages, Unavailable
from postern.recipients import canonical_domain
from postern_aws.clients import error_code
from postern_aws.relay_rows import RelayCopy
from postern_frontend.relay.answer import MAX_TEXT, Answer, Outcome, deferred, refused
from postern_frontend.relay.routing import SES, BySes

MAX_OCTETS = 40 * 1024 * 1024
"""What SES takes, after encoding."""

REMEMBERED = timedelta(days=30)
"""How long a report about a message may take."""

_NEVER = frozenset({"MessageRejected", "BadRequestException"})
_FIRST_REGION = "us-east-1"

_log = logging.getLogger("postern.relay")


class SesClient(Protocol):
    """What is used of boto3's client of SES, version 2."""

    @property
    def meta(self) -> Any: ...

    def send_email(self, **request: Any) -> Any:
        """Send a message; raises what boto3 raises."""
        ...


@dataclass(frozen=True, slots=True)
class SesSender:
    """Makes attempts by SES. `ledger` is absent where bounce addresses are not protected."""

    client: SesClient
    ledger: SentMessages | None
    now: Callable[[], datetime]

    def attempt(self, copy: RelayCopy, message: bytes, way: BySes) -> Answer:
        """Hand a copy over, once. Raises nothing that SES can cause."""
        problem = _not_for_ses(copy, message)
        if problem is not None:
            return problem
        try:
            answer = self.client.send_email(**_request(copy, message, way))
        except ClientError as trouble:
            return _what_it_says(trouble)
        except BotoCoreError as trouble:
            return deferred(f"{SES} did not answer: {type(trouble).__name__}")
        message_id = f"<{answer['MessageId']}@{self._mail_domain()}>"
        self._remember(message_id, copy)
        return Answer(Outcome.DELIVERED, f"250 2.0.0 accepted as {message_id}"[:MAX_TEXT], SES)

    def _mail_domain(self) -> str:
        region = self.client.meta.region_name
        return "email.amazonses.com" if region == _FIRST_REGION else f"{region}.amazonses.com"

    def _remember(self, message_id: str, copy: RelayCopy) -> None:
        mailbox = copy.account or copy.report.sender
        if self.ledger is None or not mailbox:
            return
        try:
            self.ledger.record(message_id, mailbox, self.now() + REMEMBERED)
        except Unavailable as trouble:  # the message has left: what is lost is the proof of a bounce
            _log.warning("%s is not in the ledger of sent messages: %s", message_id, trouble)


def _not_for_ses(copy: RelayCopy, message: bytes) -> Answer | None:
    if not f"{copy.recipient.rpartition('@')[0]}{copy.report.sender or ''}".isascii():
        return refused("550 5.6.7 Amazon SES does not take SMTPUTF8 addresses")
    if len(message) > MAX_OCTETS:
        return refused(f"552 5.3.4 Amazon SES takes {MAX_OCTETS} octets, the message has {len(message)}")
    return None


def _request(copy: RelayCopy, message: bytes, way: BySes) -> dict[str, Any]:
    local_part, _, domain = copy.recipient.rpartition("@")
    request: dict[str, Any] = {
        "Destination": {"ToAddresses": [f"{local_part}@{canonical_domain(domain) or domain}"]},
        "Content": {"Raw": {"Data": message}},
    }
    if copy.report.sender:
        request["FromEmailAddress"] = copy.report.sender
    if way.configuration_set:
        request["ConfigurationSetName"] = way.configuration_set
    return request


def _what_it_says(trouble: ClientError) -> Answer:
    """Only what is about this message is final; quotas, pauses and missing identities are the owner's to settle."""
    code = error_code(trouble)
    told = str(trouble.response.get("Error", {}).get("Message", ""))
    if code in _NEVER:
        return refused(f"554 5.7.1 {code}: {told}", SES)
    return deferred(f"451 4.7.1 {code}: {told}", SES)
