"""Reports as XML: valid by the schema of RFC 9990, whatever senders wrote, and told apart by policy."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from typing import Any

import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from postern.dmarc_reports.counting import AggregateRow, PublishedPolicy, SignatureResult
from postern.dmarc_reports.writing import AggregateReport, Reporter, reports_of, write_report
from postern.evidence import DmarcPolicy
from tests.material import vectors

REPORTER = Reporter("Receiver & Sons", "postmaster@receiver.example", "mx.receiver.example", "https://receiver.example")
PUBLISHED = PublishedPolicy(
    "example.com", "reject", "quarantine", "reject", failure_options="1:d", report_uris=("mailto:d@example.com",)
)
ROW = AggregateRow(
    published=PUBLISHED,
    source_ip="192.0.2.1",
    author_domain="example.com",
    envelope_from="bounce.example.com",
    disposition=DmarcPolicy.NONE,
    dkim_aligned=True,
    spf_aligned=False,
    spf_domain="bounce.example.com",
    spf_result="softfail",
    signatures=(SignatureResult("example.com", "s1", "pass"), SignatureResult("list.example", "", "fail")),
)
DAY = date(2026, 11, 22)


def schema() -> xmlschema.XMLSchema:
    """The schema, with the name space its own references need (this copy leaves its declaration out)."""
    text = vectors("dmarc", "reports", "rua-schema-rfc9990.xsd").read_text("utf-8")
    target = 'targetNamespace="urn:ietf:params:xml:ns:dmarc-2.0"'
    declared = f'{target} xmlns="urn:ietf:params:xml:ns:dmarc-2.0" elementFormDefault="qualified"'
    return xmlschema.XMLSchema(text.replace(target, declared))


SCHEMA = schema()


def report(*rows: AggregateRow) -> AggregateReport:
    return AggregateReport(REPORTER, PUBLISHED, DAY, tuple((row, 3) for row in rows))


def validate(document: bytes) -> None:
    SCHEMA.validate(io.BytesIO(document))


def test_a_report_is_valid_and_says_what_was_counted() -> None:
    spared = replace(ROW, disposition=DmarcPolicy.QUARANTINE, dkim_aligned=False, override="local_policy")
    ipv6 = replace(ROW, source_ip="2001:0db8:0000:0000:0000:0000:0000:0001", signatures=(), envelope_from="")
    document = write_report(report(ROW, spared, ipv6))
    validate(document)
    read: Any = SCHEMA.to_dict(io.BytesIO(document))
    assert read["report_metadata"]["org_name"] == "Receiver & Sons"
    assert read["report_metadata"]["date_range"] == {"begin": 1795305600, "end": 1795391999}
    published = {"domain": "example.com", "discovery_method": "treewalk", "p": "reject", "sp": "quarantine"}
    assert published.items() <= read["policy_published"].items()
    first, second, _ = read["record"]
    assert first["row"]["count"] == 3
    assert [one["domain"] for one in first["auth_results"]["dkim"]] == ["example.com", "list.example"]
    assert second["row"]["policy_evaluated"]["reason"][0]["type"] == "local_policy"


def test_testing_is_named_as_in_the_rfc() -> None:
    """This copy of the schema calls the element `t`; RFC 9990 §3.1.1.5 calls it `testing`."""
    published = replace(PUBLISHED, testing=True)
    document = write_report(replace(report(ROW), published=published))
    assert b"<testing>y</testing>" in document
    validate(document.replace(b"testing>", b"t>"))


@settings(deadline=None, max_examples=50)
@given(st.text(), st.text())
def test_no_text_of_a_sender_makes_a_report_invalid(domain: str, selector: str) -> None:
    hostile = replace(
        ROW,
        author_domain=domain,
        envelope_from=domain,
        spf_domain=domain,
        signatures=(SignatureResult(domain, selector, "fail"),),
    )
    validate(write_report(report(hostile)))


def test_two_policies_of_a_day_make_two_reports() -> None:
    other = replace(ROW, published=replace(PUBLISHED, policy="none"))
    few, many = replace(ROW, source_ip="192.0.2.9"), ROW
    reports = reports_of([(few, 1), (other, 2), (many, 5)], REPORTER, DAY)
    assert [[count for _, count in one.rows] for one in reports] in ([[2], [5, 1]], [[5, 1], [2]])
    assert len({one.report_id for one in reports}) == 2


def test_a_report_made_again_has_the_same_names() -> None:
    one = report(ROW)
    assert one.report_id == report(ROW, ROW).report_id
    assert one.report_id.startswith("20261122.")
    assert one.filename.startswith("mx.receiver.example!example.com!1795305600!1795391999!20261122-")
    assert one.filename.endswith(".xml.gz")
    assert one.subject == f"Report Domain: example.com Submitter: mx.receiver.example Report-ID: <{one.report_id}>"
