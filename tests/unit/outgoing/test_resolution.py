"""Outgoing mail is judged by the site's policy, whatever its recipients have set up against strangers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postern import catalog
from postern.model import CheckResult, Direction, Disposition, Finding, Points, ResultWord
from postern.outgoing.policy import OutgoingPolicy, OutgoingRoute
from postern.outgoing.resolution import of_domain, policy_for
from postern.outgoing.signing_policy import DkimSigningPolicy, VbrInfoPolicy
from postern.policy import Mode, PolicyError, read_section
from postern.policy_book import PolicyBook
from postern.runner import Effects, run_check
from postern.verdict import conclude
from tests.transactions import make_transaction

OUTGOING = replace(make_transaction(authenticated_as="bob@example.com"), direction=Direction.OUTBOUND)
ANN = "ann@receiver.example"
ASKED: dict[str, Any] = {"outgoing_filter": {"checks": {"rules": "score"}}}


def book(settings: dict[str, Any] | None = None, **scopes: Any) -> PolicyBook:
    """A book with these sections at global scope, and scopes by the names of domains and mailboxes."""
    named = {f"{'mailbox' if '@' in name else 'domain'}:{name}": sections for name, sections in scopes.items()}
    return PolicyBook("1", {"global": settings or {}, **named})


def judged(policy: PolicyBook, points: int) -> Disposition:
    finding = Finding("SPAM", score=Points(points))
    results: dict[str, CheckResult[Any]] = {"rules": CheckResult("rules", ResultWord.FAIL, findings=(finding,))}
    return conclude(OUTGOING, results, policy_for(policy, OUTGOING)).recipients[0].disposition


def test_nothing_is_checked_unless_policy_names_the_check() -> None:
    resolved = policy_for(book(), OUTGOING)
    names = {spec.check_id for spec in catalog.judging(Direction.OUTBOUND)}
    assert names == {name for name in resolved.sections if name in catalog.CHECKS}
    assert {resolved.sections[name]["mode"] for name in names} == {Mode.OFF}
    effects = Effects({}, lambda: 0.0, lambda *_: None)
    result = run_check(catalog.check("rules"), OUTGOING, resolved, {}, effects)
    assert (result.result, result.reason) == (ResultWord.SKIPPED, "switched off by policy")


def test_a_check_that_is_named_runs_for_people_who_logged_in_too() -> None:
    section = policy_for(book(ASKED), OUTGOING).sections["rules"]
    assert (section["mode"], section["skip_authenticated"], section["skip_trusted"]) == (Mode.SCORE, False, False)


@pytest.mark.parametrize(("points", "disposition"), [(799, Disposition.ACCEPT), (800, Disposition.REJECT)])
def test_outgoing_mail_is_sent_or_refused_with_nothing_between(points: int, disposition: Disposition) -> None:
    assert judged(book({**ASKED, "spam_filter": {"spam_at": 1}}), points) is disposition


def test_zero_never_refuses() -> None:
    assert judged(book({"outgoing_filter": {**ASKED["outgoing_filter"], "refuse_at": 0}}), 99_999) is Disposition.ACCEPT


def test_a_recipient_here_has_no_say_in_what_goes_out() -> None:
    own = {"rules": {"mode": "enforce"}, "spam_filter": {"spam_at": 0.1}}
    assert judged(book(ASKED, **{ANN: own}), 500) is Disposition.ACCEPT


def test_what_domains_set_for_the_mail_they_send_is_carried_and_nothing_else_of_theirs() -> None:
    sections: dict[str, dict[str, object]] = {
        "dkim_signing": {"sign": False},
        "vbr_info": {"certifiers": ["v.example"]},
        "outgoing": {"route": "ses"},
        "spam_filter": {"spam_at": 3},
    }
    resolved = policy_for(book(**{"example.com": sections}), OUTGOING)
    name = of_domain("example.com")
    assert resolved.section_for(name, "dkim_signing", DkimSigningPolicy).sign is False
    assert resolved.section_for(name, "vbr_info", VbrInfoPolicy).certifiers == ("v.example",)
    assert resolved.section_for(name, "outgoing", OutgoingPolicy).route is OutgoingRoute.SES
    assert resolved.section_for(of_domain("other.example"), "dkim_signing", DkimSigningPolicy).sign is True
    assert all("spam_filter" not in one.sections for one in resolved.overrides)


def test_incoming_mail_is_judged_as_ever() -> None:
    incoming = make_transaction()
    policy = book({"spf": {"mode": "enforce"}})
    assert policy_for(policy, incoming) == policy.resolve(incoming.recipients)


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        (DkimSigningPolicy, {"signing_domain": "Not A Domain"}),
        (VbrInfoPolicy, {"certifiers": ["no domain"]}),
        (VbrInfoPolicy, {"certifiers": ["v.example"], "message_type": "no type!"}),
        (VbrInfoPolicy, {"certifiers": [f"v{at}.example" for at in range(11)]}),
    ],
)
def test_what_could_not_be_written_is_refused(kind: type, stored: dict[str, object]) -> None:
    with pytest.raises(PolicyError):
        read_section(kind, stored, "section")
