"""What a message counts as in the report to its author's domain owner: by the real pipeline's results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from postern.dmarc_reports.counting import AggregateRow, SignatureResult, row_of
from postern.evidence import DmarcPolicy
from postern.given_effects import GivenStores
from postern.greylist.memory import MemoryGreylist
from postern.pipeline import Judgement
from postern.policy_book import PolicyBook
from postern.wire import from_json, to_json
from postern.zone import Zone, ZoneResolver
from postern_cli.scan.case import ScanCase
from postern_cli.scan.judging import Verdict, judge_case
from tests.signing import MESSAGE, signed, signing_key, zone_of

KEY = signing_key(ed25519=True)
RECORD = "v=DMARC1; p=reject; sp=quarantine; adkim=s; rua=mailto:dmarc@example.com"
Policy = Mapping[str, Mapping[str, object]]

QUIET: Policy = {name: {"mode": "off"} for name in ("dnsbl", "rules", "greylisting", "iprev")}
"""Nothing but authentication has a say."""


def judged(
    raw: bytes = MESSAGE,
    *,
    record: str = RECORD,
    client_ip: str = "192.0.2.1",
    mail_from: str | None = "bob@example.com",
    policy: Policy | None = None,
) -> Verdict:
    zone: Zone = {
        **zone_of(KEY),
        "example.com": {"TXT": ["v=spf1 ip4:192.0.2.1 ~all"]},
        "_dmarc.example.com": {"TXT": [record]},
    }
    case = ScanCase(
        raw=raw,
        client_ip=client_ip,
        helo="mail.example.com",
        mail_from=mail_from,
        rcpt_to=("ann@receiver.example",),
        policy={**QUIET, **(policy or {})},
        stores=GivenStores(greylist=MemoryGreylist({})),
    )
    return judge_case(case, PolicyBook(), ZoneResolver(zone))


def counted(*args: Any, **kwargs: Any) -> AggregateRow | None:
    verdict = judged(*args, **kwargs)
    return row_of(verdict.transaction, verdict.decision, as_json(verdict.judgement))


def as_json(judgement: Judgement) -> dict[str, Any]:
    return {check_id: to_json(result) for check_id, result in judgement.results.items()}


def row(*args: Any, **kwargs: Any) -> AggregateRow:
    found = counted(*args, **kwargs)
    assert found is not None
    return found


def test_a_message_that_passes() -> None:
    found = row(signed(MESSAGE, KEY))
    assert (found.disposition, found.dkim_aligned, found.spf_aligned, found.override) == ("none", True, True, "")
    assert (found.author_domain, found.envelope_from, found.source_ip) == ("example.com", "example.com", "192.0.2.1")
    assert (found.spf_domain, found.spf_result) == ("example.com", "pass")
    assert found.signatures == (SignatureResult("example.com", "s1", "pass"),)
    assert found.published.report_uris == ("mailto:dmarc@example.com",)
    assert (found.published.policy, found.published.subdomain_policy) == ("reject", "quarantine")
    assert (found.published.strict_dkim, found.published.strict_spf) == (True, False)


def test_a_refused_message_counts_as_well() -> None:
    found = row(client_ip="198.51.100.7", policy={"dmarc": {"reject": "always"}})
    assert (found.disposition, found.override) == (DmarcPolicy.REJECT, "")
    assert (found.spf_aligned, found.spf_result) == (False, "softfail")


@pytest.mark.parametrize(
    ("raw", "record", "policy", "disposition", "override"),
    [
        (MESSAGE, RECORD, {}, "quarantine", "local_policy"),
        (MESSAGE, RECORD, {"dmarc": {"mode": "observe"}}, "none", "local_policy"),
        (MESSAGE, RECORD, {"dmarc": {"reject": "never"}}, "quarantine", "local_policy"),
        (b"List-Id: <x.example.net>\r\n" + MESSAGE, RECORD, {}, "none", "mailing_list"),
        (MESSAGE, RECORD.replace("reject", "quarantine"), {}, "quarantine", ""),
        (MESSAGE, RECORD.replace("reject", "none"), {}, "none", ""),
        (MESSAGE, RECORD + "; t=y", {}, "quarantine", "policy_test_mode"),
        (MESSAGE, RECORD, {"spf": {"mode": "off"}}, "none", "local_policy"),
    ],
)
def test_what_is_not_done_as_the_owner_asks_is_named(
    raw: bytes, record: str, policy: dict[str, dict[str, object]], disposition: str, override: str
) -> None:
    found = row(raw, record=record, client_ip="198.51.100.7", policy=policy)
    assert (found.disposition, found.override) == (disposition, override)
    assert bool(found.comment) is bool(override)


def test_refused_for_other_reasons_the_owner_hears_of_no_more_than_was_asked() -> None:
    quarantine = RECORD.replace("reject", "quarantine")
    everything: Policy = {"spam_filter": {"spam_at": 0.1, "refuse_at": 0.1}, "dmarc": {"mode": "score"}}
    assert judged(record=quarantine, client_ip="198.51.100.7", policy=everything).decision.reply.code == 550
    found = row(record=quarantine, client_ip="198.51.100.7", policy=everything)
    assert (found.disposition, found.override) == (DmarcPolicy.QUARANTINE, "")


@pytest.mark.parametrize(
    "case",
    [
        {"record": "v=DMARC1; p=reject"},
        {"record": "v=spf1 -all"},
        {"raw": MESSAGE.replace(b"From: Bob <bob@example.com>", b"From: bob@example.com, eve@evil.example")},
        {"policy": {"dmarc": {"mode": "off"}}},
    ],
    ids=["nobody asks for reports", "no policy", "two authors", "not evaluated"],
)
def test_what_counts_nowhere(case: dict[str, Any]) -> None:
    assert counted(**case) is None


def test_a_deferred_message_counts_when_it_comes_again() -> None:
    verdict = judged(policy={"greylisting": {"applies_to": "all"}})
    assert verdict.decision.reply.is_temporary
    assert row_of(verdict.transaction, verdict.decision, as_json(verdict.judgement)) is None


def test_equal_messages_share_a_row_and_a_row_survives_storage() -> None:
    first, second = row(signed(MESSAGE, KEY)), row(signed(MESSAGE.replace(b"hello", b"bye"), KEY))
    assert first == second
    assert first.digest == second.digest != row().digest
    assert from_json(AggregateRow, to_json(first)) == first


def test_the_null_reverse_path_is_empty_and_spf_speaks_for_helo() -> None:
    found = row(mail_from="")
    assert (found.envelope_from, found.spf_domain) == ("", "mail.example.com")


def test_ipv6_is_written_in_full() -> None:
    assert row(client_ip="2001:db8::1").source_ip == "2001:0db8:0000:0000:0000:0000:0000:0001"


def test_names_of_a_sender_are_bounded_and_printable() -> None:
    found = row(mail_from="bob@" + "x\x01\u2028" * 200)
    assert len(found.envelope_from) <= 253
    assert found.envelope_from.isprintable()
    assert found.envelope_from.isascii()


def test_results_that_were_cut_to_fit_are_read_as_far_as_they_go() -> None:
    verdict = judged(signed(MESSAGE, KEY))
    results = as_json(verdict.judgement)
    results["dkim"] = {"check_id": "dkim", "result": "pass", "properties": {"cut": True}}
    results["spf"] = {"check_id": "spf", "result": "pass"}
    found = row_of(verdict.transaction, verdict.decision, results)
    assert found is not None
    assert (found.signatures, found.spf_result, found.spf_domain) == ((), "none", "example.com")
    results["dmarc"] = {"check_id": "dmarc", "result": "pass", "properties": {"cut": True}}
    assert row_of(verdict.transaction, verdict.decision, results) is None
