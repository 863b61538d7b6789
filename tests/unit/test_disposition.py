"""The decision: what counts, what is enforced, and how recipients share one reply."""

from __future__ import annotations

from typing import Any

import pytest

from postern import replies
from postern.disposition import decide, is_final, points_text
from postern.model import (
    CheckResult,
    Disposition,
    DnsLookup,
    Finding,
    Points,
    Proposal,
    Recipient,
    RecipientDecision,
    ResultWord,
)
from postern.policy_book import RecipientPolicy, ResolvedPolicy
from tests.effects import policy
from tests.transactions import make_transaction, recipient

ANN, BOB, POSTMASTER = recipient(), recipient("bob@receiver.example"), recipient("postmaster@example.com")
REFUSE = Proposal(Disposition.REJECT, replies.SPF_FAILED, reason="told so")


def result(check_id: str = "one", points: float = 0, **more: Any) -> CheckResult[Any]:
    word = more.pop("word", ResultWord.FAIL)
    findings = more.pop("findings", (Finding("ONE", score=Points(round(points * 100))),) if points else ())
    return CheckResult(check_id, word, findings=findings, **more)


def decided(
    *results: CheckResult[Any], recipients: tuple[Recipient, ...] = (ANN,), book: ResolvedPolicy | None = None
) -> tuple[int, list[RecipientDecision]]:
    found = {one.check_id: one for one in results}
    decision = decide(make_transaction(recipients=recipients), found, book or policy())
    return decision.reply.code, list(decision.recipients)


def dispositions(decisions: list[RecipientDecision]) -> list[str]:
    return [one.disposition.value for one in decisions]


@pytest.mark.parametrize(
    ("points", "code", "disposition"),
    [(4.99, 250, "accept"), (5, 250, "junk"), (11.99, 250, "junk"), (12, 550, "reject"), (1000, 550, "reject")],
)
def test_the_score_flags_at_5_and_refuses_at_12(points: float, code: int, disposition: str) -> None:
    found_code, found = decided(result(points=points))
    assert (found_code, dispositions(found)) == (code, [disposition])


def test_refusing_by_score_can_be_switched_off() -> None:
    code, found = decided(result(points=99), book=policy({"spam_filter": {"refuse_at": 0}}))
    assert (code, dispositions(found)) == (250, ["junk"])


@pytest.mark.parametrize(("flagged", "code"), [("junk", 250), ("quarantine", 250), ("reject", 550)])
def test_flagged_mail_goes_where_policy_says(flagged: str, code: int) -> None:
    found_code, found = decided(result(points=6), book=policy({"spam_filter": {"flagged": flagged}}))
    assert (found_code, dispositions(found)) == (code, [flagged])


@pytest.mark.parametrize("mode", ["off", "observe"])
def test_what_is_only_observed_does_not_count(mode: str) -> None:
    code, found = decided(result(points=20, proposals=(REFUSE,)), book=policy({"one": {"mode": mode}}))
    assert (code, found[0].score) == (250, 0)


def test_a_proposal_is_carried_out_only_when_enforced() -> None:
    assert decided(result(proposals=(REFUSE,)))[0] == 250
    assert decided(result(proposals=(REFUSE,)), book=policy({"one": {"mode": "enforce"}}))[0] == 550


def test_policy_sets_the_points_of_a_symbol() -> None:
    _, found = decided(result(points=3), book=policy({"one": {"scores": {"ONE": 7}}}))
    assert found[0].score == 700


def test_credit_without_proof_does_not_count() -> None:
    credit = Finding("ALLOWED", score=Points(-10000), needs_pass=("dmarc",))
    lists = result("lists", findings=(credit,))
    assert dispositions(decided(result(points=20), lists)[1]) == ["reject"]
    proven = result("dmarc", word=ResultWord.PASS)
    assert dispositions(decided(result(points=20), lists, proven)[1]) == ["accept"]


def test_a_proposal_yields_to_a_check_that_passed() -> None:
    spf = result("spf", proposals=(Proposal(Disposition.REJECT, replies.SPF_FAILED, yields_to=("dmarc",)),))
    enforced = policy({"spf": {"mode": "enforce"}})
    assert decided(spf, result("dmarc", word=ResultWord.PASS), book=enforced)[0] == 250
    assert decided(spf, result("dmarc", word=ResultWord.FAIL), book=enforced)[0] == 550


DMARC = Proposal(Disposition.REJECT, replies.DMARC_FAILED, needs_corroboration=True, otherwise=Disposition.QUARANTINE)


