"""Known correspondents: who is known to whom, and that it takes a proof."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from postern.checks import correspondents
from postern.checks.correspondents import CorrespondentsPolicy
from postern.contract import Required
from postern.disposition import decide
from postern.evidence import CorrespondentEvidence
from postern.given_effects import GivenCorrespondents
from postern.message import parse_message
from postern.model import CheckResult, ResultWord, Transaction
from postern.policy_book import PolicyBook
from postern.ports import Correspondence, Unavailable
from postern.runner import run_check
from tests.effects import effects, policy
from tests.transactions import RECEIVED_AT, make_transaction

ANN, BEN = "ann@receiver.example", "ben@receiver.example"
BOB = "bob@example.com"
NEXT_DAY = RECEIVED_AT + timedelta(days=1)


def given(*pairs: tuple[str, str], expires_at: datetime = NEXT_DAY) -> GivenCorrespondents:
    store = GivenCorrespondents()
    store.remember(Correspondence(mailbox, address, expires_at) for mailbox, address in pairs)
    return store


def judge(
    store: Any, *, mail_from: str | None = "Bob@example.com", author: str = "Bob <bob@example.com>"
) -> CheckResult[CorrespondentEvidence]:
    return correspondents.evaluate(
        transaction(mail_from),
        policy=CorrespondentsPolicy(),
        required=Required({}),
        message=parse_message(f"From: {author}\r\n\r\nhello".encode()),
        correspondents=store,
    )


def transaction(mail_from: str | None = BOB) -> Transaction:
    return make_transaction(mail_from=mail_from, rcpt_to=(ANN, BEN))


def test_who_is_known_to_one_mailbox_gets_credit_there_once_proven() -> None:
    result = judge(given((ANN, BOB), ("eve@receiver.example", BOB)))
    (finding,) = result.findings
    assert result.result is ResultWord.PASS
    assert (finding.symbol, finding.recipients, finding.needs_pass) == ("KNOWN_CORRESPONDENT", (ANN,), ("dmarc", "spf"))


@pytest.mark.parametrize(
    ("mail_from", "author", "proofs"),
    [
        ("news@elsewhere.example", BOB, ("dmarc",)),
        (BOB, "eve@elsewhere.example", ("spf",)),
        ("prvs=0786d6aa1a=bob@example.com", "eve@elsewhere.example", ("spf",)),
        (None, BOB, ("dmarc",)),
    ],
)
def test_the_proof_is_of_the_address_that_is_known(mail_from: str | None, author: str, proofs: tuple[str, ...]) -> None:
    (finding,) = judge(given((ANN, BOB)), mail_from=mail_from, author=author).findings
    assert finding.needs_pass == proofs


def test_any_proof_will_do_for_who_is_known_by_both_addresses() -> None:
    (finding,) = judge(given((ANN, BOB), (ANN, "b@work.example")), mail_from="b@work.example").findings
    assert finding.needs_pass == ("dmarc", "spf")


@pytest.mark.parametrize("author", ["Bob <bob@example.com>, eve@evil.example", "eve@evil.example (bob@example.com)"])
def test_an_author_that_is_not_sure_is_not_known(author: str) -> None:
    assert judge(given((ANN, BOB)), mail_from="eve@evil.example", author=author).result is ResultWord.NONE


def test_what_expired_is_not_known_any_more() -> None:
    assert judge(given((ANN, BOB), expires_at=RECEIVED_AT)).result is ResultWord.NONE


def test_without_an_address_nobody_is_asked() -> None:
    class Asked:
        def known(self, mailboxes: Iterable[str], addresses: Iterable[str], now: datetime) -> tuple[()]:
            raise AssertionError

    assert judge(Asked(), mail_from=None, author="nobody").result is ResultWord.NONE


def test_a_table_that_does_not_answer_is_nobodys_fault() -> None:
    class Gone:
        def known(self, mailboxes: Iterable[str], addresses: Iterable[str], now: datetime) -> tuple[()]:
            raise Unavailable("throttled")

    assert judge(Gone()).result is ResultWord.TEMPERROR


@pytest.mark.parametrize(("spf", "score"), [(ResultWord.PASS, -200), (ResultWord.FAIL, 0)])
def test_credit_needs_proof(spf: ResultWord, score: int) -> None:
    asked = transaction()
    message = parse_message(b"From: bob@example.com\r\n\r\nhello")
    makers = {
        need: {"message": message, "correspondents": given((ANN, BOB))}[need.value]
        for need in correspondents.SPEC.needs
    }
    known = run_check(correspondents, asked, policy(), {}, effects(makers))  # type: ignore[arg-type]
    results: dict[str, CheckResult[Any]] = {
        "correspondents": known,
        "spf": CheckResult("spf", spf),
        "dmarc": CheckResult("dmarc", ResultWord.FAIL),
    }
    decision = decide(asked, results, PolicyBook().resolve(asked.recipients))
    assert [one.score for one in decision.recipients] == [score, 0]
