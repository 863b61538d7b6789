"""Greylisting: who has to wait, who never does, and how often the store is asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from postern.checks import greylisting
from postern.checks.greylisting import MAX_TRIPLETS, Applies, GreylistingPolicy
from postern.contract import NoEvidence, Required
from postern.disposition import decide
from postern.evidence import (
    BackscatterEvidence,
    CorrespondentEvidence,
    Credit,
    DkimEvidence,
    SenderListEvidence,
    SpfEvidence,
    SpfIdentity,
)
from postern.greylist.memory import MemoryGreylist
from postern.model import CheckResult, Disposition, Points, RecipientDecision, ResultWord, Transaction
from postern.policy_book import PolicyBook
from postern.ports import GreylistTimes, Sighting, Unavailable
from tests.transactions import RECEIVED_AT, make_transaction, transaction_from_file

ANN, BEN = "ann@receiver.example", "ben@receiver.example"
LATER = timedelta(minutes=16)


class CountedGreylist:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.inner = MemoryGreylist()
        self.attempts: list[str] = []
        self.windows_asked = 0

    def attempt(self, key: str, recipient: str, now: datetime, times: GreylistTimes) -> Sighting | None:
        self.attempts.append(key)
        return self.inner.attempt(key, recipient, now, times)

    def open_mailboxes(self, mailboxes: Iterable[str], now: datetime) -> frozenset[str]:
        self.windows_asked += 1
        return self.inner.open_mailboxes(mailboxes, now)


class NoGreylist:
    """A table that does not answer."""

    def attempt(self, key: str, recipient: str, now: datetime, times: GreylistTimes) -> Sighting | None:
        raise Unavailable("throttled")

    def open_mailboxes(self, mailboxes: Iterable[str], now: datetime) -> frozenset[str]:
        raise Unavailable("throttled")


def results(
    spf: ResultWord = ResultWord.NONE,
    dkim: ResultWord = ResultWord.NONE,
    dmarc: ResultWord = ResultWord.NONE,
    allowed: tuple[Credit, ...] = (),
    known: tuple[Credit, ...] = (),
    proven: tuple[str, ...] = (),
) -> dict[str, CheckResult[Any]]:
    return {
        "spf": CheckResult("spf", spf, evidence=SpfEvidence(SpfIdentity("example.com", spf))),
        "dkim": CheckResult("dkim", dkim, evidence=DkimEvidence()),
        "dmarc": CheckResult("dmarc", dmarc),
        "backscatter": CheckResult("backscatter", ResultWord.NONE, evidence=BackscatterEvidence(proven)),
        "sender_lists": CheckResult("sender_lists", ResultWord.NONE, evidence=SenderListEvidence((), allowed)),
        "correspondents": CheckResult("correspondents", ResultWord.NONE, evidence=CorrespondentEvidence(known)),
    }


def stands(address: str = ANN, score: float = 0, wanted: Disposition = Disposition.ACCEPT) -> RecipientDecision:
    return RecipientDecision(address, wanted, wanted, Points(round(score * 100)))


def judge(
    greylist: Any = None,
    *,
    transaction: Transaction | None = None,
    standing: tuple[RecipientDecision, ...] = (stands(),),
    found: dict[str, CheckResult[Any]] | None = None,
    policy: GreylistingPolicy | None = None,
) -> CheckResult[NoEvidence]:
    return greylisting.evaluate(
        transaction or make_transaction(rcpt_to=tuple(one.address for one in standing)),
        policy=policy or GreylistingPolicy(),
        required=Required(results() if found is None else found),
        standing=standing,
        greylist=CountedGreylist() if greylist is None else greylist,
    )


def test_a_first_attempt_is_asked_to_come_back_and_then_passes() -> None:
    greylist = CountedGreylist()
    first = judge(greylist)
    assert first.result is ResultWord.POLICY
    (proposal,) = first.proposals
    assert (proposal.disposition, proposal.recipients, proposal.final) == (Disposition.DEFER, (ANN,), False)
    assert proposal.reply is not None
    assert proposal.reply.encode() == b"451 4.7.1 Greylisted, try again in 15 minutes\r\n"
    early = judge(greylist, transaction=make_transaction(received_at=RECEIVED_AT + timedelta(minutes=6, seconds=30)))
    assert early.properties["minutes"] == 9
    assert judge(greylist, transaction=make_transaction(received_at=RECEIVED_AT + LATER)).result is ResultWord.PASS
    assert set(greylist.attempts) == {"192.0.2.0/24 bob@example.com ann@receiver.example"}


def test_a_new_triplet_costs_one_update_and_known_mail_no_look_for_windows() -> None:
    greylist = CountedGreylist()
    judge(greylist)
    assert (len(greylist.attempts), greylist.windows_asked) == (1, 1)
    judge(greylist, transaction=make_transaction(received_at=RECEIVED_AT + LATER))
    assert (len(greylist.attempts), greylist.windows_asked) == (2, 1)


@pytest.mark.parametrize(
    ("score", "spf", "dkim", "waits"),
    [
        (0, ResultWord.NONE, ResultWord.NONE, True),
        (0, ResultWord.FAIL, ResultWord.FAIL, True),
        (0, ResultWord.TEMPERROR, ResultWord.NONE, True),
        (0, ResultWord.PASS, ResultWord.NONE, False),
        (0, ResultWord.NONE, ResultWord.PASS, False),
        (0, ResultWord.SKIPPED, ResultWord.SKIPPED, False),
        (1.99, ResultWord.PASS, ResultWord.PASS, False),
        (2.0, ResultWord.PASS, ResultWord.PASS, True),
        (4.99, ResultWord.PASS, ResultWord.PASS, True),
        (5.0, ResultWord.PASS, ResultWord.PASS, False),
    ],
)
def test_only_suspicious_mail_waits(score: float, spf: ResultWord, dkim: ResultWord, waits: bool) -> None:
    greylist = CountedGreylist()
    result = judge(greylist, standing=(stands(score=score),), found=results(spf, dkim))
    assert (result.result is ResultWord.POLICY) is waits
    assert len(greylist.attempts) == waits, "nothing is asked for mail that is not suspicious"


def test_in_mode_all_every_first_attempt_waits() -> None:
    found = results(ResultWord.PASS, ResultWord.PASS)
    assert judge(found=found, policy=GreylistingPolicy(applies_to=Applies.ALL)).result is ResultWord.POLICY


def test_a_retry_from_another_host_that_spf_permits_passes() -> None:
    greylist, policy = CountedGreylist(), GreylistingPolicy(applies_to=Applies.ALL)
    found = results(spf=ResultWord.PASS)
    assert judge(greylist, found=found, policy=policy).result is ResultWord.POLICY
    elsewhere = make_transaction(client_ip="203.0.113.5", received_at=RECEIVED_AT + LATER)
    assert judge(greylist, transaction=elsewhere, found=found, policy=policy).result is ResultWord.PASS


def test_a_retry_from_another_network_that_spf_does_not_permit_waits_again() -> None:
    greylist = CountedGreylist()
    judge(greylist)
    elsewhere = make_transaction(client_ip="203.0.113.5", received_at=RECEIVED_AT + LATER)
    assert judge(greylist, transaction=elsewhere).result is ResultWord.POLICY


def test_a_neighbour_with_another_tag_is_the_same_sender() -> None:
    greylist = CountedGreylist()
    judge(greylist, transaction=make_transaction(mail_from="prvs=0786d6aa1a=bob@example.com"))
    again = make_transaction(
        client_ip="192.0.2.200", mail_from="prvs=0791111111=bob@example.com", received_at=RECEIVED_AT + LATER
    )
    assert judge(greylist, transaction=again).result is ResultWord.PASS


@pytest.mark.parametrize(
    ("credit", "dmarc", "spared"),
    [
        (Credit("global/allow#x", None, ("dmarc",)), ResultWord.PASS, True),
        (Credit("global/allow#x", None, ("dmarc",)), ResultWord.FAIL, False),
        (Credit("global/allow#x", None, ()), ResultWord.FAIL, True),
        (Credit("mailbox/allow#x", (BEN,), ()), ResultWord.PASS, False),
        (Credit("mailbox/allow#x", (ANN,), ()), ResultWord.PASS, True),
    ],
)
def test_who_is_allowed_or_known_with_proof_never_waits(credit: Credit, dmarc: ResultWord, spared: bool) -> None:
    for found in (results(dmarc=dmarc, allowed=(credit,)), results(dmarc=dmarc, known=(credit,))):
        greylist = CountedGreylist()
        assert (judge(greylist, found=found).result is ResultWord.PASS) is spared
        assert (not greylist.attempts) is spared


@pytest.mark.parametrize(("proven", "word"), [((ANN,), ResultWord.PASS), ((BEN,), ResultWord.POLICY)])
def test_a_report_about_a_message_of_ours_never_waits(proven: tuple[str, ...], word: ResultWord) -> None:
    assert judge(transaction=make_transaction(mail_from=None), found=results(proven=proven)).result is word


@pytest.mark.parametrize(
    "transaction",
    [
        make_transaction(client_ip="10.1.2.3"),
        make_transaction(client_ip=None),
        make_transaction(trusted_forwarders=("192.0.2.0/24",)),
        transaction_from_file(),
    ],
    ids=["internal", "unknown", "trusted forwarder", "from a file"],
)
def test_some_clients_are_not_asked_to_come_back(transaction: Transaction) -> None:
    greylist = CountedGreylist()
    assert judge(greylist, transaction=transaction).result is ResultWord.NONE
    assert greylist.attempts == []


@pytest.mark.parametrize(
    "standing",
    [
        (stands(wanted=Disposition.REJECT, score=20),),
        (stands(wanted=Disposition.DEFER),),
        (),
        (stands(), stands(BEN, wanted=Disposition.DEFER)),
    ],
    ids=["refused", "deferred", "nobody", "one deferred"],
)
def test_what_is_not_accepted_anyway_is_not_counted(standing: tuple[RecipientDecision, ...]) -> None:
    greylist = CountedGreylist()
    transaction = make_transaction(rcpt_to=(ANN,))
    assert judge(greylist, transaction=transaction, standing=standing).result is ResultWord.NONE
    assert greylist.attempts == []


def test_one_recipient_who_need_not_wait_is_reason_enough() -> None:
    greylist = CountedGreylist()
    known = make_transaction(rcpt_to=(BEN,))
    judge(greylist, transaction=known, standing=(stands(BEN),))
    both = make_transaction(rcpt_to=(ANN, BEN), received_at=RECEIVED_AT + LATER)
    assert judge(greylist, transaction=both, standing=(stands(ANN), stands(BEN))).result is ResultWord.PASS
    mixed = (stands(ANN), stands(BEN, score=-5))
    found = results(spf=ResultWord.PASS)
    assert judge(standing=mixed, found=found).result is ResultWord.PASS


def test_refusing_recipients_do_not_keep_the_others_from_waiting() -> None:
    standing = (stands(ANN), stands(BEN, 20, Disposition.REJECT))
    (proposal,) = judge(standing=standing).proposals
    assert proposal.recipients == (ANN,)


def test_a_mailbox_that_waits_for_a_code_gets_it() -> None:
    greylist = CountedGreylist()
    greylist.inner.windows[ANN] = RECEIVED_AT + timedelta(minutes=5)
    assert judge(greylist).result is ResultWord.PASS
    over = make_transaction(received_at=RECEIVED_AT + timedelta(minutes=5))
    assert judge(greylist, transaction=over).result is ResultWord.POLICY


def test_many_recipients_cost_a_bounded_number_of_questions() -> None:
    greylist = CountedGreylist()
    standing = tuple(stands(f"u{number}@receiver.example") for number in range(300))
    (proposal,) = judge(greylist, standing=standing).proposals
    assert len(greylist.attempts) == MAX_TRIPLETS
    assert proposal.recipients is not None
    assert len(proposal.recipients) == 300


def test_a_table_that_does_not_answer_lets_mail_pass() -> None:
    result = judge(NoGreylist())
    assert (result.result, result.proposals) == (ResultWord.TEMPERROR, ())


def test_the_null_reverse_path_is_a_sender_of_its_own() -> None:
    greylist = CountedGreylist()
    judge(greylist, transaction=make_transaction(mail_from=None))
    assert greylist.attempts == ["192.0.2.0/24 <> ann@receiver.example"]


@pytest.mark.parametrize(("mode", "code"), [("enforce", 451), ("score", 250), ("observe", 250)])
def test_only_enforcing_defers(mode: str, code: int) -> None:
    transaction = make_transaction(rcpt_to=(ANN, BEN))
    deferred = judge(transaction=transaction, standing=(stands(ANN), stands(BEN)))
    policy = PolicyBook(scopes={"global": {"greylisting": {"mode": mode}}}).resolve(transaction.recipients)
    assert decide(transaction, {"greylisting": deferred}, policy).reply.code == code


def test_a_mailbox_without_greylisting_takes_the_message_for_all() -> None:
    transaction = make_transaction(rcpt_to=(ANN, BEN))
    deferred = judge(transaction=transaction, standing=(stands(ANN), stands(BEN)))
    scopes: dict[str, Any] = {f"mailbox:{BEN}": {"greylisting": {"mode": "off"}}}
    policy = PolicyBook(scopes=scopes).resolve(transaction.recipients)
    assert decide(transaction, {"greylisting": replace(deferred)}, policy).reply.code == 250
