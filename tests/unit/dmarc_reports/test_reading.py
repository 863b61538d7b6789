"""Reports of strangers: bounded, without entities, and summed up right."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import zipfile
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.dmarc_reports.counting import SignatureResult
from postern.dmarc_reports.received import (
    AggregateFeedback,
    Feedback,
    ReceivedRecord,
    ReportError,
    TlsFailure,
    TlsFeedback,
    merged,
)
from postern.dmarc_reports.summary import Tally, summarize
from postern.dmarc_reports.unpacking import MAX_FILES, read_reports
from postern.dmarc_reports.writing import write_report
from postern.dmarc_reports.xml_tree import MAX_DEPTH, MAX_OCTETS
from tests.unit.dmarc_reports.test_writing import ROW, report

OURS = write_report(report(ROW))
TLS = {
    "organization-name": "Example",
    "report-id": "1",
    "date-range": {"start-datetime": "2026-11-22T00:00:00Z", "end-datetime": "2026-11-22T23:59:59Z"},
    "policies": [{"policy": {"policy-type": "sts", "policy-domain": "example.com"}, "summary": {}}],
}


def gzipped(content: bytes) -> bytes:
    """Without the time of day in it: test ids must be the same in every process."""
    return gzip.compress(content, mtime=0)


def zipped(*documents: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, document in enumerate(documents):
            archive.writestr(f"{number}.xml", document)
    return stream.getvalue()


def by_mail(content: bytes, media_type: str) -> bytes:

    head = f"From: a@b.example\r\nContent-Type: {media_type}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + base64.encodebytes(content)


@pytest.mark.parametrize(
    "content",
    [
        OURS,
        b"\xef\xbb\xbf\r\n" + OURS,
        gzipped(OURS),
        gzipped(OURS) + b"\0\0rubbish",
        zipped(OURS),
        gzipped(zipped(OURS)),
        by_mail(gzipped(OURS), "application/gzip"),
        by_mail(OURS, "text/xml"),
        by_mail(zipped(OURS), "application/octet-stream; name=x.zip"),
    ],
)
def test_what_we_write_we_read_however_it_is_packed(content: bytes) -> None:
    (found,) = read_reports(content)
    assert isinstance(found, AggregateFeedback)
    assert (found.domain, found.policy, found.messages) == ("example.com", "reject", 3)
    (record,) = found.records
    assert record.signatures[0] == SignatureResult("example.com", "s1", "pass")
    assert (record.dkim_aligned, record.spf_aligned, record.spf_result) == (True, False, "softfail")


ENTITY = b'<?xml version="1.0"?><!DOCTYPE f [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><feedback>&b;</feedback>'
FETCH = b'<!DOCTYPE f SYSTEM "http://127.0.0.1/x.dtd"><feedback/>'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (ENTITY, "document type"),
        (FETCH, "document type"),
        (b"<a>" * (MAX_DEPTH + 2), "nested"),
        (b"<feedback>", "not well-formed"),
        (b"<other/>", "root"),
        (b"<feedback/>", "no record"),
        (OURS.replace(b"<count>3</count>", b"<count>-3</count>"), "record 1: count"),
        (OURS.replace(b"<count>3</count>", b"<count>" + b"9" * 400 + b"</count>"), "record 1: count"),
        (OURS.replace(b"192.0.2.1", b"localhost"), "no IP address"),
        (OURS.replace(b"<begin>1795305600", b"<begin>999999999999"), "begin"),
        (gzipped(b" " * (MAX_OCTETS + 1)), "larger"),
        (gzipped(OURS)[:60], "cut short"),
        (b"\x1f\x8bxxxxxxxxxx", "damaged"),
        (gzipped(gzipped(gzipped(gzipped(gzipped(OURS))))), "layers"),
        (zipped(*[OURS] * (MAX_FILES + 1)), "more than"),
        (zipped(b" " * (MAX_OCTETS + 1)), "larger"),
        (b"PK\x03\x04 no zip", "unpacked"),
        (gzipped(b"plain text"), "neither"),
        (b"Subject: hello\r\n\r\nno report\r\n", "no report"),
        (b"", "no report"),
        (b'{"policies": ' + b"[" * 100_000, "no JSON"),
        (b"{}", "policies"),
        (b'<?xml version="1.0" encoding="no-such"?><feedback></feedback>', "encoding"),
        (b'<?xml version="1.0" encoding="shift_jis"?><feedback></feedback>', "encoding"),
        (json.dumps({**TLS, "date-range": {}}).encode(), "start-datetime"),
        (json.dumps({**TLS, "policies": [{"policy": {}, "summary": {"total-failure-session-count": -1}}]}).encode(),
         "sessions"),
    ],
)  # fmt: skip
def test_what_is_refused_says_why(content: bytes, why: str) -> None:
    with pytest.raises(ReportError, match=why):
        read_reports(content)


@given(st.binary(max_size=300), st.sampled_from([b"", b"<feedback>", b"{", b"PK\x03\x04", b"\x1f\x8b\x08\0"]))
def test_no_octets_make_anything_but_a_report_error(content: bytes, start: bytes) -> None:
    with contextlib.suppress(ReportError):
        assert read_reports(start + content)


def feedback(*records: ReceivedRecord, day: int = 22, org_name: str = "Example") -> AggregateFeedback:
    begin = datetime(2026, 11, day, tzinfo=UTC)
    return AggregateFeedback(
        org_name, "d@example.net", f"{org_name}{day}", begin, begin, "example.com", "reject", records
    )


def record(ip: str, count: int, *, aligned: bool, signed_by: str = "") -> ReceivedRecord:
    signatures = (SignatureResult(signed_by, "s", "pass"),) if signed_by else ()
    return ReceivedRecord(ip, count, "none", aligned, False, "example.com", signatures=signatures)


def test_a_summary_says_who_sends_as_us() -> None:
    ours = record("192.0.2.1", 90, aligned=True, signed_by="example.com")
    theirs = record("198.51.100.7", 10, aligned=False, signed_by="spam.example")
    begin = datetime(2026, 11, 22, tzinfo=UTC)
    failures = (TlsFailure("certificate-expired", 2),)
    tls = TlsFeedback("Other", "", "1", begin, begin, "example.com", "sts", 5, 2, failures)
    received: list[Feedback] = [feedback(ours, theirs), feedback(ours, day=23, org_name="Third"), tls]
    (summary,) = summarize(received)
    assert summary.total == Tally(190, 180)
    assert summary.days == ((date(2026, 11, 22), Tally(100, 90)), (date(2026, 11, 23), Tally(90, 90)))
    assert summary.sources == (("192.0.2.1", Tally(180, 180)), ("198.51.100.7", Tally(10, 0)))
    assert dict(summary.signed_by)["198.51.100.7"] == ("spam.example",)
    assert summary.reporters == ("Example", "Other", "Third")
    assert (summary.tls_sessions, summary.tls_failed, summary.tls_failures) == (7, 2, (("certificate-expired", 2),))


def test_equal_records_are_one_and_no_message_is_lost_beyond_the_limit() -> None:
    many = [record(f"192.0.2.{number % 200}", 1, aligned=number % 2 == 0) for number in range(400)]
    assert len(merged(many, 1000)) == 200
    few = merged(many, 10)
    assert len(few) == 10
    assert sum(one.count for one in few) == 400
    assert sum(one.count for one in few if one.is_aligned) == 200
