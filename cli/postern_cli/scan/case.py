"""One case to judge: a message with what is known of its session, its DNS and its policy.

CaseError    the case itself is malformed; the text says what and where
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from postern.given_effects import GivenStores
from postern.policy import PolicyError
from postern.policy_book import GLOBAL_SCOPE, check_section
from postern.ports import Resolver
from postern.zone import ZoneResolver
from postern_cli.scan.case_error import CaseError
from postern_cli.scan.stores import read_stores

MAX_MESSAGE_OCTETS = 64 * 1024 * 1024
FIRST_YEAR, LAST_YEAR = 1970, 9000
KNOWN = frozenset(
    {
        "id",
        "message",
        "message_base64",
        "client_ip",
        "helo",
        "mail_from",
        "rcpt_to",
        "zone",
        "policy",
        "now",
        "sender_lists",
        "greylist",
        "correspondents",
        "batv_keys",
        "sent_messages",
        "local_domains",
        "authenticated_as",
    }
)


@dataclass(frozen=True, slots=True)
class ScanCase:
    """What is judged. `mail_from` is `""` for the null reverse-path and `None` when there is no envelope."""

    raw: bytes
    case_id: object = None
    client_ip: str | None = None
    helo: str | None = None
    mail_from: str | None = None
    rcpt_to: tuple[str, ...] = ()
    resolver: Resolver | None = None
    policy: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    now: datetime | None = None
    stores: GivenStores = field(default_factory=GivenStores)
    local_domains: tuple[str, ...] | None = None
    authenticated_as: str | None = None

    @property
    def has_session(self) -> bool:
        """Whether anything is known of the conversation the message came by."""
        return any(known is not None for known in (self.client_ip, self.helo, self.mail_from))


def read_case(line: str) -> ScanCase:
    """The case in one line of JSON; raises `CaseError`."""
    data = parse_json(line)
    if not isinstance(data, dict):
        raise CaseError('expected an object such as {"message": "mail.eml"}')
    unknown = sorted(set(data) - KNOWN)
    if unknown:
        raise CaseError(f"unknown key {unknown[0]!r}; the keys are: {', '.join(sorted(KNOWN))}")
    return ScanCase(
        raw=_message(data),
        case_id=data.get("id"),
        client_ip=read_client_ip(data.get("client_ip")),
        helo=_text(data, "helo"),
        mail_from=_text(data, "mail_from"),
        rcpt_to=_texts(data, "rcpt_to") or (),
        resolver=_zone(data.get("zone")),
        policy=read_overrides(data.get("policy")),
        now=_time(data.get("now")),
        stores=read_stores(data),
        local_domains=_texts(data, "local_domains"),
        authenticated_as=_text(data, "authenticated_as"),
    )


def parse_json(text: str) -> Any:
    """JSON data; raises `CaseError`, also for what only Python takes for JSON."""
    try:
        return json.loads(text.removeprefix("\ufeff"), parse_constant=_no_number)
    except (ValueError, RecursionError) as wrong:
        raise CaseError(f"not a line of JSON: {wrong}") from wrong


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def read_message(path: Path) -> bytes:
    """The octets of a message file; raises `CaseError`."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_MESSAGE_OCTETS + 1)
    except (OSError, ValueError) as trouble:
        raise CaseError(f"cannot read {str(path)!r}: {getattr(trouble, 'strerror', trouble)}") from trouble
    if len(raw) > MAX_MESSAGE_OCTETS:
        raise CaseError(f"{path} is larger than {MAX_MESSAGE_OCTETS} octets")
    return raw


def read_overrides(policy: object) -> Mapping[str, Mapping[str, object]]:
    """Policy sections for this case, each attribute checked; raises `CaseError`."""
    if policy is None:
        return {}
    if not isinstance(policy, dict) or not all(isinstance(section, dict) for section in policy.values()):
        raise CaseError('policy: expected {section: {attribute: value}}, e.g. {"dmarc": {"mode": "enforce"}}')
    try:
        for name, section in policy.items():
            check_section(GLOBAL_SCOPE, name, section)
    except PolicyError as wrong:
        raise CaseError(f"policy: {wrong}") from wrong
    return policy


@cache
def read_zone(path: Path) -> ZoneResolver:
    """The resolver for a zone file, read once; raises `CaseError`."""
    try:
        return make_zone(json.loads(path.read_text(encoding="utf-8")))
    except OSError as trouble:
        raise CaseError(f"zone: cannot read {str(path)!r}: {trouble.strerror}") from trouble
    except (ValueError, RecursionError) as wrong:
        raise CaseError(f"zone: {str(path)!r}: {wrong}") from wrong


def make_zone(zone: object) -> ZoneResolver:
    """The resolver for a zone object; raises `CaseError`."""
    if not isinstance(zone, dict):
        raise CaseError("zone: expected a path or an object such as {name: {TYPE: [strings]}}")
    try:
        return ZoneResolver(zone)
    except ValueError as wrong:
        raise CaseError(str(wrong)) from wrong


def _message(data: Mapping[str, Any]) -> bytes:
    path, encoded = data.get("message"), data.get("message_base64")
    if isinstance(encoded, str) and path is None:
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as wrong:
            raise CaseError(f"message_base64: {wrong}") from wrong
    if isinstance(path, str) and encoded is None:
        return read_message(Path(path))
    raise CaseError('give either "message", a path, or "message_base64"')


def _text(data: Mapping[str, Any], key: str) -> str | None:
    value = data.get(key)
    if value is not None and not isinstance(value, str):
        raise CaseError(f"{key}: expected a text or null")
    return value


def _texts(data: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise CaseError(f"{key}: expected a list of texts or null")
    return tuple(value)


def read_client_ip(value: object) -> str | None:
    """A client's address in its one form, or `None` when nobody knows it; raises `CaseError`."""
    if value in (None, ""):
        return None
    try:
        address = ipaddress.ip_address(str(value).partition("%")[0])
    except ValueError as wrong:
        raise CaseError(f"client_ip: {value!r} is not an IPv4 or IPv6 address") from wrong
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _zone(value: object) -> Resolver | None:
    if value is None:
        return None
    return read_zone(Path(value)) if isinstance(value, str) else make_zone(value)


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
        known = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as wrong:
        raise CaseError("now: expected an RFC 3339 time such as 2026-01-31T12:00:00Z") from wrong
    if not FIRST_YEAR <= known.year <= LAST_YEAR:
        raise CaseError(f"now: expected a time in the years {FIRST_YEAR} to {LAST_YEAR}")
    return known
