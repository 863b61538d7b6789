"""VBR-Info is read and written with bounds."""

from __future__ import annotations

import pytest

from postern.message import parse_message
from postern.vbr import MAX_CERTIFIERS, MAX_FIELDS, VbrClaim, read_claim, read_claims, vbr_info, vouches


@pytest.mark.parametrize(
    ("value", "claim"),
    [
        ("md=example.com; mc=all; mv=c.example", VbrClaim("example.com", "all", ("c.example",))),
        (
            " mv = C.example : d.example ; MC=List; md=Bücher.example;",
            VbrClaim("xn--bcher-kva.example", "list", ("c.example", "d.example")),
        ),
        ("md=a.example; mc=all; mv=c.example:c.example::bad..name; n=1", VbrClaim("a.example", "all", ("c.example",))),
        ("md=example.com; mc=all", None),
        ("md=; mc=all; mv=c.example", None),
        ("md=example.com; mc=; mv=c.example", None),
        ("md=example.com; mc=a b; mv=c.example", None),
        ("md=example.com; md=x.example; mc=all; mv=c.example", None),
        ("md=example.com mc=all mv=c.example", None),
        ("md=example.com; mc=all; mv=..", None),
        ("", None),
        ("md=example.com; mc=all; mv=" + "x" * 5_000, None),
    ],
)  # fmt: skip
def test_one_claim(value: str, claim: VbrClaim | None) -> None:
    assert read_claim(value) == claim


def test_claims_are_bounded() -> None:
    many = ":".join(f"c{number}.example" for number in range(50))
    raw = f"VBR-Info: md=example.com; mc=all; mv={many}\r\n".encode() * 20 + b"\r\n"
    claims = read_claims(parse_message(raw))
    assert len(claims.claims) == MAX_FIELDS
    assert len(claims.claims[0].certifiers) == MAX_CERTIFIERS


def test_malformed_and_contradicting_claims_are_told() -> None:
    first, second = b"md=a.example; mc=all; mv=c.example\r\n", b"md=a.example; mc=list; mv=d.example\r\n"
    raw = b"VBR-Info: x\r\nVBR-Info: " + first + b"vbr-info : " + second + b"\r\n"
    claims = read_claims(parse_message(raw))
    assert claims.malformed == 1
    assert claims.contradicts_itself("a.example")
    assert not claims.contradicts_itself("b.example")


@pytest.mark.parametrize(
    ("records", "message_type", "expected"),
    [
        (["all"], "list", True),
        (["list transaction"], "transaction", True),
        (["LIST"], "list", True),
        (["list"], "all", False),
        (["listed"], "list", False),
        (["", "other", "list"], "list", True),
        ([], "list", False),
    ],
)
def test_answers(records: list[str], message_type: str, *, expected: bool) -> None:
    assert vouches(records, message_type) is expected


def test_what_is_written_is_read_back() -> None:
    field = vbr_info("Example.com", "Transaction", ["c.example", "d.example"])
    assert (field.name, field.value) == ("VBR-Info", "md=example.com; mc=transaction; mv=c.example:d.example")
    assert read_claim(field.value) == VbrClaim("example.com", "transaction", ("c.example", "d.example"))


@pytest.mark.parametrize(
    ("domain", "message_type", "certifiers"),
    [("", "all", ["c.example"]), ("a.example", "all", []), ("a.example; mv=x", "all", ["c.example"]),
     ("a.example", "a\r\nb", ["c.example"]), ("a.example", "all", ["c.example", "no name"])],
)  # fmt: skip
def test_what_cannot_be_claimed_is_refused(domain: str, message_type: str, certifiers: list[str]) -> None:
    with pytest.raises(ValueError, match="VBR-Info needs"):
        vbr_info(domain, message_type, certifiers)
