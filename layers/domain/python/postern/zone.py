"""A resolver whose answers are data: for tests, for `postern scan` with a zone, for runs without a network.

A zone maps a name to `{TYPE: [strings] | "TIMEOUT" | "SERVFAIL"}`; the type `"*"` stands for every type that is not
named. A name that is absent does not exist unless names below it do (RFC 8020); an absent type is no data. A CNAME
is followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from postern.dns import DnsAnswer, DnsStatus, Question, canonical_name, is_askable

MAX_CNAME_CHAIN = 10
NAME_TYPES = frozenset({"PTR", "CNAME", "NS"})
FAILURES = {"TIMEOUT": DnsStatus.TIMEOUT, "SERVFAIL": DnsStatus.SERVFAIL}

Zone = Mapping[str, Mapping[str, Sequence[str] | str]]


class ZoneError(ValueError):
    """A zone that is not of the documented shape; the text names the place."""


class ZoneResolver:
    """Answers questions from a zone, and from nothing else."""

    def __init__(self, zone: Zone) -> None:
        self._records = {canonical_name(name): _read_types(name, types) for name, types in zone.items()}
        self._ancestors = {parent for name in self._records for parent in _ancestors(name)}

    def query(self, name: str, rdtype: str) -> DnsAnswer:
        """The answer for one name and type."""
        wanted = canonical_name(name)
        for _ in range(MAX_CNAME_CHAIN):
            if not is_askable(wanted):
                return DnsAnswer(DnsStatus.INVALID_NAME)
            answer = self._lookup(wanted, rdtype)
            alias = self._lookup(wanted, "CNAME")
            if answer.records or answer.failed or rdtype == "CNAME" or not alias.records:
                return answer
            wanted = alias.records[0]
        return DnsAnswer(DnsStatus.SERVFAIL)

    def query_all(self, questions: Sequence[Question]) -> tuple[DnsAnswer, ...]:
        """The answers for several questions, in their order."""
        return tuple(self.query(question.name, question.rdtype) for question in questions)

    def _lookup(self, name: str, rdtype: str) -> DnsAnswer:
        types = self._records.get(name)
        if types is None:
            return DnsAnswer(DnsStatus.NO_DATA if name in self._ancestors else DnsStatus.NXDOMAIN)
        found = types.get(rdtype, types.get("*", ()) if rdtype != "CNAME" else ())
        if isinstance(found, DnsStatus):
            return DnsAnswer(found)
        return DnsAnswer(DnsStatus.FOUND, found) if found else DnsAnswer(DnsStatus.NO_DATA)


def _ancestors(name: str) -> list[str]:
    labels = name.split(".")
    return [".".join(labels[index:]) for index in range(1, len(labels))]


def _read_types(name: str, types: object) -> dict[str, tuple[str, ...] | DnsStatus]:
    if not isinstance(types, Mapping):
        raise ZoneError(f"zone: {name!r} must map record types to lists of strings")
    return {str(rdtype).upper(): _read_records(name, str(rdtype).upper(), value) for rdtype, value in types.items()}


def _read_records(name: str, rdtype: str, value: object) -> tuple[str, ...] | DnsStatus:
    if isinstance(value, str):
        if value not in FAILURES:
            raise ZoneError(f'zone: {name!r} {rdtype}: expected a list of strings, "TIMEOUT" or "SERVFAIL"')
        return FAILURES[value]
    if not isinstance(value, Sequence) or not all(isinstance(record, str) for record in value):
        raise ZoneError(f'zone: {name!r} {rdtype}: expected a list of strings, "TIMEOUT" or "SERVFAIL"')
    return tuple(_canonical_record(rdtype, record) for record in value)


def _canonical_record(rdtype: str, record: str) -> str:
    if rdtype in NAME_TYPES:
        return canonical_name(record)
    if rdtype == "MX":
        preference, _, exchange = record.strip().partition(" ")
        return f"{preference} {canonical_name(exchange.strip())}"
    if rdtype == "TXT":
        return record.encode("utf-8", "surrogateescape").decode("latin-1")
    return record.strip().lower()
