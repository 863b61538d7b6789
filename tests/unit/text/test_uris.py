"""URIs are found where a mail program finds them and cleaned as a browser would read them."""

from __future__ import annotations

import pytest

from postern.text.html import Link
from postern.text.uris import Uri, UriTrait, collect, read_uri


def only(written: str) -> Uri:
    found = read_uri(written, "a")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("written", "url", "traits"),
    [
        ("http://Example.COM", "http://example.com/", set()),
        ("https://example.com:443/a%62c", "https://example.com/abc", set()),
        ("http://paypal.com@evil.test/x", "http://evil.test/x", {UriTrait.USERINFO}),
        ("http://%65vil.test/", "http://evil.test/", {UriTrait.ENCODED_HOST}),
        ("http://3232235777/", "http://192.168.1.1/", {UriTrait.IP_HOST, UriTrait.NUMERIC_HOST}),
        ("http://0xC0.0250.1.1/", "http://192.168.1.1/", {UriTrait.IP_HOST, UriTrait.NUMERIC_HOST}),
        ("http://10.0.0.1:8080/", "http://10.0.0.1:8080/", {UriTrait.IP_HOST, UriTrait.PORT}),
        ("http:\\\\evil.test\\x", "http://evil.test/x", {UriTrait.BACKSLASH}),
        ("ht\ntp://ev\til.test/", "http://evil.test/", {UriTrait.CONTROLS}),
        ("//evil.test/x", "http://evil.test/x", {UriTrait.SCHEMELESS}),
        ("http://www.münchen.test/", "http://www.xn--mnchen-3ya.test/", {UriTrait.PUNYCODE}),
        ("http://\uff45xample\u3002test/", "http://example.test/", set()),
        ("http://[2001:DB8::1]/", "http://[2001:db8::1]/", {UriTrait.IP_HOST}),
    ],
)
def test_a_link_is_read_as_a_browser_reads_it(written: str, url: str, traits: set[UriTrait]) -> None:
    uri = only(written)
    assert (uri.url, set(uri.traits)) == (url, traits)


@pytest.mark.parametrize("written", ["#top", "cid:a@b", "page.html", "data:text/html,x", "", "http://", "javascript"])
def test_what_names_nothing_outside_is_no_uri(written: str) -> None:
    assert read_uri(written, "a") is None


def test_running_text_yields_links_names_and_addresses() -> None:
    text = (
        "See <http://a.test/x>, (www.b.test). Shop: example.com/buy! Write joe@c.example.org; not e.g. file.txt or 3.5"
    )
    assert [uri.url for uri in collect((), [text])] == [
        "http://a.test/x",
        "http://www.b.test/",
        "http://example.com/buy",
        "mailto:joe@c.example.org",
    ]


def test_redirectors_are_unwrapped() -> None:
    target = "https://r.test/?u=https%3A%2F%2Fs.test%2F%3Fv%3Dhttp%253A%252F%252Fevil.test%252Flogin"
    found = collect([Link(target, "a", "Click")], ())
    assert [(uri.host, uri.via) for uri in found] == [("r.test", ""), ("s.test", "r.test"), ("evil.test", "s.test")]
    assert UriTrait.REDIRECTED in found[-1].traits
    assert found[-1].anchor == "Click"


def test_the_number_of_uris_is_bounded() -> None:
    assert len(collect((), [" ".join(f"http://h{n}.test/" for n in range(5_000))])) == 1_000
