"""From a decision to the row of an aggregate report it counts in (RFC 9990 §3.1).

A row is everything a report says about a message but for how many there were, so that equal messages share one. It is
made of the checks' results as JSON data, because that is what the front end has, also for mail that it refuses.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from postern.evidence import DmarcPolicy
from postern.model import Decision, Disposition, ResultWord, Transaction
from postern.wire import dumps

Json = Any

MAX_SIGNATURES = 10
"""DKIM results of one row; RFC 9990 §3.1.4 advises at most 100, and our DKIM check looks at fewer."""
MAX_NAME = 253
MAX_URIS = 3

_SEVERITY = tuple(DmarcPolicy)
_ASIDE = frozenset({Disposition.JUNK, Disposition.QUARANTINE, Disposition.DISCARD})
_NOT_FOLLOWED = frozenset({"trusted_forwarder", "mailing_list"})
_DKIM_WORDS = frozenset({"none", "pass", "fail", "policy", "neutral", "temperror", "permerror"})
_SPF_WORDS = frozenset({"none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"})
_UNPRINTABLE = re.compile(r"[^!-~]+")
_COMMENTS = {
    "mailing_list": "the message came through a mailing list",
    "trusted_forwarder": "a trusted ARC sealer saw it pass",
    "policy_test_mode": "the policy is published for testing",
    "local_policy": "a failure alone does not decide here",
}


@dataclass(frozen=True, slots=True)
class PublishedPolicy:
    """The policy that applied, as published; policies are empty where the tag is absent."""

    domain: str
    policy: str = "none"
    subdomain_policy: str = ""
    nonexistent_policy: str = ""
    strict_dkim: bool = False
    strict_spf: bool = False
    failure_options: str = ""
    testing: bool = False
    report_uris: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SignatureResult:
    """What became of one DKIM signature, whatever its alignment."""

    signing_domain: str
    selector: str
    result: str


@dataclass(frozen=True, slots=True)
class AggregateRow:
    """One record of a report without its count. `disposition` is what DMARC did to the message.

    `override` is the reason why that is not what the owner asks for, in the words of RFC 9990 §3.1.6, or empty.
    """

    published: PublishedPolicy
    source_ip: str
    author_domain: str
    envelope_from: str
    disposition: DmarcPolicy
    dkim_aligned: bool
    spf_aligned: bool
    spf_domain: str
    spf_result: str
    signatures: tuple[SignatureResult, ...] = ()
    override: str = ""

    @property
    def comment(self) -> str:
        """The override in words."""
        return _COMMENTS.get(self.override, "")

    @property
    def digest(self) -> str:
        """The same for equal rows: 32 hexadecimal digits."""
        return hashlib.sha256(dumps(self).encode()).hexdigest()[:32]


def row_of(transaction: Transaction, decision: Decision, results: Mapping[str, Json]) -> AggregateRow | None:
    """The row that a message counts in, or `None` when it counts in none.

    It does not without a client or a verdict, when the owner asks for no reports, or when the message was deferred:
    then it comes again and is counted once it is answered for good.
    """
    dmarc = results.get("dmarc", {})
    facts = dmarc.get("properties", {})
    verdict = dmarc.get("result")
    wanted = _mapping(facts, "published").get("rua")
    if transaction.client_ip is None or verdict not in (ResultWord.PASS, ResultWord.FAIL) or not wanted:
        return None
    if decision.reply.is_temporary:
        return None
    published = _published(facts)
    spf = _mapping(results.get("spf", {}), "evidence", "mail_from")
    envelope_from = _name((transaction.reverse_path or "").rpartition("@")[2])
    disposition, override = _applied(decision, facts, passed=verdict == ResultWord.PASS)
    return AggregateRow(
        published=published,
        source_ip=ipaddress.ip_address(transaction.client_ip).exploded,
        author_domain=_name(facts.get("header.from")),
        envelope_from=envelope_from,
        disposition=disposition,
        dkim_aligned=bool(_mapping(facts, "alignment", "dkim").get("aligned")),
        spf_aligned=bool(_mapping(facts, "alignment", "spf").get("aligned")),
        spf_domain=_name(spf.get("domain")) or envelope_from or _name(transaction.helo_identity),
        spf_result=_word(spf.get("result"), _SPF_WORDS, "none"),
        signatures=_signatures(results, published.domain),
        override=override,
    )


def _published(facts: Mapping[str, Json]) -> PublishedPolicy:
    tags = _mapping(facts, "published")
    return PublishedPolicy(
        domain=_name(_mapping(facts, "domains").get("policy")),
        policy=str(tags.get("p", "none")),
        subdomain_policy=str(tags.get("sp", "")),
        nonexistent_policy=str(tags.get("np", "")),
        strict_dkim=tags.get("adkim") == "s",
        strict_spf=tags.get("aspf") == "s",
        failure_options=str(tags.get("fo", "")),
        testing=bool(tags.get("testing")),
        report_uris=tuple(str(uri) for uri in tags.get("rua", ())[:MAX_URIS]),
    )


def _applied(decision: Decision, facts: Mapping[str, Json], *, passed: bool) -> tuple[DmarcPolicy, str]:
    """What was done because of DMARC, and the override if that is milder than asked for.

    Other defences may have done worse to the message; the owner is told of no more than what was asked for.
    """
    if passed:
        return DmarcPolicy.NONE, ""
    override = str(facts.get("override") or "")
    asked = DmarcPolicy(facts.get("policy") or DmarcPolicy.NONE)
    if override in _NOT_FOLLOWED:
        return DmarcPolicy.NONE, override
    done = min(_done(decision), asked, key=_SEVERITY.index)
    return done, override or ("local_policy" if done is not asked else "")


def _done(decision: Decision) -> DmarcPolicy:
    if decision.reply.is_permanent:
        return DmarcPolicy.REJECT
    aside = any(one.disposition in _ASIDE for one in decision.recipients)
    return DmarcPolicy.QUARANTINE if aside else DmarcPolicy.NONE


def _signatures(results: Mapping[str, Json], policy_domain: str) -> tuple[SignatureResult, ...]:
    """Those that say most come first (RFC 9990 §3.1.4): passed and of the owner, passed, the others."""
    found = list(_read_signatures(_mapping(results.get("dkim", {}), "evidence").get("signatures", ())))

    def rank(one: SignatureResult) -> tuple[bool, bool, str, str, str]:
        of_owner = f".{one.signing_domain}".endswith(f".{policy_domain}")
        return one.result != "pass", not of_owner, one.signing_domain, one.selector, one.result

    return tuple(sorted(dict.fromkeys(found), key=rank)[:MAX_SIGNATURES])


def _read_signatures(signatures: Sequence[Mapping[str, Json]]) -> Iterator[SignatureResult]:
    for one in signatures:
        signing_domain = _name(one.get("signing_domain"))
        if signing_domain:
            yield SignatureResult(
                signing_domain, _name(one.get("selector")), _word(one.get("result"), _DKIM_WORDS, "neutral")
            )


def _mapping(data: Json, *path: str) -> Mapping[str, Json]:
    """The map at a path; what is missing, or was cut because the result was too large, is empty."""
    for name in path:
        data = data.get(name) if isinstance(data, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def _name(text: Json) -> str:
    """A name that a sender wrote, fit for a report: lower case, printable, bounded."""
    return _UNPRINTABLE.sub("?", str(text or "").rstrip(".").lower())[:MAX_NAME]


def _word(text: Json, known: frozenset[str], otherwise: str) -> str:
    return str(text) if str(text) in known else otherwise
