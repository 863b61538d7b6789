"""The view of a message: what it says, in one pass, bounded."""

from __future__ import annotations

from postern.message import parse_message
from postern.text.view import TextLimits, view_text

ALTERNATIVE = b"""\
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Plain =E2=82=AC one

and   two
--b
Content-Type: text/html

<p>Rich <a href=3D"http://x.test/">one</a><div style="display:none">hid</div>
--b--
"""


def test_subject_paragraphs_sources_and_uris() -> None:
    view = view_text(parse_message(ALTERNATIVE))
    assert view.subject == "Grüße"
    assert view.paragraphs[:2] == ("Plain € one", "and two")
    assert "Rich" in view.visible
    assert "hid" not in view.visible
    assert view.invisible.strip() == "hid"
    assert len(view.sources) == 2
    assert view.html is not None
    assert view.html.opened["p"] == 1


def test_html_that_calls_itself_plain_is_read_as_html() -> None:
    view = view_text(parse_message(b"Subject: x\n\n<html><body><p>Hello<script>x</script></body></html>"))
    assert view.paragraphs == ("Hello",)


def test_zero_width_characters_do_not_split_words() -> None:
    message = "Content-Type: text/plain; charset=utf-8\n\npay\u200bpal ver\u00adify".encode()
    view = view_text(parse_message(message))
    assert view.visible == "paypal verify"
    assert view.unseen_characters == 2


def test_text_beyond_the_limit_is_left_out_and_said_so() -> None:
    view = view_text(parse_message(b"\n" + b"word " * 1_000), TextLimits(source=100))
    assert view.truncated
    assert len(view.visible) == 100


def test_an_empty_message_has_an_empty_view() -> None:
    view = view_text(parse_message(b""))
    assert (view.subject, view.paragraphs, view.uris, view.html) == ("", (), (), None)
