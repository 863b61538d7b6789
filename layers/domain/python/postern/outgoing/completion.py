"""What an accepted outgoing message gets before it is committed: who vouches for it, its signatures, its bounce tag.

postern.ports.Unavailable    from the keys passes through: what should be signed and cannot be is not sent
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from postern.author import extract_author
from postern.backscatter.domains import SendingRoute, protected_domain
from postern.backscatter.tags import day_number, read_tag, signed
from postern.checks.backscatter import BackscatterPolicy
from postern.contract import NoEvidence
from postern.dkim.signing import FIELD_NAME, SigningKey, sign_message
from postern.message import DefectCode, Message, parse_message
from postern.mime.domain_labels import to_ascii_domain
from postern.model import CheckResult, Decision, Finding, HeaderField, Points, ResultWord, Route, Site, Transaction
from postern.outgoing import policy as outgoing
from postern.outgoing.policy import OutgoingPolicy, OutgoingRoute
from postern.outgoing.resolution import of_domain
from postern.outgoing.signing_policy import SIGNING_SECTION, VBR_SECTION, DkimSigningPolicy, VbrInfoPolicy
from postern.policy_book import ResolvedPolicy
from postern.ports import BatvKeys, SigningKeys, Unavailable
from postern.stamping import stamp
from postern.vbr import vbr_info

RESULT_ID = "signing"
"""The name under which a receipt tells what was done."""

UNSIGNED, UNTAGGED = "OUTGOING_UNSIGNED", "OUTGOING_UNTAGGED"

MAX_KEY_DOMAINS = 4
"""Domains whose keys are looked for: the author's, and those above it that are ours."""

_IN_DOUBT = frozenset(
    {
        DefectCode.BARE_CR_LINES,
        DefectCode.BARE_LF,
        DefectCode.NUL,
        DefectCode.JUNK_IN_HEADER,
        DefectCode.MISSING_SEPARATOR,
        DefectCode.HEADER_TOO_LARGE,
        DefectCode.TOO_MANY_FIELDS,
    }
)
"""Where servers disagree about which fields there are, a signature would hold for some of them only."""

_BLANKS = re.compile(rb"[\t\r\n ]+")


@dataclass(frozen=True, slots=True)
class Completed:
    """The decision as it is committed, and what was done as a check would tell it."""

    decision: Decision
    result: CheckResult[NoEvidence]


