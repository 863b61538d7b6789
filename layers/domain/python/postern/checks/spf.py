"""SPF (RFC 7208): may this client send mail for the reverse-path's domain, and may it call itself what it does?

Both identities are evaluated, for any client address. Behind a trusted forwarder the last untrusted hop is judged.
A fail is never final: DKIM may prove the author, so the refusal yields to a DMARC pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from postern import replies
from postern.contract import CheckSpec, Needs, Phase, Required, SymbolSpec, symbol
from postern.evidence import SpfEvidence, SpfIdentity
from postern.judged_client import JudgedClient, judged_client
from postern.message import Message
from postern.model import CheckResult, Disposition, Finding, MethodResult, Points, Proposal, ResultWord, Transaction
from postern.policy import CheckPolicy, setting
from postern.ports import Resolver
from postern.replies import Reply
from postern.spf.evaluator import Verdict, check_host
from postern.spf.identity import POSTMASTER, SpfRequest, ascii_domain, split_mailbox
from postern.spf.received_spf import received_spf

CHECK_ID = "spf"
MAX_IDENTITY_LENGTH = 320


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfPolicy(CheckPolicy):
    """Settings of SPF. In mode enforce a fail is refused with 550 5.7.23 unless DMARC passes."""

    give_explanation: bool = setting(True, "quote the domain's own explanation in the refusal (RFC 7208 §8.4)")


def _symbols(prefix: str, what: str, points: dict[ResultWord, float]) -> tuple[SymbolSpec, ...]:
    said = {
        ResultWord.PASS: f"the client is permitted for {what}",
        ResultWord.FAIL: f"the client is not permitted for {what}",
        ResultWord.SOFTFAIL: f"the client is probably not permitted for {what}",
        ResultWord.NEUTRAL: f"the policy for {what} leaves it open",
        ResultWord.NONE: f"there is no policy for {what}",
        ResultWord.TEMPERROR: f"the policy for {what} could not be looked up",
        ResultWord.PERMERROR: f"the policy for {what} cannot be interpreted",
    }
    return tuple(symbol(f"{prefix}_{word.name}", points.get(word, 0), text) for word, text in said.items())


SPEC = CheckSpec(
    check_id=CHECK_ID,
    title="SPF",
    phase=Phase.ENVELOPE,
    policy=SpfPolicy,
    evidence=SpfEvidence,
    symbols=(
        *_symbols("SPF", "the reverse-path", {ResultWord.FAIL: 3, ResultWord.SOFTFAIL: 1, ResultWord.PERMERROR: 0.5}),
        *_symbols("SPF_HELO", "the HELO identity", {ResultWord.FAIL: 1, ResultWord.SOFTFAIL: 0.5}),
    ),
    needs=frozenset({Needs.RESOLVER, Needs.MESSAGE}),
    seconds=20,
    standards=("RFC 7208", "RFC 8601 §2.7.2"),
)


@dataclass(frozen=True, slots=True)
class _Judged:
    """One identity with the question and its answer."""

    request: SpfRequest
    verdict: Verdict

    def evidence(self) -> SpfIdentity:
        return SpfIdentity(
            domain=self.request.domain[:MAX_IDENTITY_LENGTH],
            result=self.verdict.result,
            identity=self.request.identity[:MAX_IDENTITY_LENGTH],
            mechanism=self.verdict.mechanism,
            explanation=self.verdict.explanation,
        )

    def properties(self) -> dict[str, str]:
        facts = {
            "domain": self.request.domain[:MAX_IDENTITY_LENGTH],
            "result": self.verdict.result.value,
            "identity": self.request.identity[:MAX_IDENTITY_LENGTH],
            "mechanism": self.verdict.mechanism,
            "explanation": self.verdict.explanation,
            "problem": self.verdict.problem,
        }
        return {name: text for name, text in facts.items() if text or name in ("domain", "result")}

    def detail(self) -> str:
        return f"{self.request.domain[:MAX_IDENTITY_LENGTH]}: {self.verdict.mechanism or self.verdict.problem}"


def evaluate(
    transaction: Transaction,
    *,
    policy: SpfPolicy,
    required: Required,
    resolver: Resolver,
    message: Message | None = None,
) -> CheckResult[SpfEvidence]:
    """The SPF result of the reverse-path (of `postmaster@HELO` for `<>`), with that of the HELO identity beside it.

    `none` without a session or an envelope.
    """
    client = judged_client(transaction, message)
    if client.address is None or transaction.envelope is None:
        return CheckResult(CHECK_ID, ResultWord.NONE, reason=client.reason or "there is no envelope")
    helo_request = SpfRequest(
        client_ip=client.address,
        helo_identity=client.helo_identity,
        local_part=POSTMASTER,
        domain=ascii_domain(client.helo_identity),
        receiver=transaction.site.hostname,
        asked_at=transaction.received_at,
    )
    if transaction.reverse_path:
        local_part, domain = split_mailbox(transaction.reverse_path)
        helo = _judge(helo_request, resolver)
        mail_from = _judge(replace(helo_request, local_part=local_part, domain=domain), resolver)
    else:
        helo = mail_from = _judge(helo_request, resolver)
    return _report(transaction, client, policy, mail_from, helo)


def _judge(request: SpfRequest, resolver: Resolver) -> _Judged:
    return _Judged(request, check_host(request, resolver))


def _report(
    transaction: Transaction, client: JudgedClient, policy: SpfPolicy, mail_from: _Judged, helo: _Judged
) -> CheckResult[SpfEvidence]:
    result = mail_from.verdict.result
    same_identity = mail_from is helo
    helo_field = (
        () if same_identity else (received_spf(helo.request, helo.verdict, "helo", _envelope_from(transaction)),)
    )
    return CheckResult(
        CHECK_ID,
        result,
        findings=(
            Finding(f"SPF_{result.name}", mail_from.detail()),
            # The same identity is not held against the client twice.
            Finding(f"SPF_HELO_{helo.verdict.result.name}", helo.detail(), Points(0) if same_identity else None),
        ),
        proposals=_proposals(policy, mail_from),
        evidence=SpfEvidence(mail_from.evidence(), helo.evidence()),
        methods=(
            _method(mail_from, "smtp.mailfrom", mail_from.request.identity),
            _method(helo, "smtp.helo", client.helo_identity),
        ),
        headers=(
            received_spf(mail_from.request, mail_from.verdict, "mailfrom", _envelope_from(transaction)),
            *helo_field,
        ),
        properties={
            "mailfrom": mail_from.properties(),
            "helo": helo.properties(),
            "client_ip": str(client.address),
            "hops": client.hops,
        },
        reason=mail_from.detail(),
    )


def _envelope_from(transaction: Transaction) -> str:
    return transaction.reverse_path or ""


def _method(judged: _Judged, name: str, value: str) -> MethodResult:
    return MethodResult("spf", judged.verdict.result, properties=((name, value[:MAX_IDENTITY_LENGTH]),))


def _proposals(policy: SpfPolicy, mail_from: _Judged) -> tuple[Proposal, ...]:
    if mail_from.verdict.result is not ResultWord.FAIL:
        return ()
    reply = _explained(mail_from) if policy.give_explanation else replies.SPF_FAILED
    return (Proposal(Disposition.REJECT, reply, yields_to=("dmarc",), reason=f"SPF fail of {mail_from.detail()}"),)


def _explained(mail_from: _Judged) -> Reply:
    """The refusal with the domain's explanation, said to be the domain's (RFC 7208 §8.4)."""
    explanation = mail_from.verdict.explanation
    if not explanation:
        return replies.SPF_FAILED
    text = f"{replies.SPF_FAILED.text}\n{mail_from.request.domain} explains:\n{explanation}"
    return replace(replies.SPF_FAILED, text=text)
