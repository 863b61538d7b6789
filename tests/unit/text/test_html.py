"""HTML is rendered as a reader sees it, and its tricks are counted."""

from __future__ import annotations

import time

import pytest

from postern.text.html import read_html


def words(text: str) -> list[str]:
    return text.split()


def test_blocks_break_words_and_inline_elements_do_not() -> None:
    page = read_html("<p>One<p>two<br>three<td>four</td><b>bo</b>ld")
    assert words(page.text) == ["One", "two", "three", "four", "bold"]


def test_references_are_decoded_and_scripts_left_out() -> None:
    page = read_html("a &amp; b&#8364;<script>if (a<b) steal()</script><style>p{}</style>c")
    assert words(page.visible) == ["a", "&", "b€c"]
    assert page.facts.script_length == len("if (a<b) steal()")


@pytest.mark.parametrize(
    "hiding",
    [
        '<div style="display:none">secret</div>',
        "<div style='visibility: hidden'>secret</div>",
        '<span style="font-size:0px">secret</span>',
        '<span style="font-size:1px;color:#333">secret</span>',
        '<font color="#ffffff">secret</font>',
        "<font color=fefefe>secret</font>",
        '<td bgcolor=red><font color="#FF0000">secret</font></td>',
        '<div style="max-height:0;overflow:hidden">secret</div>',
        '<span style="opacity:0">secret</span>',
        "<p hidden>secret</p>",
        '<div style="mso-hide:all">secret</div>',
        '<div style="display:none"><div><p>sec</p></div>ret</div>',
    ],
)
def test_hidden_text_is_told_from_visible(hiding: str) -> None:
    page = read_html(f"before {hiding} after")
    assert words(page.visible) == ["before", "after"]
    assert page.facts.invisible_length == len("secret")
    assert "".join(words(page.text)) in ("beforesecretafter", "beforesecretafter")


def test_an_unclosed_element_inside_a_hidden_one_does_not_hide_what_follows() -> None:
    page = read_html('<div style="display:none"><p>a<b>b</div>shown')
    assert words(page.visible) == ["shown"]


def test_links_have_their_clickable_text() -> None:
    page = read_html('<a href="http://evil.test/?a=1&amp;b=2">My <b>Bank</b></a> <img src=cid:x><form action=/f>')
    assert [(link.target, link.element, link.text) for link in page.facts.links] == [
        ("http://evil.test/?a=1&b=2", "a", "My Bank"),
        ("cid:x", "img", ""),
        ("/f", "form", ""),
    ]


def test_words_split_by_comments_or_invented_elements_are_counted() -> None:
    page = read_html("Via<!-- x -->gra vi<zz>agra <b>bo</b>ld a <!-- y --> b")
    assert page.facts.split_words == 2
    assert page.facts.unknown == 1
    assert words(page.visible) == ["Viagra", "viagra", "bold", "a", "b"]


def test_images_passwords_refreshes_and_handlers_are_facts() -> None:
    page = read_html(
        '<body onload="go()"><img width=10 height="20px"><img><input type=password>'
        '<meta http-equiv=refresh content="0; url=http://a.test/"><td background="http://b.test/x.gif">'
        '<div style="background:url(http://c.test/)">'
    )
    facts = page.facts
    assert facts.image_area == 10 * 20 + 200 * 200
    assert facts.password_inputs == 1
    assert facts.scripted_attributes == 1
    assert [link.target for link in facts.links] == ["http://a.test/", "http://b.test/x.gif", "http://c.test/"]


def test_facts_of_several_parts_add_up() -> None:
    both = read_html("<b>x</b><font size=7>y</font>").facts + read_html("<b>z</b><!--c-->").facts
    assert both.opened == {"b": 2, "font": 1}
    assert both.comments == 1
    assert both.biggest_font == 48.0


@pytest.mark.parametrize(
    "source",
    [
        "<div>" * 100_000,
        "<" * 500_000,
        '<a "' * 100_000 + ">",
        '<a ">' * 60_000,
        "<!--" * 100_000,
        "<title>" * 50_000,
        "&#" * 200_000,
        "<font size=1>" * 150 + "</b>" * 50_000,
        "".join(f'<b style="color:#{n:06x}">' for n in range(10_000)),
        "<a x='\"" * 50_000,
        '<a href="x">y' * 20_000,
        "\0\ud800<\ufffe>",
    ],
    ids=lambda source: source[:12].encode("ascii", "backslashreplace").decode(),
)
def test_no_input_takes_long(source: str) -> None:
    started = time.process_time()
    read_html(source)
    assert time.process_time() - started < 2
