"""Reading TLS reports: JSON by RFC 8460 §4."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

from postern.dmarc_reports.received import ReportError, TlsFailure, TlsFeedback
from postern.mime.domain_labels import to_ascii_domain

Json = Any

MAX_OCTETS = 5 * 1024 * 1024
MAX_POLICIES = 100
MAX_FAILURES = 200
MAX_WORD = 255
MAX_SESSIONS = 10**12


def read_tls(document: bytes) -> tuple[TlsFeedback, ...]:
    """One value per policy of the report. Raises `ReportError`."""
    data = _json(document)
    policies = _list(data.get("policies"), "policies")
    if not policies:
        raise ReportError("it reports on no policy")
    report_id = _wanted(data, "report-id")
    return tuple(_policy(data, report_id, _map(one, "policies")) for one in policies[:MAX_POLICIES])


def _policy(data: Mapping[str, Json], report_id: str, entry: Mapping[str, Json]) -> TlsFeedback:
    policy, summary = _map(entry.get("policy"), "policy"), _map(entry.get("summary"), "summary")
    period = _map(data.get("date-range"), "date-range")
    failures = _list(entry.get("failure-details", []), "failure-details")
    return TlsFeedback(
        org_name=_text(data.get("organization-name")),
        contact=_text(data.get("contact-info")),
        report_id=report_id,
        begin=_moment(period, "start-datetime"),
        end=_moment(period, "end-datetime"),
        # Some leave the domain out and name it after the time in the report's id.
        domain=to_ascii_domain(_text(policy.get("policy-domain")) or report_id.rpartition("_")[2]),
        policy_type=_text(policy.get("policy-type")),
        successful=_count(summary, "total-successful-session-count"),
        failed=_count(summary, "total-failure-session-count"),
        failures=tuple(_failure(_map(one, "failure-details")) for one in failures[:MAX_FAILURES]),
    )


def _failure(entry: Mapping[str, Json]) -> TlsFailure:
    return TlsFailure(
        result_type=_wanted(entry, "result-type"),
        sessions=_count(entry, "failed-session-count"),
        receiving_mx=_text(entry.get("receiving-mx-hostname")),
        sending_ip=_text(entry.get("sending-mta-ip")),
    )


def _json(document: bytes) -> Mapping[str, Json]:
    if len(document) > MAX_OCTETS:
        raise ReportError(f"larger than {MAX_OCTETS} octets")
    try:
        data = json.loads(document.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError) as wrong:
        raise ReportError(f"no JSON: {wrong}") from wrong
    return _map(data, "the report")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _map(value: Json, name: str) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise ReportError(f"{name}: expected an object")
    return value


def _list(value: Json, name: str) -> Sequence[Json]:
    if not isinstance(value, list):
        raise ReportError(f"{name}: expected a list")
    return value


def _text(value: Json) -> str:
    return value[:MAX_WORD] if isinstance(value, str) else ""


def _wanted(data: Mapping[str, Json], name: str) -> str:
    text = _text(data.get(name))
    if not text:
        raise ReportError(f"{name} is missing")
    return text


def _count(data: Mapping[str, Json], name: str) -> int:
    """A number of sessions; absent is none, as some write it."""
    value = data.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SESSIONS:
        raise ReportError(f"{name}: expected a number of sessions, found {str(value)[:MAX_WORD]!r}")
    return value


def _moment(period: Mapping[str, Json], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(_wanted(period, name))
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as wrong:
        raise ReportError(f"date-range: {name} is no time such as 2026-01-31T00:00:00Z") from wrong
