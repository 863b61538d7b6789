"""Return codes: what policy can declare and what it means."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from postern.dnsbl.codes import REFUSALS, read_code


@pytest.mark.parametrize(
    ("pattern", "answer", "matches"),
    [
        ("127.0.0.2", "127.0.0.2", True),
        ("127.0.0.2", "127.0.0.3", False),
        ("127.0.*.3", "127.0.10.3", True),
        ("127.0.*.3", "127.0.10.2", False),
        ("127.0.*.3", "127.1.10.3", False),
        ("&4", "127.0.0.6", True),
        ("&4", "127.0.0.2", False),
        ("&6", "127.0.0.2", True),
        ("&4", "10.0.0.4", False),
    ],
)
def test_a_code_matches_its_answers(pattern: str, answer: str, matches: bool) -> None:
    assert read_code(pattern).matches(IPv4Address(answer)) is matches


@pytest.mark.parametrize(
    "text",
    [
        "",
        "127.0.0",
        "127.0.0.256",
        "10.0.0.2",
        "*.0.0.2",
        "127.0.0.x",
        "127.0.0.-1",
        "&0",
        "&256",
        "&",
        "4",
        "127.0.0.²",
    ],
)
def test_what_is_no_code(text: str) -> None:
    with pytest.raises(ValueError, match="no return code"):
        read_code(text)


@pytest.mark.parametrize("answer", ["127.255.255.252", "127.255.255.254", "127.255.255.255", "127.0.0.1"])
def test_answers_by_which_any_list_refuses_us(answer: str) -> None:
    assert any(code.matches(IPv4Address(answer)) for code in REFUSALS)
