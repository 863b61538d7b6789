"""The verdict on one author domain: policy, alignment, result (RFC 9989 §4.4, §4.10, §5.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from postern.dmarc.records import DmarcRecord
from postern.dmarc.tree_walk import TreeWalker, Walk
from postern.evidence import DkimEvidence, DmarcPolicy, SpfEvidence
from postern.model import ResultWord

_TESTED = {DmarcPolicy.REJECT: DmarcPolicy.QUARANTINE, DmarcPolicy.QUARANTINE: DmarcPolicy.NONE}
"""What `t=y` makes of a policy: one step milder (RFC 9989 §4.7)."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A domain that SPF or a DKIM signature speaks for. `organizational_domain` is empty where it did not matter."""

    mechanism: str
    domain: str
    result: ResultWord
    selector: str = ""
    aligned: bool = False
    organizational_domain: str = ""


@dataclass(frozen=True, slots=True)
class DmarcVerdict:
    """The result for one author domain and all it rests on; `requested` is what its owner asks for on failure."""

    result: ResultWord
    author_domain: str
    reason: str = ""
    organizational_domain: str = ""
    policy_domain: str = ""
    record: DmarcRecord | None = None
    requested: DmarcPolicy | None = None
    identifiers: tuple[Identifier, ...] = ()

    def aligned(self, mechanism: str) -> tuple[str, ...]:
        """The aligned domains of `spf` or `dkim` that passed."""
        return tuple(
            one.domain
            for one in self.identifiers
            if one.mechanism == mechanism and one.aligned and one.result is ResultWord.PASS
        )


def identifiers_of(spf: SpfEvidence | None, dkim: DkimEvidence | None) -> tuple[Identifier, ...]:
    """What SPF and DKIM authenticated, or might have: the reverse-path's domain and each signature's."""
    found = [Identifier("spf", spf.mail_from.domain.lower(), spf.mail_from.result)] if spf else []
    signatures = dkim.signatures if dkim else ()
    found += [Identifier("dkim", one.signing_domain.lower(), one.result, one.selector) for one in signatures]
    return tuple(one for one in found if one.domain)


def judge_author(author_domain: str, identifiers: Sequence[Identifier], walker: TreeWalker) -> DmarcVerdict:
    """The verdict for `author_domain` (lower case, A-labels)."""
    walk = walker.walk(author_domain)
    found = _find_policy(author_domain, walk)
    if isinstance(found, DmarcVerdict):
        return found
    policy_domain, record = found
    verdict = DmarcVerdict(
        ResultWord.FAIL,
        author_domain,
        organizational_domain=walk.organizational_domain(),
        policy_domain=policy_domain,
        record=record,
        requested=_requested(record, author_domain, policy_domain, walker),
    )
    aligner = _Aligner(author_domain, record, walk, walker)
    aligner.prepare(identifiers)
    verdict = replace(verdict, identifiers=tuple(aligner.align(one) for one in identifiers))
    return _concluded(verdict, in_doubt=aligner.in_doubt)


def _find_policy(author_domain: str, walk: Walk) -> DmarcVerdict | tuple[str, DmarcRecord]:
    """The policy domain and its record, or the verdict that there is none (RFC 9989 §4.10.1)."""
    none = DmarcVerdict(ResultWord.NONE, author_domain)
    if walk.start.several:
        # The owner did publish something for this very name, so nothing else is applied in its place.
        return replace(none, reason="several policy records at the author domain")
    own = walk.start.record
    if own is None and walk.failed:
        return replace(none, result=ResultWord.TEMPERROR, reason="the policy could not be looked up")
    policy_domain = author_domain if own else _policy_domain_above(walk)
    record = own or walk.record_at(policy_domain)
    if record is None:
        return replace(none, reason="no policy record")
    if not record.usable:
        return replace(none, reason="the policy record asks for nothing", policy_domain=policy_domain, record=record)
    return policy_domain, record


def _policy_domain_above(walk: Walk) -> str:
    """The organizational domain if it has a record, else the public suffix domain where the walk ended."""
    organizational_domain = walk.organizational_domain()
    return organizational_domain if walk.record_at(organizational_domain) else walk.stops[-1].domain


def _requested(record: DmarcRecord, author_domain: str, policy_domain: str, walker: TreeWalker) -> DmarcPolicy:
    """The policy for this author domain after `sp`, `np` and `t`."""
    asked = record.policy
    if author_domain != policy_domain:
        asked = record.subdomain_policy or asked
        if record.nonexistent_policy and not walker.exists(author_domain):
            asked = record.nonexistent_policy
    asked = asked or DmarcPolicy.NONE
    return _TESTED.get(asked, asked) if record.testing else asked


class _Aligner:
    """Compares identifiers with one author domain; walks only where a relaxed comparison needs it.

    Two domains of one organization both end in its name, so an identifier that does not end in the author's
    organizational domain cannot be aligned, and is not looked up.
    """

    def __init__(self, author_domain: str, record: DmarcRecord, walk: Walk, walker: TreeWalker) -> None:
        self._author_domain = author_domain
        self._record = record
        self._unknown = walk.failed
        self._organization = walk.organizational_domain()
        self._walker = walker
        self.in_doubt = False

    def prepare(self, identifiers: Iterable[Identifier]) -> None:
        """Ask for everything that will be needed, at once."""
        self._walker.prepare([one.domain for one in identifiers if self._needs_walk(one)])

    def align(self, identifier: Identifier) -> Identifier:
        """The identifier with its alignment; `in_doubt` is set when the DNS did not tell."""
        if identifier.domain == self._author_domain:
            return replace(identifier, aligned=True, organizational_domain=self._organization)
        if not self._needs_walk(identifier):
            return identifier
        walk = self._walker.walk(identifier.domain)
        if walk.failed or self._unknown:
            self.in_doubt = True
            return identifier
        organization = walk.organizational_domain()
        return replace(identifier, aligned=organization == self._organization, organizational_domain=organization)

    def _needs_walk(self, identifier: Identifier) -> bool:
        strict = self._record.strict_spf if identifier.mechanism == "spf" else self._record.strict_dkim
        matters = identifier.result in (ResultWord.PASS, ResultWord.TEMPERROR)
        if strict or not matters or identifier.domain == self._author_domain:
            return False
        if self._unknown:
            return identifier.domain.rpartition(".")[2] == self._author_domain.rpartition(".")[2]
        return f".{identifier.domain}".endswith(f".{self._organization}")


def _concluded(verdict: DmarcVerdict, *, in_doubt: bool) -> DmarcVerdict:
    """Pass when an aligned identifier passed; temperror when one might have (RFC 9989 §5.3.6)."""
    if verdict.aligned("spf") or verdict.aligned("dkim"):
        return replace(verdict, result=ResultWord.PASS)
    pending = any(one.aligned and one.result is ResultWord.TEMPERROR for one in verdict.identifiers)
    if pending or in_doubt:
        return replace(verdict, result=ResultWord.TEMPERROR, reason="an aligned identifier could not be checked")
    return replace(verdict, reason="no aligned identifier passed")
