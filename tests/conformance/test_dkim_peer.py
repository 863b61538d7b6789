"""DKIM against dkimpy on random messages: what one signs the other verifies, what breaks for one breaks for the other.

Known differences, which are dkimpy's: it passes `t=s` with an identity below the domain, accepts rsa-sha1, and refuses
header names with blanks before the colon; none of them occurs here.
"""

from __future__ import annotations

import dkim as dkimpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postern.checks import dkim
from postern.contract import Required
from postern.dkim.canonical import Canonicalization
from postern.line_ends import normalise_line_ends
from postern.message import parse_message
from postern.model import ResultWord
from postern.zone import ZoneResolver
from tests.signing import DOMAIN, pem_of, record_of, signature_of, signing_key, zone_of
from tests.transactions import make_transaction

KEYS = [signing_key("rsa")]  # dkimpy needs another package for Ed25519
METHODS = st.sampled_from(list(Canonicalization))
BLANK = st.sampled_from([b" ", b"  ", b"\t", b" \t ", b"\r\n ", b"\r\n\t  "])
WORD = st.sampled_from([b"a", b"bc", b"x=y", b"d;e", b"(f)", b"\xc3\xa9", b":", b"="])
VALUE = (
    st.lists(st.one_of(WORD, BLANK), min_size=1, max_size=8)
    .map(b"".join)
    .filter(lambda value: value.strip() and all(line.strip() for line in value.split(b"\r\n")))
)
NAME = st.sampled_from([b"Subject", b"To", b"X-Test", b"x-test", b"Received", b"CC"])
LINE = st.lists(st.one_of(WORD, st.sampled_from([b" ", b"\t", b"  "])), max_size=6).map(b"".join)
BODY = st.lists(st.one_of(LINE, st.just(b"")), max_size=8).map(b"\r\n".join)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    fields = draw(st.lists(st.tuples(NAME, VALUE), max_size=6))
    end = draw(st.sampled_from([b"\r\n", b"\r\n\r\n", b" \r\n"]))
    lines = [b"From: bob@example.com", *(name + b": " + value for name, value in fields)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + draw(BODY) + end


def ours(raw: bytes) -> ResultWord:
    return dkim.evaluate(
        make_transaction(),
        policy=dkim.DkimPolicy(),
        required=Required({}),
        resolver=ZoneResolver(zone_of(*KEYS)),
        message=parse_message(raw),
    ).result


def theirs(raw: bytes) -> bool:
    records = {f"{key.selector}._domainkey.{DOMAIN}.": record_of(key).encode() for key in KEYS}
    verified: bool = dkimpy.DKIM(raw, minkey=1024).verify(dnsfunc=lambda name, timeout=5: records[name.decode()])
    return verified


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(raw=messages(), header=METHODS, body=METHODS, length=st.booleans())
def test_what_dkimpy_signs_we_verify(
    raw: bytes, *, header: Canonicalization, body: Canonicalization, length: bool
) -> None:
    field = dkimpy.DKIM(raw).sign(
        b"rsa",
        DOMAIN.encode(),
        pem_of(KEYS[0]),
        canonicalize=(header.value.encode(), body.value.encode()),
        include_headers=[b"from", b"from", b"subject", b"to", b"x-test", b"x-test", b"cc"],
        length=length,
    )
    assert theirs(field + raw)
    assert ours(field + raw) is ResultWord.PASS


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(raw=messages(), header=METHODS, body=METHODS, key=st.sampled_from(KEYS))
def test_what_we_sign_dkimpy_verifies(raw: bytes, header: Canonicalization, body: Canonicalization, key) -> None:  # type: ignore[no-untyped-def]
    names = ("From", "From", "Subject", "To", "X-Test", "X-Test", "Received")
    field = signature_of(raw, key, signed_fields=names, header_method=header, body_method=body)
    assert ours(field + raw) is ResultWord.PASS
    assert theirs(field + raw)


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(raw=messages(), header=METHODS, body=METHODS, data=st.data())
def test_we_agree_on_changed_messages(
    raw: bytes, header: Canonicalization, body: Canonicalization, data: st.DataObject
) -> None:
    field = signature_of(
        raw, KEYS[0], signed_fields=("From", "Subject", "X-Test"), header_method=header, body_method=body
    )
    place = data.draw(st.integers(0, len(raw)))
    added = data.draw(st.sampled_from([b" ", b"\t", b"x", b"\r\n ", b"\r\nX-Test: 1"]))
    changed = field + raw[:place] + added + raw[place:]
    fields = parse_message(changed)
    blanks = any(one.raw_name != one.name.encode("latin-1") for one in fields.header_fields)
    if blanks or normalise_line_ends(changed) != changed or fields.defects:
        return  # no message that SMTP would carry, or the difference named above
    assert (ours(changed) is ResultWord.PASS) is theirs_or_refused(changed)


def theirs_or_refused(raw: bytes) -> bool:
    try:
        return theirs(raw)
    except dkimpy.DKIMException:
        return False
