"""What a domain publishes for mail, what is missing, and the record to publish (pure, given a resolver)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

from postern.dkim.key_set import DkimKey, KeySet, KeySetError, KeyState
from postern.dkim.publication import Published, look_up, zone_line
from postern.dns import DnsAnswer, DnsStatus, canonical_name
from postern.ports import Resolver
from postern.spf.record import RecordError, parse_record, select_records

MAX_HOSTS = 10
WEAK_KEY_TEXT = 160
"""Base64 characters of a 1024-bit RSA key are 216; what is shorter than this is weaker than 768 bits."""

_TAG = re.compile(r"\s*([A-Za-z]+)\s*=\s*([^;]*?)\s*(?:;|$)")


class State(StrEnum):
    """How one subject stands."""

    GOOD = "good"
    ADVICE = "advice"
    MISSING = "missing"
    WRONG = "wrong"
    UNKNOWN = "could not ask"


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that was looked at: its state, what was found, and the record that would mend it."""

    name: str
    state: State
    found: str
    publish: str = ""


OWN_KEYS = {
    KeyState.SIGNING: "it signs",
    KeyState.WAITING: "it waits for postern dkim rotate",
    KeyState.OLD: "mail under way may need it",
}

AMISS = {
    Published.MISSING: (State.MISSING, "no key record"),
    Published.DIFFERENT: (State.WRONG, "another key is published"),
}


def examine(
    domain: str, resolver: Resolver, selectors: tuple[str, ...] = (), keys: KeySet | None = None
) -> tuple[Subject, ...]:
    """Everything about `domain`, in the order a postmaster would look; `keys` are those that the service signs with."""
    name, own = canonical_name(domain), keys.keys if keys else ()
    others = [selector for selector in selectors if selector not in {key.selector for key in own}]
    exchanges = resolver.query(name, "MX")
    hosts = _hosts(exchanges)
    return (
        _mail_exchange(name, exchanges),
        *_reverse_names(hosts, resolver),
        _spf(name, resolver),
        *(_own_key(keys, key, resolver) for key in own if keys),
        *(_dkim(name, selector, resolver) for selector in others),
        _dmarc(name, resolver),
    )


def is_ready(subjects: tuple[Subject, ...]) -> bool:
    """Whether nothing is missing or wrong."""
    return all(subject.state in (State.GOOD, State.ADVICE) for subject in subjects)


def _hosts(answer: DnsAnswer) -> list[str]:
    return [record.partition(" ")[2] for record in answer.records if not record.endswith(" .")][:MAX_HOSTS]


def _mail_exchange(name: str, answer: DnsAnswer) -> Subject:
    if answer.failed:
        return Subject("MX", State.UNKNOWN, answer.status.value)
    if answer.status is DnsStatus.NXDOMAIN:
        return Subject("MX", State.MISSING, "the domain does not exist", f"{name}. MX 10 mx.{name}.")
    if any(record.endswith(" .") for record in answer.records):
        return Subject("MX", State.ADVICE, "null MX: the domain accepts no mail")
    if not answer.records:
        return Subject("MX", State.MISSING, "no MX record", f"{name}. MX 10 mx.{name}.")
    return Subject("MX", State.GOOD, ", ".join(sorted(answer.records)))


def _reverse_names(hosts: list[str], resolver: Resolver) -> Iterator[Subject]:
    for host in hosts:
        addresses = [*resolver.query(host, "A").records, *resolver.query(host, "AAAA").records][:MAX_HOSTS]
        if not addresses:
            yield Subject(f"address of {host}", State.MISSING, "no A or AAAA record", f"{host}. A <address>")
        for address in addresses:
            yield _reverse_name(host, address, resolver)


def _reverse_name(host: str, address: str, resolver: Resolver) -> Subject:
    pointer = ip_address(address).reverse_pointer
    answer = resolver.query(pointer, "PTR")
    subject = f"PTR of {address}"
    if answer.failed:
        return Subject(subject, State.UNKNOWN, answer.status.value)
    if not answer.records:
        return Subject(subject, State.MISSING, "no PTR record", f"{pointer}. PTR {host}.")
    confirmed = any(
        address in resolver.query(name, rdtype).records
        for name in answer.records[:MAX_HOSTS]
        for rdtype in ("A", "AAAA")
    )
    found = ", ".join(answer.records)
    return Subject(
        subject, State.GOOD if confirmed else State.WRONG, found if confirmed else f"{found} does not lead back"
    )


