"""The sender lists: what matches, for whom it counts, and that credit needs proof."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from postern.checks import sender_lists
from postern.checks.sender_lists import SenderListsPolicy
from postern.contract import Required
from postern.evidence import SenderListEvidence
from postern.message import parse_message
from postern.model import CheckResult, Disposition, ResultWord, Transaction
from postern.policy import Mode
from postern.ports import Unavailable
from postern.sender_list_entry import SenderListEntry, read_entry
from tests.transactions import RECEIVED_AT, make_transaction, transaction_from_file

ANN, BEN = "ann@receiver.example", "ben@other.example"
MESSAGE = b"From: Carol <Carol@Author.Example>\r\n\r\nhello"


class GivenLists:
    """Entries in memory."""

    def __init__(self, *rows: dict[str, object]) -> None:
        self.entries = [read_entry({"scope": "global", **row}) for row in rows]

    def lookup(self, scopes: Iterable[str], patterns: Iterable[str]) -> tuple[SenderListEntry, ...]:
        at, of = set(scopes), set(patterns)
        return tuple(entry for entry in self.entries if entry.scope in at and entry.pattern in of)


def judge(
    *rows: dict[str, object],
    transaction: Transaction | None = None,
    message: bytes = MESSAGE,
    policy: SenderListsPolicy | None = None,
) -> CheckResult[SenderListEvidence]:
    return sender_lists.evaluate(
        transaction or make_transaction(mail_from="Bob@Mail.Sender.example", rcpt_to=(ANN, BEN)),
        policy=policy or SenderListsPolicy(),
        required=Required({}),
        sender_lists=GivenLists(*rows),
        message=parse_message(message),
    )


@pytest.mark.parametrize(
    ("pattern", "source"),
    [
        ("bob@mail.sender.example", "reverse-path"),
        ("*@mail.sender.example", "reverse-path"),
        ("*.sender.example", "reverse-path"),
        ("carol@author.example", "author"),
        ("*@author.example", "author"),
        ("192.0.2.1", "client"),
        ("192.0.2.0/24", "client"),
    ],
)
def test_a_block_entry_adds_its_points_for_everyone(pattern: str, source: str) -> None:
    judged = judge({"entry": f"block#{pattern}"})
    (finding,) = judged.findings
    assert (finding.symbol, finding.score, finding.recipients) == ("SENDER_BLOCKED", 10_000, None)
    assert finding.detail.endswith(f"({source})")
    assert (judged.result, judged.proposals) == (ResultWord.FAIL, ())


@pytest.mark.parametrize(
    "pattern", ["bob@sender.example", "*@sender.example", "*.mail.sender.example", "*.author.example", "192.0.3.0/24"]
)
def test_what_does_not_match(pattern: str) -> None:
    judged = judge({"entry": f"block#{pattern}"})
    assert (judged.result, judged.findings) == (ResultWord.NONE, ())


@pytest.mark.parametrize(
    ("scope", "recipients"),
    [("global", None), ("domain:receiver.example", (ANN,)), (f"mailbox:{BEN}", (BEN,)), ("mailbox:x@y.example", ())],
)
def test_an_entry_concerns_the_recipients_of_its_scope(scope: str, recipients: tuple[str, ...] | None) -> None:
    for action in ("block", "allow", "refuse"):
        judged = judge({"scope": scope, "entry": f"{action}#*@author.example"})
        assert [finding.recipients for finding in judged.findings] == ([recipients] if recipients != () else [])


def test_several_block_entries_count_once_for_a_recipient_and_the_strongest_wins() -> None:
    judged = judge(
        {"entry": "block#*@author.example", "points": 3},
        {"entry": "block#bob@mail.sender.example", "points": 2},
        {"scope": f"mailbox:{BEN}", "entry": "block#*@author.example", "points": 20},
    )
    counted = {finding.recipients: finding.score for finding in judged.findings}
    assert counted == {(ANN,): 300, (BEN,): 2000}


@pytest.mark.parametrize(
    ("pattern", "needs_pass"),
    [
        ("*@author.example", ("dmarc",)),
        ("*@mail.sender.example", ("spf",)),
        ("192.0.2.0/24", ()),
    ],
)
def test_credit_needs_proof(pattern: str, needs_pass: tuple[str, ...]) -> None:
    (finding,) = judge({"entry": f"allow#{pattern}"}).findings
    assert (finding.symbol, finding.score, finding.needs_pass) == ("SENDER_ALLOWED", -10_000, needs_pass)


def test_dmarc_proves_a_reverse_path_of_the_author_s_domain_only() -> None:
    same = make_transaction(mail_from="bounce@AUTHOR.example")
    (finding,) = judge({"entry": "allow#bounce@author.example"}, transaction=same).findings
    assert finding.needs_pass == ("dmarc", "spf")


def test_an_entry_can_waive_the_proof() -> None:
    (finding,) = judge({"entry": "allow#*@author.example", "needs_proof": False}).findings
    assert finding.needs_pass == ()


def test_allow_entries_keep_their_own_proofs() -> None:
    judged = judge({"entry": "allow#*@author.example"}, {"entry": "allow#*@mail.sender.example", "points": -5})
    assert [(finding.score, finding.needs_pass) for finding in judged.findings] == [
        (-10_000, ("dmarc",)),
        (-500, ("spf",)),
    ]
    assert judged.result is ResultWord.PASS


def test_a_refuse_entry_is_hard_and_final_for_its_recipients() -> None:
    judged = judge({"scope": f"mailbox:{BEN}", "entry": "refuse#*@author.example"}, {"entry": "allow#192.0.2.1"})
    (proposal,) = judged.proposals
    assert (proposal.disposition, proposal.final, proposal.recipients) == (Disposition.REJECT, True, (BEN,))
    assert proposal.reply is not None
    assert (proposal.reply.code, proposal.reply.enhanced) == (550, "5.7.1")
    assert judged.result is ResultWord.FAIL


def test_refuse_entries_are_carried_out_by_default() -> None:
    assert SenderListsPolicy().mode is Mode.ENFORCE


@pytest.mark.parametrize(("seconds", "counts"), [(-1, False), (0, False), (1, True)])
def test_an_entry_ends_at_its_expiry(seconds: int, counts: bool) -> None:
    expires_at = (RECEIVED_AT + timedelta(seconds=seconds)).isoformat()
    assert bool(judge({"entry": "block#*@author.example", "expires_at": expires_at}).findings) is counts


def test_every_author_that_a_reader_may_see_is_looked_up() -> None:
    message = b"From: a@one.example, b@two.example\r\n\r\n"
    for domain in ("one.example", "two.example"):
        assert judge({"entry": f"block#*@{domain}"}, message=message).findings


def test_authors_can_be_left_out() -> None:
    policy = SenderListsPolicy(check_author=False)
    assert judge({"entry": "block#*@author.example"}, policy=policy).findings == ()


@pytest.mark.parametrize("mail_from", [None, "", "@", "bob", "bob@", "\udcff\0@x..y", "a" * 100_000 + "@example.com"])
def test_hostile_reverse_paths_match_nothing(mail_from: str | None) -> None:
    transaction = make_transaction(mail_from=mail_from, client_ip=None)
    assert judge({"entry": "block#*@x.example"}, transaction=transaction, message=b"\0\xff").findings == ()


def test_a_message_from_a_file_is_judged_by_its_author() -> None:
    assert judge({"entry": "block#*@author.example"}, transaction=transaction_from_file()).findings


def test_evidence_and_facts_name_the_entries() -> None:
    judged = judge({"entry": "block#*@author.example", "note": "sent us a bill"})
    assert judged.evidence == SenderListEvidence(("global/block#*@author.example",))
    assert judged.properties == {
        "matches": [
            {
                "entry": "global/block#*@author.example",
                "matched": ["author"],
                "note": "sent us a bill",
                "recipients": None,
            }
        ]
    }


class BrokenLists:
    """A table that cannot be read."""

    def lookup(self, scopes: Iterable[str], patterns: Iterable[str]) -> tuple[SenderListEntry, ...]:
        raise Unavailable("throttled")


def test_lists_that_cannot_be_read_are_our_trouble() -> None:
    judged = sender_lists.evaluate(
        make_transaction(), policy=SenderListsPolicy(), required=Required({}), sender_lists=BrokenLists()
    )
    assert (judged.result, judged.findings) == (ResultWord.TEMPERROR, ())


def test_the_number_of_patterns_is_bounded() -> None:
    asked: list[str] = []

    class CountingLists(GivenLists):
        def lookup(self, scopes: Iterable[str], patterns: Iterable[str]) -> tuple[SenderListEntry, ...]:
            asked.extend(patterns)
            return ()

    crowd = ", ".join(f"a{n}@sub{n}.domain{n}.example" for n in range(1000))
    sender_lists.evaluate(
        make_transaction(received_at=datetime(2026, 1, 1, tzinfo=UTC)),
        policy=SenderListsPolicy(),
        required=Required({}),
        sender_lists=CountingLists(),
        message=parse_message(f"From: {crowd}\r\n\r\n".encode()),
    )
    assert 0 < len(asked) < 100
