"""Domain names out of messages, made comparable."""

from __future__ import annotations

import pytest

from postern.mime.domain_labels import to_ascii_domain


@pytest.mark.parametrize(
    ("domain", "ascii_domain"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("müller.example", "xn--mller-kva.example"),
        ("MÜLLER.example", "xn--mller-kva.example"),
        ("mu\u0308ller.example", "xn--mller-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("日本。jp", "xn--wgv71a.jp"),
        ("ｅｘａｍｐｌｅ．com", "example.com"),
        ("exam\u00adple.com", "example.com"),
        ("xn--mller-kva.example", "xn--mller-kva.example"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("", ""),
        (".", ""),
        ("a..b", ""),
        ("-a.example", ""),
        ("a b.example", ""),
        ("a@b.example", ""),
        ("☃.example", ""),
        ("a" * 64 + ".example", ""),
        ("ü" * 70 + ".example", ""),
        ("a." * 200 + "example", ""),
        ("a\0b.example", ""),
        ("ex\u202eample.com", ""),
    ],
)
def test_domains(domain: str, ascii_domain: str) -> None:
    assert to_ascii_domain(domain) == ascii_domain
