"""Sends yesterday's DMARC aggregate reports, each once, several times a day."""

from __future__ import annotations

from functools import cache
from typing import Any

from postern_aws import dmarc_sending
from postern_aws.runtime import configure, entry_point
from postern_aws.settings import SendDmarcReportsSettings


@cache
def _sending() -> dmarc_sending.DmarcSending:
    return dmarc_sending.sending(configure(SendDmarcReportsSettings))


@entry_point("send_dmarc_reports")
def handler(event: Any, context: Any) -> Any:
    """Any event to the counts of what was sent."""
    return dmarc_sending.send(_sending())
