"""Metrics as single log lines in CloudWatch's embedded format: no call, no agent, no price per request.

Alarms and the dashboard name the constants of this module.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Mapping

NAMESPACE = "Postern"

MESSAGES = "Messages"
ACCEPTED = "Accepted"
DEFERRED = "Deferred"
REFUSED = "Refused"
FLAGGED = "Flagged"
FILTER_MILLISECONDS = "FilterMilliseconds"
CHECK_TEMPERROR = "CheckTemperror"
"""With the dimension `CHECK`, and without any."""
SENT_SIGNED = "SentSigned"
SENT_UNSIGNED = "SentUnsigned"
"""Outgoing messages that were accepted."""
DELIVERY_FAILED = "DeliveryFailed"
STUCK_ROWS = "StuckRows"
RELAY_DEFERRED = "RelayDeferred"
RELAY_FAILED = "RelayFailed"
MAIL_RETURNED = "MailReturned"
REPORTS_SENT = "ReportsSent"
POLICY_PROBLEMS = "PolicyProblems"
RULE_DATABASES_FAILED = "RuleDatabasesFailed"
DEFENCES_DEAD = "DefencesDead"
DNS_LISTS_UNUSABLE = "DnsListsUnusable"
LESSONS = "Lessons"
"""Messages that were taught."""
LESSONS_REFUSED = "LessonsRefused"
KNOWN_HAM = "KnownHam"
KNOWN_SPAM = "KnownSpam"

CHECK = "check"
"""The one dimension we use: the id of a check."""

COUNT = "Count"
MILLISECONDS = "Milliseconds"
_UNITS = {FILTER_MILLISECONDS: MILLISECONDS}


class _StandardOutput(logging.Handler):
    """Writes bare lines to whatever standard output is at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stdout.write(f"{record.getMessage()}\n")


def _metric_log() -> logging.Logger:
    """The log of finished lines; whoever embeds the functions may give it other handlers."""
    log = logging.getLogger("postern.metrics")
    log.setLevel(logging.INFO)
    log.propagate = False
    if not log.handlers:
        log.addHandler(_StandardOutput())
    return log


_lines = _metric_log()


def emit(values: Mapping[str, float], *, dimensions: Mapping[str, str] | None = None, **properties: object) -> None:
    """Write one line with these metrics; `properties` can be searched for, but make no metric."""
    by = dict(dimensions or {})
    _lines.info(
        "%s", json.dumps(_envelope(values, by) | by | dict(values) | properties, default=str, ensure_ascii=False)
    )


def _envelope(values: Mapping[str, float], by: Mapping[str, str]) -> dict[str, object]:
    metrics = [{"Name": name, "Unit": _UNITS.get(name, COUNT)} for name in values]
    dimension_sets = [[], sorted(by)] if by else [[]]
    directive = {"Namespace": NAMESPACE, "Dimensions": dimension_sets, "Metrics": metrics}
    return {"_aws": {"Timestamp": round(time.time() * 1000), "CloudWatchMetrics": [directive]}}
