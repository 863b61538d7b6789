"""An aggregate report as a message (RFC 9990 §4.1): a few words for people, the compressed document for programs."""

from __future__ import annotations

import base64
import gzip
from datetime import datetime
from email.utils import format_datetime
from textwrap import wrap

from postern.dmarc_reports.writing import AggregateReport, write_report
from postern.header_lines import encode_field
from postern.model import HeaderField

_BASE64_LINE = 76


def write_mail(report: AggregateReport, destination: str, *, message_id: str, moment: datetime) -> bytes:
    """The message for one destination, CRLF line ends; `message_id` has no brackets. It is from the contact."""
    boundary = f"report-{message_id.partition('@')[0]}"
    head = (
        HeaderField("From", f"<{report.reporter.contact}>"),
        HeaderField("To", f"<{destination}>"),
        HeaderField("Subject", report.subject),
        HeaderField("Date", format_datetime(moment)),
        HeaderField("Message-ID", f"<{message_id}>"),
        HeaderField("Auto-Submitted", "auto-generated"),
        HeaderField("MIME-Version", "1.0"),
        HeaderField("Content-Type", f'multipart/mixed; boundary="{boundary}"'),
    )
    parts = (_words(report), _document(report))
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
    return b"".join(map(encode_field, head)) + b"\r\n" + body.encode("ascii")


def _words(report: AggregateReport) -> str:
    messages = sum(count for _, count in report.rows)
    lines = (
        "Content-Type: text/plain; charset=us-ascii",
        "",
        f"This is a DMARC aggregate report for {report.published.domain},",
        f"about {report.day.isoformat()} (UTC): {messages} messages.",
        "It goes where the domain's DMARC record asks for it (rua=).",
        "",
    )
    return "\r\n".join(lines)


def _document(report: AggregateReport) -> str:
    packed = gzip.compress(write_report(report), mtime=0)
    lines = (
        "Content-Type: application/gzip",
        "Content-Transfer-Encoding: base64",
        f'Content-Disposition: attachment; filename="{report.filename}"',
        "",
        *wrap(base64.b64encode(packed).decode("ascii"), _BASE64_LINE),
        "",
    )
    return "\r\n".join(lines)
