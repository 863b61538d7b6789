from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.recipients import MailPath
from postern_frontend.smtp.paths import PathError, parse_path


@pytest.mark.parametrize(
    ("text", "path", "rest"),
    [
        ("<>", None, ""),
        (" <> SIZE=1", None, "SIZE=1"),
        ("<a@b.example>", MailPath("a", "b.example"), ""),
        ("<a@b>  BODY=7BIT  SIZE=1", MailPath("a", "b"), "BODY=7BIT  SIZE=1"),
        ('<"a b"@c.example>', MailPath("a b", "c.example"), ""),
        ('<"a\\"b\\\\c@d>e"@f.example>', MailPath('a"b\\c@d>e', "f.example"), ""),
        ('<""@c.example>', MailPath("", "c.example"), ""),
        ("<@x.example:a@b.example>", MailPath("a", "b.example"), ""),
        ("<@x.example,@y.example:a@b.example>", MailPath("a", "b.example"), ""),
        ("<a@[192.0.2.1]>", MailPath("a", "[192.0.2.1]"), ""),
        ("<a@[ipv6:2001:DB8:0::1]>", MailPath("a", "[IPv6:2001:db8::1]"), ""),
        ("<PostMaster>", MailPath("PostMaster", None), ""),
        ("<žofie@bücher.example>", MailPath("žofie", "bücher.example"), ""),
        ("<a=b+c/d%e!f@g_h.example>", MailPath("a=b+c/d%e!f", "g_h.example"), ""),
        ("<" + "l" * 256 + "@b.example>", MailPath("l" * 256, "b.example"), ""),
    ],
)
def test_reads_a_path(text: str, path: MailPath | None, rest: str) -> None:
    assert parse_path(text) == (path, rest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a@b.example",
        "<a@b.example",
        "a@b.example>",
        "<a@b.example>SIZE=1",
        "<a>",
        "<@b.example>",
        "<a@>",
        "<a@b@c.example>",
        "<a@b.example.>",
        "<a@.b.example>",
        "<a@-b.example>",
        "<a@b-.example>",
        "<a@b..example>",
        "<.a@b.example>",
        "<a.@b.example>",
        "<a..b@c.example>",
        "<a b@c.example>",
        '<"a"b@c.example>',
        '<"a@c.example>',
        '<"a">',
        "<@x.example a@b.example>",
        "<@x.example:>",
        "<a@[192.0.2.256]>",
        "<a@[192.0.2.1>",
        "<a@[IPv6:12345::]>",
        "<a@[tag:content]>",
        "<a@192.0.2.1]>",
        "<a\u2028b@c.example>",
        "<a\x7f@b.example>",
        "<" + "l" * 257 + "@b.example>",
        "<a@" + "d" * 64 + ".example>",
        "<a@" + ".".join(["d" * 60] * 5) + ">",
    ],
)
def test_refuses_what_is_no_path(text: str) -> None:
    with pytest.raises(PathError):
        parse_path(text)


words = st.text(st.sampled_from('ab.@"\\<>[]:, %!\x00é'), max_size=30)


@given(st.one_of(words, words.map(lambda text: f"<{text}>"), words.map(lambda text: f'<"{text}"@a.example>')))
def test_a_path_written_out_is_read_back_the_same(text: str) -> None:
    try:
        path, _ = parse_path(text)
    except PathError:
        return
    if path is not None:
        assert parse_path(f"<{path}>") == (path, "")
