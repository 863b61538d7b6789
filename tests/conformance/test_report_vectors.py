"""Reports as other implementations collected them: every one is read, and what cannot be read says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from postern.dmarc_reports.received import AggregateFeedback, ReportError, TlsFeedback
from postern.dmarc_reports.unpacking import read_reports
from tests.material import vectors

REPORTS, TLS = vectors("dmarc", "reports"), vectors("arf", "tlsrpt")
FEEDBACK = REPORTS / "mail-auth-dmarc-feedback"
AGGREGATE = [*(REPORTS / "aggregate").iterdir(), *(REPORTS / "extract_report").iterdir(), *FEEDBACK.glob("*.xml")]
MESSAGES = sorted(FEEDBACK.glob("*.eml"))
MENDED = {"ikea.com!example.de!1538690400!1538776800.xml", "invalid_utf_8.xml", "invalid_xml.xml"}
WRONG = {
    "report_with_upper_cased_pass.xml": "record 1: <disposition> is 'None'",
    "bad.com!example.com!1337140800!1337227200.xml": "not well-formed XML",
    "exim_plain_text_only_no_arf_part.eml": "no report",
}


def name_of(path: Path) -> str:
    return path.name


def aggregate(path: Path) -> AggregateFeedback:
    (found,) = read_reports(path.read_bytes())
    assert isinstance(found, AggregateFeedback)
    return found


@pytest.mark.parametrize("path", sorted(AGGREGATE), ids=name_of)
def test_aggregate_reports_are_read(path: Path) -> None:
    found = aggregate(path)
    assert found.messages >= len(found.records) > 0
    assert found.domain
    assert found.begin <= found.end
    assert found.mended is (path.name in MENDED)


@pytest.mark.parametrize("path", sorted([*FEEDBACK.glob("*.xml"), *MESSAGES]), ids=name_of)
def test_they_say_what_another_implementation_reads(path: Path) -> None:
    found = aggregate(path)
    theirs = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert found.report_id == theirs["report_metadata"]["report_id"]
    assert int(found.begin.timestamp()) == theirs["report_metadata"]["date_range"]["begin"]
    assert found.domain == theirs["policy_published"]["domain"]
    for ours, record in zip(found.records, theirs["record"], strict=True):
        row, evaluated = record["row"], record["row"]["policy_evaluated"]
        assert (ours.source_ip, ours.count) == (row["source_ip"], row["count"])
        assert (ours.dkim_aligned, ours.spf_aligned) == (evaluated["dkim"] == "Pass", evaluated["spf"] == "Pass")
        assert ours.author_domain == record["identifiers"]["header_from"]
        signatures = {(one["domain"], one["selector"] or "") for one in record["auth_results"]["dkim"]}
        assert {(one.signing_domain, one.selector) for one in ours.signatures} == signatures


@pytest.mark.parametrize("path", sorted([*TLS.iterdir(), *(REPORTS / "smtp_tls").iterdir()]), ids=name_of)
def test_tls_reports_are_read(path: Path) -> None:
    found = read_reports(path.read_bytes())
    assert all(isinstance(one, TlsFeedback) and one.domain and one.report_id for one in found)
    assert sum(one.successful + one.failed for one in found if isinstance(one, TlsFeedback)) > 0


@pytest.mark.parametrize("path", sorted(TLS.glob("*.eml")), ids=name_of)
def test_a_tls_report_by_mail_says_what_its_document_says(path: Path) -> None:
    assert read_reports(path.read_bytes()) == read_reports(path.with_suffix(".json").read_bytes())


REFUSED = [*(REPORTS / "failure").iterdir(), *(REPORTS / "aggregate_invalid").iterdir(), *REPORTS.glob("bad*.xml")]


@pytest.mark.parametrize("path", sorted(REFUSED), ids=name_of)
def test_what_cannot_be_read_says_why(path: Path) -> None:
    with pytest.raises(ReportError, match=WRONG.get(path.name, "failure of one message")):
        read_reports(path.read_bytes())
