"""Keeping one check's result small enough for the state machine (262,144 octets for all of them).

What is cut carries a mark; what decides (result, proposals, scores) is never cut.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from postern.model import CheckResult, DnsLookup, Finding, Points
from postern.wire import dumps, truncate

MAX_RESULT_OCTETS = 8 * 1024
_TEXT_LIMITS = (1_000, 200, 60)
_FINDINGS_KEPT = 40


def size_of(value: object) -> int:
    """The octets of `value` as JSON."""
    return len(dumps(value).encode("utf-8"))


def capped(result: CheckResult[Any], limit: int = MAX_RESULT_OCTETS) -> CheckResult[Any]:
    """`result`, with long texts, look-ups, properties and at last findings cut until it has at most `limit` octets."""
    for text_limit in _TEXT_LIMITS:
        if size_of(result) <= limit:
            return result
        result = _shortened(result, text_limit)
    if size_of(result) > limit:
        result = replace(result, properties={"truncated": True}, lookups=())
    if size_of(result) > limit:
        result = replace(result, findings=_fewer(result.findings))
    return result if size_of(result) <= limit else replace(result, evidence=None, headers=(), methods=())


def _shortened(result: CheckResult[Any], limit: int) -> CheckResult[Any]:
    return replace(
        result,
        reason=truncate(result.reason, limit),
        findings=tuple(replace(finding, detail=truncate(finding.detail, limit)) for finding in result.findings),
        lookups=tuple(_short_lookup(lookup, limit) for lookup in result.lookups),
        properties=_short_values(result.properties, limit),
    )


def _short_lookup(lookup: DnsLookup, limit: int) -> DnsLookup:
    return replace(lookup, records=tuple(truncate(record, limit) for record in lookup.records))


def _short_values(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return truncate(value, limit)
    if isinstance(value, dict):
        return {key: _short_values(entry, limit) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_short_values(entry, limit) for entry in value]
    return value


def _fewer(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The weightiest findings, and the sum of the others under one name, so that the score stays the same."""
    weighty = sorted(findings, key=lambda finding: -abs(finding.score or 0))
    kept, others = weighty[:_FINDINGS_KEPT], weighty[_FINDINGS_KEPT:]
    rest = Points(sum(finding.score or 0 for finding in others))
    return (*kept, Finding("RESULT_TRUNCATED", f"{len(others)} more findings", rest)) if others else tuple(kept)