@dataclass(frozen=True, slots=True)
class _Signing:
    """With which keys a message is signed, or why with none."""

    keys: tuple[SigningKey, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class _Tagging:
    """The reverse-path under which copies leave; `None` for the envelope's own. `why_not` says what is amiss."""

    reverse_path: str | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """Completes decisions. `signing_keys` and `batv_keys` are asked for what a message needs."""

    signing_keys: SigningKeys
    batv_keys: BatvKeys

    def complete(self, decision: Decision, transaction: Transaction, raw: bytes, policy: ResolvedPolicy) -> Completed:
        """The decision with every header field and the reverse-path. Raises `Unavailable`, `PolicyError`."""
        message = parse_message(raw)
        domain = _sending_domain(transaction, message)
        signing = self._signing(transaction, message, domain, policy)
        headers = (*_vouching(signing, domain, policy), *decision.headers)
        stamped = stamp(raw, headers, authserv_id=transaction.site.authserv_id).message
        signatures = _signatures(stamped, signing.keys, transaction, through_ses=_leaves_by_ses(transaction, policy))
        tagging = self._tagging(transaction, policy)
        completed = replace(decision, headers=(*signatures, *headers), reverse_path=tagging.reverse_path)
        return Completed(completed, _told(signing, tagging, completed))

    # --- signatures ---------------------------------------------------------------------------------------

    def _signing(self, transaction: Transaction, message: Message, domain: str, policy: ResolvedPolicy) -> _Signing:
        settings = policy.section_for(of_domain(domain), SIGNING_SECTION, DkimSigningPolicy)
        if not settings.sign:
            return _Signing(why_not="switched off by policy")
        if not domain:
            return _Signing(why_not="neither its author nor its reverse-path is in one of our domains")
        wrong = _why_unsignable(message)
        if wrong:
            return _Signing(why_not=wrong)
        for candidate in _key_domains(settings.signing_domain or domain, transaction.site):
            keys = self.signing_keys.keys(candidate)
            if keys:
                return _Signing(keys)
        if settings.required:
            raise Unavailable(f"{domain} has no key to sign with, and policy demands a signature")
        return _Signing(why_not=f"{domain} has no key")

    # --- the reverse-path ---------------------------------------------------------------------------------

    def _tagging(self, transaction: Transaction, policy: ResolvedPolicy) -> _Tagging:
        """A tag only where a report could come back from: on copies that leave, in domains that are protected."""
        address = _canonical_reverse_path(transaction)
        protected = policy.section("backscatter", BackscatterPolicy).domains
        entry = protected_domain(protected, address.rpartition("@")[2])
        leaves = any(one.route is not Route.MAILBOX for one in transaction.recipients)
        if not leaves or entry is None or not entry.sign or entry.route is not SendingRoute.DIRECT:
            return _Tagging()
        if read_tag(address.rpartition("@")[0]):
            return _Tagging()
        key = self.batv_keys.ring().signing_key()
        if key is None:
            return _Tagging(why_not="there is no key for bounce address tags")
        tagged = signed(address, key, day_number(transaction.received_at))
        return _Tagging(tagged) if tagged else _Tagging(why_not="its local part is too long for a tag")


def _sending_domain(transaction: Transaction, message: Message) -> str:
    """The domain of ours that answers for the message: its author's, or else its reverse-path's; empty for none."""
    author = extract_author(message).domain
    session = transaction.session
    paths = (transaction.reverse_path, session.authenticated_as if session else None)
    candidates = (author, *(to_ascii_domain((path or "").rpartition("@")[2]) for path in paths))
    return next((one for one in candidates if one and _our_domains(one, transaction.site)), "")


def _our_domains(domain: str, site: Site) -> tuple[str, ...]:
    """The domain itself and those above it, as far as they are ours; the nearest first."""
    labels = domain.split(".")
    names = (".".join(labels[at:]) for at in range(len(labels)))
    return tuple(name for name in names if name in site.local_domains)[:MAX_KEY_DOMAINS]


def _key_domains(domain: str, site: Site) -> tuple[str, ...]:
    """Where keys are looked for. A domain that policy names need not receive mail here."""
    return tuple(dict.fromkeys((domain, *_our_domains(domain, site))))


def _why_unsignable(message: Message) -> str:
    if len(message.fields("from")) != 1:
        return "it has not exactly one From field"
    doubts = [defect.code.value for defect in message.defects if defect.code in _IN_DOUBT]
    return f"its header is malformed: {', '.join(dict.fromkeys(doubts))}" if doubts else ""


def _signatures(
    stamped: bytes, keys: Sequence[SigningKey], transaction: Transaction, *, through_ses: bool
) -> tuple[HeaderField, ...]:
    """The signatures of the message as it will leave, below them everything that they are made of."""
    if not keys:
        return ()
    message = parse_message(stamped)
    written = (sign_message(message, [key], transaction.received_at, through_ses=through_ses) for key in keys)
    return tuple(HeaderField(FIELD_NAME, _unfolded(one)) for one in written)


def _unfolded(written: bytes) -> str:
    """A field's value on one line, with single blanks: for the relaxed form the same, wherever it is folded again."""
    return _BLANKS.sub(b" ", written.partition(b":")[2]).strip().decode("ascii")


def _vouching(signing: _Signing, domain: str, policy: ResolvedPolicy) -> Iterator[HeaderField]:
    """VBR-Info names the domain that can be authenticated, which is the one that signs."""
    settings = policy.section_for(of_domain(domain), VBR_SECTION, VbrInfoPolicy)
    if domain and settings.certifiers:
        signer = signing.keys[0].signing_domain if signing.keys else domain
        yield vbr_info(signer, settings.message_type, settings.certifiers)


def _leaves_by_ses(transaction: Transaction, policy: ResolvedPolicy) -> bool:
    domain = to_ascii_domain((transaction.reverse_path or "").rpartition("@")[2])
    return policy.section_for(of_domain(domain), outgoing.SECTION, OutgoingPolicy).route is OutgoingRoute.SES


def _canonical_reverse_path(transaction: Transaction) -> str:
    """The reverse-path in the spelling of the account, when it is the account's: relays change its case."""
    session, given = transaction.session, transaction.reverse_path or ""
    account = session.authenticated_as if session else None
    return account if account and account.lower() == given.lower() else given


# --- what the receipt tells ---------------------------------------------------------------------------------


def _told(signing: _Signing, tagging: _Tagging, completed: Decision) -> CheckResult[NoEvidence]:
    signed = [f"{key.signing_domain}/{key.selector} {key.algorithm.name}" for key in signing.keys]
    properties: dict[str, Any] = {"signatures": signed}
    if completed.reverse_path is not None:
        properties["reverse_path"] = completed.reverse_path
    return CheckResult(
        RESULT_ID,
        ResultWord.PASS if signed else ResultWord.NONE,
        findings=tuple(_findings(((UNSIGNED, signing.why_not), (UNTAGGED, tagging.why_not)))),
        properties=properties,
        reason=", ".join(signed) or f"not signed: {signing.why_not}",
    )


def _findings(reasons: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    return (Finding(symbol, why, Points(0)) for symbol, why in reasons if why)
