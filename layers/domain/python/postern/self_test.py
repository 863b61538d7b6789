"""The self-test of the defences: synthetic mail, and what each check must say about it.

A defence that nobody attacks and a defence that is dead look the same from outside. So a few messages that every
defence has to notice go through the real workflow; a check that answers `temperror`, or does not report what it has
to, is dead. `example.org` stands for a domain that sends no mail: IANA publishes `-all` and `p=reject` for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from typing import Any

from postern.model import Envelope, MessageReference, Recipient, ResultWord, Session, Site, Transaction

CLIENT = "192.0.2.254"
"""An address for documentation (RFC 5737): it has no name and no one sends from it."""

FOREIGN_DOMAIN = "example.org"
SECONDS = 50
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
_B64 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


class Health(StrEnum):
    """How a defence stands."""

    ALIVE = "alive"
    OFF = "off"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Probe:
    """A synthetic message; `expects` names, per check, the symbols of which at least one must be reported.

    `reverse_path` is `None` for the null one; without a `recipient` it goes to the postmaster.
    """

    probe_id: str
    raw: bytes
    reverse_path: str | None
    recipient: str = ""
    observations: tuple[str, ...] = ()
    expects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one probe showed about one check."""

    check_id: str
    probe_id: str
    health: Health
    reason: str = ""


def probes(site: Site, moment: datetime, protected_domains: Sequence[str] = ()) -> tuple[Probe, ...]:
    """The synthetic messages for this site.

    One is in its own name when it has a domain, and one is a report without a tag when a domain is protected against
    backscatter.
    """
    stranger = Probe(
        "stranger",
        _message(f"self-test@{FOREIGN_DOMAIN}", moment),
        f"self-test@{FOREIGN_DOMAIN}",
        observations=("SMTP_EARLY_TALKER",),
        expects={
            "conversation": ("SMTP_EARLY_TALKER",),
            "iprev": ("IPREV_NO_PTR", "IPREV_FAIL"),
            "spf": ("SPF_FAIL",),
            "dkim": ("DKIM_PERMERROR", "DKIM_FAIL"),
            "arc": ("ARC_FAIL",),
            "dmarc": ("DMARC_REJECT",),
            "vbr": ("VBR_UNTRUSTED", "VBR_UNPROVEN", "VBR_FAIL"),
            "rules": ("GTUBE",),
        },
    )
    return stranger, *_in_own_name(site, moment), *_untagged_report(protected_domains, moment)


def _in_own_name(site: Site, moment: datetime) -> Iterator[Probe]:
    if site.local_domains:
        own = f"self-test@{site.local_domains[0]}"
        yield Probe("own name", _message(own, moment), own, expects={"ip_shield": ("SHIELD_VIOLATION",)})


def _untagged_report(protected_domains: Sequence[str], moment: datetime) -> Iterator[Probe]:
    """A delivery report to an address that never sent anything."""
    for name in protected_domains[:1]:
        recipient = f"self-test@{name}"
        report = _message(f"mailer-daemon@{FOREIGN_DOMAIN}", moment)
        yield Probe("untagged report", report, None, recipient, expects={"backscatter": ("BACKSCATTER_MISSING",)})


def transaction_of(
    probe: Probe, transaction_id: str, message: MessageReference, site: Site, now: datetime
) -> Transaction:
    """The transaction by which a probe goes through the workflow; nothing of it is ever delivered."""
    postmaster = f"postmaster@{site.local_domains[0] if site.local_domains else site.hostname}"
    recipient = probe.recipient or postmaster
    return Transaction(
        transaction_id=transaction_id,
        received_at=now,
        deadline=now + timedelta(seconds=SECONDS),
        session=Session("self-test", CLIENT, f"self-test.{FOREIGN_DOMAIN}"),
        envelope=Envelope(probe.reverse_path),
        recipients=(Recipient(recipient, recipient),),
        message=message,
        site=site,
        observations=probe.observations,
    )


def judge(probe: Probe, results: Mapping[str, Any]) -> tuple[Outcome, ...]:
    """What the results of a probe (as JSON, by check id) show about every check that answered it."""
    return tuple(_judge_check(probe, check_id, result) for check_id, result in results.items())


def worst(outcomes: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """One outcome per check: what any probe found dead is dead."""
    order = tuple(Health)
    chosen: dict[str, Outcome] = {}
    for outcome in outcomes:
        known = chosen.get(outcome.check_id)
        if known is None or order.index(outcome.health) > order.index(known.health):
            chosen[outcome.check_id] = outcome
    return tuple(chosen.values())


def _judge_check(probe: Probe, check_id: str, result: Mapping[str, Any]) -> Outcome:
    word, reason = str(result.get("result")), str(result.get("reason", ""))
    if word == ResultWord.SKIPPED:
        return Outcome(check_id, probe.probe_id, Health.OFF, reason)
    if word == ResultWord.TEMPERROR:
        return Outcome(check_id, probe.probe_id, Health.DEAD, f"it could not be done: {reason}")
    expected = probe.expects.get(check_id, ())
    found = {str(finding.get("symbol")) for finding in result.get("findings", ())}
    if expected and not found.intersection(expected):
        return Outcome(check_id, probe.probe_id, Health.DEAD, f"it did not report {' or '.join(expected)}")
    return Outcome(check_id, probe.probe_id, Health.ALIVE)


def _message(author: str, moment: datetime) -> bytes:
    """A message with everything that is wrong with it: signatures that cannot verify, a claim nobody vouches for."""
    lines = (
        "ARC-Seal: i=1; a=rsa-sha256; t=1; cv=none; d=example.org; s=self-test; b=" + _B64,
        "ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=self-test; h=from;",
        f"\tbh={_B64}; b={_B64}",
        "ARC-Authentication-Results: i=1; example.org; none",
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=self-test; h=from:subject;",
        f"\tbh={_B64}; b={_B64}",
        "VBR-Info: md=example.org; mc=all; mv=certifier.invalid;",
        f"From: Self-test <{author}>",
        "To: postmaster",
        "Subject: Self-test of the defences",
        f"Date: {format_datetime(moment)}",
        f"Message-ID: <self-test.{int(moment.timestamp())}@{author.rpartition('@')[2]}>",
        "",
        GTUBE,
        "",
    )
    return "\r\n".join(lines).encode("utf-8")
