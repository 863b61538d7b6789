"""Which parts are shown and which are offered (RFC 8621 §4.1.4)."""

from __future__ import annotations

import pytest

from postern.message import parse_message
from postern.mime.bodies import sort_bodies

PLAIN, HTML, PNG, PDF = b"text/plain", b"text/html", b"image/png", b"application/pdf"


def _multipart(kind: bytes, boundary: bytes, *parts: bytes) -> bytes:
    inside = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    return (
        b"Content-Type: multipart/" + kind + b"; boundary=" + boundary + b"\r\n\r\n" + inside + b"--" + boundary + b"--"
    )


def _leaf(content_type: bytes, disposition: bytes = b"") -> bytes:
    extra = b"Content-Disposition: " + disposition + b"\r\n" if disposition else b""
    return b"Content-Type: " + content_type + b"\r\n" + extra + b"\r\nx"


def _sorted(raw: bytes) -> tuple[list[str], list[str], list[str]]:
    bodies = sort_bodies(parse_message(raw).root)
    text, html, attachments = bodies.text, bodies.html, bodies.attachments
    return [part.path for part in text], [part.path for part in html], [part.path for part in attachments]


@pytest.mark.parametrize(
    ("raw", "text", "html", "attachments"),
    [
        (_leaf(PLAIN), ["1"], ["1"], []),
        (_leaf(HTML), ["1"], ["1"], []),
        (_leaf(PDF), [], [], ["1"]),
        (_multipart(b"alternative", b"a", _leaf(PLAIN), _leaf(HTML)), ["1"], ["2"], []),
        (_multipart(b"alternative", b"a", _leaf(PLAIN), _leaf(PDF)), ["1"], ["1"], ["2"]),
        (_multipart(b"mixed", b"m", _leaf(PLAIN), _leaf(PDF, b"attachment")), ["1"], ["1"], ["2"]),
        (_multipart(b"mixed", b"m", _leaf(PLAIN), _leaf(PNG)), ["1", "2"], ["1", "2"], ["2"]),
        (_multipart(b"mixed", b"m", _leaf(PLAIN), _leaf(PLAIN, b"inline; filename=a.txt")), ["1"], ["1"], ["2"]),
        (_multipart(b"related", b"r", _leaf(HTML), _leaf(PNG)), ["1"], ["1"], ["2"]),
        (
            _multipart(b"alternative", b"a", _leaf(PLAIN), _multipart(b"related", b"r", _leaf(HTML), _leaf(PNG))),
            ["1"],
            ["2.1"],
            ["2.2"],
        ),
        (_multipart(b"mixed", b"m", _leaf(b"message/rfc822")), [], [], ["1"]),
    ],
)
def test_sorting(raw: bytes, text: list[str], html: list[str], attachments: list[str]) -> None:
    assert _sorted(raw) == (text, html, attachments)


def test_a_broken_multipart_is_shown_as_text() -> None:
    assert _sorted(b"Content-Type: multipart/mixed; boundary=x\r\n\r\nbuy now") == (["TEXT"], ["TEXT"], [])
