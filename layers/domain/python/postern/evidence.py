"""The typed evidence that checks give each other. Checks never look at one another's symbols or modules."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from postern.model import ResultWord


@dataclass(frozen=True, slots=True)
class IprevEvidence:
    """Reverse lookups (RFC 8601 §3): `names` are the client's PTR names that lead back to it."""

    result: ResultWord
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpfIdentity:
    """The SPF result (RFC 7208 §2.6) of one identity and the domain that was checked."""

    domain: str
    result: ResultWord
    identity: str = ""
    mechanism: str = ""
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class SpfEvidence:
    """SPF of both identities; `mail_from` is `postmaster@HELO` for a null reverse-path (RFC 7208 §2.4)."""

    mail_from: SpfIdentity
    helo: SpfIdentity | None = None


@dataclass(frozen=True, slots=True)
class DkimSignature:
    """One DKIM-Signature and its verdict (RFC 6376 §3.9, RFC 8601 §2.7.1).

    `covers_author` says that From is signed; `unsigned_octets` is what a body length limit left uncovered.
    """

    signing_domain: str
    selector: str
    result: ResultWord
    reason: str = ""
    identity: str = ""
    algorithm: str = ""
    key_bits: int = 0
    signed_fields: tuple[str, ...] = ()
    unsigned_octets: int = 0
    testing: bool = False
    signature_prefix: str = ""


@dataclass(frozen=True, slots=True)
class DkimEvidence:
    """Every signature that was looked at, in header order."""

    signatures: tuple[DkimSignature, ...] = ()

    def passing_domains(self) -> tuple[str, ...]:
        """The signing domains of the signatures that verified."""
        return tuple(s.signing_domain for s in self.signatures if s.result is ResultWord.PASS)


@dataclass(frozen=True, slots=True)
class ArcSeal:
    """One link of an ARC chain (RFC 8617 §4): who sealed, and the author domain its DMARC result passed, if any."""

    instance: int
    signing_domain: str
    selector: str
    dmarc_passed_for: str = ""


@dataclass(frozen=True, slots=True)
class ArcEvidence:
    """The state of the ARC chain and its seals, latest first.

    `oldest_pass` is the lowest instance whose message signature still holds, 0 when all do (RFC 8617 §5.2); `whole`
    says that the latest one covers From and all of the body.
    """

    result: ResultWord
    seals: tuple[ArcSeal, ...] = ()
    oldest_pass: int = 0
    whole: bool = False


class DmarcPolicy(StrEnum):
    """What a domain owner asks for (RFC 9989)."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class DmarcEvidence:
    """The DMARC result and what it rests on.

    `requested` is what the owner asks for this domain after `sp`, `np` and `t`; the aligned domains are those that
    made the result `pass`.
    """

    result: ResultWord
    author_domain: str | None = None
    organizational_domain: str | None = None
    policy_domain: str | None = None
    requested: DmarcPolicy | None = None
    aligned_spf: str | None = None
    aligned_dkim: tuple[str, ...] = ()
    record: str = ""


@dataclass(frozen=True, slots=True)
class Credit:
    """A good sign, for some recipients or all (`None`), that counts once one of `proofs` passed; none: at once."""

    name: str
    recipients: tuple[str, ...] | None = None
    proofs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SenderListEvidence:
    """The list entries that matched, as `scope/action#pattern`, and those of them that allow."""

    matches: tuple[str, ...] = ()
    allowed: tuple[Credit, ...] = ()


@dataclass(frozen=True, slots=True)
class CorrespondentEvidence:
    """For whom the author or the reverse-path is a known correspondent, and what would prove it."""

    known: tuple[Credit, ...] = ()


@dataclass(frozen=True, slots=True)
class BackscatterEvidence:
    """The recipients to whom a report has proven that it is about a message of theirs."""

    proven: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DnsblEvidence:
    """The lists that list the client, by zone, and the lists that could not be asked or refuse us."""

    listed_by: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UriblEvidence:
    """The names that lists list, the zones of those lists, and the lists that could not be asked or refuse us."""

    names: tuple[str, ...] = ()
    listed_by: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RulesEvidence:
    """The names of the rules that hit.

    `header` and `body` are those that look at nothing else, `not_learnt` those whose points nothing is learnt from.
    """

    hits: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    not_learnt: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VbrEvidence:
    """Whether a trusted certifier vouches for an authenticated domain (RFC 5518)."""

    result: ResultWord
    domain: str = ""
    certifier: str = ""


@dataclass(frozen=True, slots=True)
class BayesEvidence:
    """What the classifiers say: the probability of spam, whether `ham`, `unsure` or `spam`, and of whose learning."""

    probability: float
    state: str
    site: bool
