"""Reads the SPF test suite's files: scenarios of cases over a zone (its README's rules for types)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from postern.zone import Zone

DEFAULT_EXPLANATION = "DEFAULT"


@dataclass(frozen=True)
class SpfCase:
    """One case: the arguments, the results that are right, and the explanation where the suite asks for one."""

    name: str
    zone: Zone
    client_ip: str
    helo: str
    mail_from: str
    allowed: tuple[str, ...]
    explanation: str | None = None


def read_suite(path: Path) -> tuple[SpfCase, ...]:
    """All cases of a file."""
    scenarios = [scenario for scenario in yaml.safe_load_all(path.read_text("utf-8")) if scenario]
    return tuple(case for scenario in scenarios for case in _cases(scenario))


def _cases(scenario: Mapping[str, Any]) -> Iterator[SpfCase]:
    zone = _zone(scenario["zonedata"])
    for name, case in scenario["tests"].items():
        result = case["result"]
        yield SpfCase(
            name=name,
            zone=zone,
            client_ip=case["host"],
            helo=case["helo"],
            mail_from=case["mailfrom"] or "",
            allowed=tuple(result) if isinstance(result, list) else (result,),
            explanation=case.get("explanation"),
        )


def _zone(data: Mapping[str, Any]) -> Zone:
    return {str(name): _types(entries or []) for name, entries in data.items()}


def _types(entries: list[Any]) -> dict[str, list[str] | str]:
    types: dict[str, list[str] | str] = {}
    spf_records: list[str] = []
    for entry in entries:
        if entry == "TIMEOUT":
            types["*"] = "TIMEOUT"
            continue
        ((rdtype, value),) = entry.items()
        if rdtype == "SPF":
            spf_records.append(_text(value))
        else:
            records = types.setdefault(rdtype, [])
            assert isinstance(records, list)
            records.extend(_records(rdtype, value))
    # SPF records stand for TXT records as well, unless the scenario says what the TXT records are.
    if spf_records and "TXT" not in types:
        types["TXT"] = spf_records
    return {rdtype: records for rdtype, records in types.items() if records}


def _records(rdtype: str, value: Any) -> list[str]:
    if rdtype == "TXT":
        return [] if value == "NONE" else [_text(value)]
    if rdtype == "MX":
        preference, exchange = value
        return [f"{preference} {exchange or '.'}"]
    return [str(value)]


def _text(value: Any) -> str:
    """A record's text; its characters are octets, which a zone writes as UTF-8 with escapes."""
    joined = "".join(value) if isinstance(value, list) else str(value)
    return joined.encode("latin-1").decode("utf-8", "surrogateescape")
