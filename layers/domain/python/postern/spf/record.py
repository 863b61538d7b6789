"""SPF records: which TXT record is one, and its terms as typed values (RFC 7208 §3 to §6, §12).

Every error anywhere in the record is found before anything is evaluated (§4.6).

    RecordError     text that is no valid record; `str()` names the term
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from postern.model import ResultWord
from postern.spf.macro import MacroError, MacroString, parse_domain_spec, parse_macro_string

VERSION = "v=spf1"
QUALIFIERS = {
    "+": ResultWord.PASS,
    "-": ResultWord.FAIL,
    "~": ResultWord.SOFTFAIL,
    "?": ResultWord.NEUTRAL,
}
MAX_TERM_SHOWN = 120
"""Characters of a term that are kept to be shown; a record can be 64 kB."""

_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)=(.*)", re.DOTALL)
_DIRECTIVE = re.compile(r"([-+?~]?)([A-Za-z][A-Za-z0-9._-]*)(.*)", re.DOTALL)
_DUAL_PREFIX = re.compile(r"(.*?)(?:/(0|[1-9][0-9]{0,2}))?(?://(0|[1-9][0-9]{0,2}))?", re.DOTALL)
_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}")


class RecordError(ValueError):
    """A record that is syntactically wrong: the result is permerror."""


@dataclass(frozen=True, slots=True)
class All:
    """`all`: always matches (§5.1)."""


@dataclass(frozen=True, slots=True)
class Include:
    """`include`: matches when another domain's policy passes (§5.2)."""

    target: MacroString


@dataclass(frozen=True, slots=True)
class Address:
    """`a`: the addresses of a name, widened by prefix lengths (§5.3); no target means the current domain."""

    target: MacroString | None
    ipv4_prefix: int = 32
    ipv6_prefix: int = 128


@dataclass(frozen=True, slots=True)
class MailExchange:
    """`mx`: the addresses of a domain's mail exchanges (§5.4)."""

    target: MacroString | None
    ipv4_prefix: int = 32
    ipv6_prefix: int = 128


@dataclass(frozen=True, slots=True)
class Pointer:
    """`ptr`: the client's confirmed names (§5.5)."""

    target: MacroString | None


@dataclass(frozen=True, slots=True)
class Network:
    """`ip4` and `ip6` (§5.6)."""

    network: IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Exists:
    """`exists`: any A record at a constructed name (§5.7)."""

    target: MacroString


Mechanism = All | Include | Address | MailExchange | Pointer | Network | Exists


@dataclass(frozen=True, slots=True)
class Directive:
    """A mechanism, the result it gives when it matches, and the term as it is written."""

    result: ResultWord
    mechanism: Mechanism
    text: str


@dataclass(frozen=True, slots=True)
class Record:
    """A parsed record: directives in order and the two modifiers that mean something (§6)."""

    directives: tuple[Directive, ...]
    redirect: MacroString | None = None
    explanation: MacroString | None = None


def select_records(texts: Iterable[str]) -> list[str]:
    """The texts that claim to be SPF records: the version, then a blank or the end (§4.5)."""
    return [text for text in texts if text[:6].lower() == VERSION and text[6:7] in ("", " ")]


def parse_record(text: str) -> Record:
    """The terms of an SPF record. Raises `RecordError`."""
    directives: list[Directive] = []
    modifiers: dict[str, MacroString] = {}
    for term in filter(None, text[len(VERSION) :].split(" ")):
        try:
            modifier = _MODIFIER.fullmatch(term)
            if modifier:
                _add_modifier(modifiers, modifier[1].lower(), modifier[2])
            else:
                directives.append(_parse_directive(term))
        except (MacroError, RecordError) as wrong:
            raise RecordError(f"term {term[:80]!r}: {wrong}") from wrong
    return Record(tuple(directives), modifiers.get("redirect"), modifiers.get("exp"))


def _add_modifier(modifiers: dict[str, MacroString], name: str, value: str) -> None:
    # A known name never falls back to being an unknown modifier, as errata and other implementations have it.
    if name not in ("redirect", "exp"):
        parse_macro_string(value)
        return
    if name in modifiers:
        raise RecordError("given twice")
    modifiers[name] = parse_domain_spec(value)


def _parse_directive(term: str) -> Directive:
    parts = _DIRECTIVE.fullmatch(term)
    if parts is None:
        raise RecordError("neither a mechanism nor a modifier")
    qualifier, name, rest = parts.groups()
    return Directive(QUALIFIERS[qualifier or "+"], _parse_mechanism(name.lower(), rest), term[:MAX_TERM_SHOWN])


def _parse_mechanism(name: str, rest: str) -> Mechanism:
    if name == "all":
        if rest:
            raise RecordError("takes nothing after it")
        return All()
    if name in ("a", "mx"):
        return _parse_host(Address if name == "a" else MailExchange, rest)
    if name in ("ip4", "ip6"):
        return Network(_parse_network(name, rest))
    if name == "ptr":
        return Pointer(_parse_target(rest) if rest else None)
    if name == "include":
        return Include(_parse_target(rest))
    if name == "exists":
        return Exists(_parse_target(rest))
    raise RecordError("an unknown mechanism")


def _parse_target(rest: str) -> MacroString:
    if not rest.startswith(":"):
        raise RecordError("a domain is missing")
    return parse_domain_spec(rest[1:])


def _parse_host(kind: type[Address] | type[MailExchange], rest: str) -> Address | MailExchange:
    parts = _DUAL_PREFIX.fullmatch(rest)
    if parts is None:
        raise RecordError("a malformed prefix length")
    target, ipv4_prefix, ipv6_prefix = parts.groups()
    return kind(
        _parse_target(target) if target else None,
        _bounded_prefix(ipv4_prefix or "32", 32),
        _bounded_prefix(ipv6_prefix or "128", 128),
    )


def _bounded_prefix(digits: str, bits: int) -> int:
    if not _PREFIX.fullmatch(digits) or int(digits) > bits:
        raise RecordError(f"a prefix length is a number up to {bits} without leading zeros")
    return int(digits)


def _parse_network(name: str, rest: str) -> IPv4Network | IPv6Network:
    bits, family = (32, IPv4Address) if name == "ip4" else (128, IPv6Address)
    address, slash, prefix = rest.removeprefix(":").partition("/")
    if not rest.startswith(":") or "%" in address or not address.isascii():
        raise RecordError("an address is missing")
    try:
        start = family(address)
    except AddressValueError as wrong:
        raise RecordError(f"not an {name} address") from wrong
    return ip_network((start, _bounded_prefix(prefix, bits) if slash else bits), strict=False)