def _spf(name: str, resolver: Resolver) -> Subject:
    answer = resolver.query(name, "TXT")
    proposal = f'{name}. TXT "v=spf1 mx -all"'
    if answer.failed:
        return Subject("SPF", State.UNKNOWN, answer.status.value)
    records = select_records(answer.records)
    if not records:
        return Subject("SPF", State.MISSING, "no v=spf1 record", proposal)
    if len(records) > 1:
        return Subject("SPF", State.WRONG, f"{len(records)} records; there must be one", proposal)
    return _spf_record(records[0], proposal)


def _spf_record(text: str, proposal: str) -> Subject:
    try:
        parse_record(text)
    except RecordError as wrong:
        return Subject("SPF", State.WRONG, f"{text}: {wrong}", proposal)
    if re.search(r"(?:^|\s)\+?all(?:\s|$)", text):
        return Subject("SPF", State.WRONG, f"{text}: lets everybody send", proposal)
    closed = re.search(r"(?:^|\s)(?:[-~]all|redirect=)", text)
    return Subject("SPF", State.GOOD if closed else State.ADVICE, text if closed else f"{text}: ends without -all")


def _own_key(keys: KeySet, key: DkimKey, resolver: Resolver) -> Subject:
    """Only a key that signs has to be there: what waits can wait, and what is old may be gone."""
    subject, use = f"DKIM {key.selector}", OWN_KEYS[key.state]
    try:
        loaded = keys.loaded(key)
    except KeySetError as wrong:
        return Subject(subject, State.WRONG, str(wrong))
    published = look_up(loaded, resolver)
    if published is Published.YES:
        return Subject(subject, State.GOOD, f"published; {use}")
    if published is Published.UNKNOWN:
        return Subject(subject, State.UNKNOWN, use)
    state, found = AMISS[published]
    signs, is_old = key.state is KeyState.SIGNING, key.state is KeyState.OLD
    return Subject(subject, state if signs else State.ADVICE, f"{found}; {use}", "" if is_old else zone_line(loaded))


def _dkim(name: str, selector: str, resolver: Resolver) -> Subject:
    subject, key_name = f"DKIM {selector}", f"{selector}._domainkey.{name}"
    answer = resolver.query(key_name, "TXT")
    proposal = f'{key_name}. TXT "v=DKIM1; k=rsa; p=<public key>"'
    if answer.failed:
        return Subject(subject, State.UNKNOWN, answer.status.value)
    if not answer.records:
        return Subject(subject, State.MISSING, "no key record", proposal)
    tags = _tags(answer.records[0])
    if not tags.get("p"):
        return Subject(subject, State.WRONG, "the key is revoked (p= is empty)", proposal)
    weak = tags.get("k", "rsa") == "rsa" and len(tags["p"]) < WEAK_KEY_TEXT
    return Subject(subject, State.WRONG if weak else State.GOOD, "RSA key is too short" if weak else answer.records[0])


def _dmarc(name: str, resolver: Resolver) -> Subject:
    answer = resolver.query(f"_dmarc.{name}", "TXT")
    proposal = f'_dmarc.{name}. TXT "v=DMARC1; p=quarantine; rua=mailto:postmaster@{name}"'
    if answer.failed:
        return Subject("DMARC", State.UNKNOWN, answer.status.value)
    records = [record for record in answer.records if _tags(record).get("v") == "DMARC1"]
    if len(records) != 1:
        found = "no record" if not records else f"{len(records)} records; there must be one"
        return Subject("DMARC", State.WRONG if records else State.MISSING, found, proposal)
    return _dmarc_record(records[0], proposal)


def _dmarc_record(text: str, proposal: str) -> Subject:
    tags = _tags(text)
    if tags.get("p") not in ("none", "quarantine", "reject"):
        return Subject("DMARC", State.WRONG, f"{text}: p= must be none, quarantine or reject", proposal)
    if tags["p"] == "none":
        return Subject("DMARC", State.ADVICE, f"{text}: asks for nothing; move to quarantine once reports look right")
    if "rua" not in tags:
        return Subject("DMARC", State.ADVICE, f"{text}: without rua= nobody tells you who sends as you")
    return Subject("DMARC", State.GOOD, text)


def _tags(text: str) -> dict[str, str]:
    return {tag.lower(): re.sub(r"\s+", "", value) for tag, value in _TAG.findall(text)}
