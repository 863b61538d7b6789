"""What the SMTP conversation itself gives away: a client that could not wait, text that no proper client sends.

The front end observes, this check reports; the names of the observations are its symbols.
"""

from __future__ import annotations

from dataclasses import dataclass

from postern.contract import CheckSpec, NoEvidence, Phase, Required, symbol
from postern.model import CheckResult, Finding, ResultWord, Transaction
from postern.policy import CheckPolicy

CHECK_ID = "conversation"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationPolicy(CheckPolicy):
    """Settings of the conversation's check: those that every check has."""


SPEC = CheckSpec(
    check_id=CHECK_ID,
    title="SMTP conversation",
    phase=Phase.ENVELOPE,
    policy=ConversationPolicy,
    evidence=NoEvidence,
    symbols=(
        symbol("SMTP_EARLY_TALKER", 3.0, "the client spoke before the greeting"),
        symbol("SMTP_BARE_LINE_END", 1.0, "the text had a bare CR or LF; it was made CRLF"),
        symbol("SMTP_NUL_OCTET", 0.5, "the text has a NUL octet"),
        symbol("SMTP_LONG_LINE", 0, "a line is longer than 998 octets (RFC 5322 §2.1.1)"),
    ),
    seconds=3,
    standards=("RFC 5321",),
)


def evaluate(transaction: Transaction, *, policy: ConversationPolicy, required: Required) -> CheckResult[NoEvidence]:
    """`fail` when something scores, `pass` when the conversation was proper, `none` without a session."""
    if transaction.session is None:
        return CheckResult(CHECK_ID, ResultWord.NONE, reason="the message did not come by SMTP")
    scored = {one.name for one in SPEC.symbols if one.score}
    findings = tuple(Finding(name) for name in dict.fromkeys(transaction.observations))
    word = ResultWord.FAIL if any(one.symbol in scored for one in findings) else ResultWord.PASS
    return CheckResult(CHECK_ID, word, findings, reason=", ".join(one.symbol for one in findings))
