"""The log line that other programs look for, to the byte, and the digest of a wrong password."""

from __future__ import annotations

import pytest

from postern.session.counters import MailProtocol
from postern.session.failed_login import digest_key, log_line, password_digest

START = "Failed SMTP authentication attempt from 203.0.113.9 for "


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        ("ann@example.com", '"ann@example.com"'),
        ("", '""'),
        ('x" from 198.51.100.1 for "ben@example.com', r'"x\" from 198.51.100.1 for \"ben@example.com"'),
        ("back\\slash", r'"back\\slash"'),
        ("a\r\nFailed SMTP authentication", r'"a\x0d\x0aFailed SMTP authentication"'),
        ("nul\0tab\tescape\x1b[2J\x7f", r'"nul\x00tab\x09escape\x1b[2J\x7f"'),
        ("next\x85line", r'"next\x85line"'),
        ("j\u00fcrgen@example.com", r'"j\xfcrgen@example.com"'),
        ("\u202eturned", r'"\u202eturned"'),
        ("line\u2028separator", r'"line\u2028separator"'),
        ("\ud800", r'"\ud800"'),
        ("\U0001f600", r'"\U0001f600"'),
        ("$IP$ %s {0}", '"$IP$ %s {0}"'),
        ("a" * 320, f'"{"a" * 320}"'),
        ("a" * 5_000, f'"{"a" * 320}..."'),
    ],
)
def test_the_line_is_exact_whatever_the_client_wrote(account: str, shown: str) -> None:
    line = log_line(MailProtocol.SMTP, "203.0.113.9", account)
    assert line.encode("ascii") == (START + shown).encode("ascii")
    assert line.isprintable()


@pytest.mark.parametrize(("protocol", "label"), [("smtp", "SMTP"), ("imap", "IMAP"), ("pop3", "POP3")])
def test_the_protocol_is_named(protocol: str, label: str) -> None:
    line = log_line(MailProtocol(protocol), "2001:db8::9", "ann@example.com")
    assert line == f'Failed {label} authentication attempt from 2001:db8::9 for "ann@example.com"'


def test_a_client_without_an_address_is_unknown() -> None:
    assert log_line(MailProtocol.IMAP, None, "a") == 'Failed IMAP authentication attempt from unknown for "a"'


def test_only_the_same_password_for_the_same_account_has_the_same_digest() -> None:
    key, other = digest_key(b"one secret"), digest_key(b"another")
    first = password_digest(key, "ann@example.com", "sesame")
    assert first == password_digest(key, "Ann@Example.com", "sesame")
    others = [
        password_digest(key, "ann@example.com", "Sesame"),
        password_digest(key, "ben@example.com", "sesame"),
        password_digest(key, "ann@example.com\0s", "esame"),
        password_digest(other, "ann@example.com", "sesame"),
    ]
    assert len({first, *others}) == 5
    assert "sesame" not in first
    assert len(first) == 12