@pytest.mark.parametrize(
    ("other", "disposition"),
    [
        (result("rules", 4.99), "quarantine"),
        (result("rules", 5), "reject"),
        (result("dnsbl", findings=(Finding("LISTED", score=Points(1), corroborates=True),)), "reject"),
    ],
)
def test_a_refusal_that_needs_independent_evidence_waits_for_it(other: CheckResult[Any], disposition: str) -> None:
    dmarc = result("dmarc", 8, proposals=(DMARC,))
    _, found = decided(dmarc, other, book=policy({"dmarc": {"mode": "enforce"}, "spam_filter": {"refuse_at": 0}}))
    assert dispositions(found) == [disposition]


def test_postmaster_is_never_refused_by_score() -> None:
    assert dispositions(decided(result(points=50), recipients=(POSTMASTER,))[1]) == ["junk"]


def test_a_refused_copy_goes_to_quarantine_when_another_recipient_accepts() -> None:
    block = Finding("BLOCKED", score=Points(10000), recipients=(ANN.address,))
    code, found = decided(result(findings=(block,)), recipients=(ANN, BOB))
    assert (code, dispositions(found)) == (250, ["quarantine", "accept"])
    assert found[0].wanted is Disposition.REJECT


def test_all_refusing_is_one_refusal() -> None:
    code, found = decided(result(points=30), recipients=(ANN, BOB))
    assert (code, dispositions(found)) == (550, ["reject", "reject"])


def test_the_message_is_deferred_when_all_who_would_accept_would_defer() -> None:
    defer = Proposal(Disposition.DEFER, replies.greylisted(15), recipients=(ANN.address,))
    late = result("late", proposals=(defer,))
    enforced = policy({"late": {"mode": "enforce"}})
    assert decided(late, recipients=(ANN,), book=enforced)[0] == 451
    code, found = decided(late, recipients=(ANN, BOB), book=enforced)
    assert (code, dispositions(found)) == (250, ["accept", "accept"])


def test_a_required_check_that_could_not_be_done_defers() -> None:
    failed = result("rules", word=ResultWord.TEMPERROR)
    assert decided(failed)[0] == 250
    assert decided(failed, book=policy({"rules": {"required": True}}))[0] == 451


def test_no_dns_answer_at_all_defers_but_one_domains_trouble_does_not() -> None:
    silent = (DnsLookup("sender.example", "TXT", "timeout"),)
    failed = [result(name, word=ResultWord.TEMPERROR, lookups=silent) for name in ("spf", "iprev")]
    assert decided(*failed)[0] == 451
    assert decided(*failed, result("dnsbl", word=ResultWord.NONE, lookups=silent))[0] == 250


def test_each_recipient_has_its_own_thresholds() -> None:
    strict = RecipientPolicy((ANN.address,), {"spam_filter": {"spam_at": 2}})
    code, found = decided(result(points=3), recipients=(ANN, BOB), book=ResolvedPolicy("v", {}, (strict,)))
    assert (code, dispositions(found)) == (250, ["junk", "accept"])


def test_only_an_enforced_final_proposal_for_everyone_is_final() -> None:
    final = Proposal(Disposition.REJECT, replies.REFUSED_BY_POLICY, final=True)
    for_ann = Proposal(Disposition.REJECT, replies.REFUSED_BY_POLICY, final=True, recipients=(ANN.address,))
    enforced, both = policy({"one": {"mode": "enforce"}}), make_transaction(recipients=(ANN, BOB))
    assert is_final(result(proposals=(final,)), both, enforced)
    assert not is_final(result(proposals=(final,)), both, policy())
    assert not is_final(result(proposals=(for_ann,)), both, enforced)
    assert not is_final(result(proposals=(REFUSE,)), both, enforced)


def test_the_reply_carries_the_id_that_finds_the_receipt() -> None:
    decision = decide(make_transaction(), {"one": result(points=50)}, policy())
    assert decision.reply.text.endswith("(test-1)")


@pytest.mark.parametrize(("points", "text"), [(1200, "12.0"), (-305, "-3.05"), (50, "0.5"), (0, "0.0"), (-10, "-0.1")])
def test_points_are_written_as_people_write_them(points: int, text: str) -> None:
    assert points_text(points) == text


def test_a_reply_that_says_more_goes_before_that_of_the_score() -> None:
    listed = result("one", points=20, proposals=(Proposal(Disposition.REJECT, replies.SPF_FAILED),))
    found = decide(make_transaction(), {"one": listed}, policy({"one": {"mode": "enforce"}}))
    assert found.reply.text.startswith(replies.SPF_FAILED.text)
