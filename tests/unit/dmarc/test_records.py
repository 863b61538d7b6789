"""DMARC records: strict about the version, forgiving about the rest (RFC 9989 §4.7, §4.8)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.dmarc.records import DmarcRecord, PublicSuffix, is_record, read_record
from postern.evidence import DmarcPolicy


@pytest.mark.parametrize("text", ["v=DMARC1", "v=DMARC1;", "v = DMARC1 ; p=none", "v=DMARC1;p=none", "v=DMARC1; junk"])
def test_is_a_record(text: str) -> None:
    assert is_record(text)


@pytest.mark.parametrize(
    "text", ["", "v=dmarc1; p=none", "v=DMARC1x; p=none", "p=none; v=DMARC1", "v=DMARC2", "V=DMARC1"]
)
def test_is_no_record(text: str) -> None:
    assert not is_record(text)


def test_everything_a_record_can_say() -> None:
    text = (
        "v=DMARC1; p=Reject; sp=QUARANTINE; np=none; adkim=S; aspf=s; psd=N; t=Y; fo=1:d;"
        " rua=mailto:a@x.example!10m, https://y.example/z ; ruf=mailto:b@x.example; pct=50; unknown=1"
    )
    assert read_record(text) == DmarcRecord(
        text=text,
        policy=DmarcPolicy.REJECT,
        subdomain_policy=DmarcPolicy.QUARANTINE,
        nonexistent_policy=DmarcPolicy.NONE,
        strict_dkim=True,
        strict_spf=True,
        public_suffix=PublicSuffix.NO,
        testing=True,
        report_uris=("mailto:a@x.example", "https://y.example/z"),
        failure_uris=("mailto:b@x.example",),
        failure_options="1:d",
    )


@pytest.mark.parametrize(
    ("tags", "policy", "usable"),
    [
        ("p=none", DmarcPolicy.NONE, True),
        ("p=bogus", DmarcPolicy.NONE, False),
        ("p=bogus; rua=mailto:a@x.example", DmarcPolicy.NONE, True),
        ("p=reject; sp=bogus", DmarcPolicy.NONE, False),
        ("p=reject; np=bogus; rua=mailto:a@x.example", DmarcPolicy.NONE, True),
        ("rua=mailto:nobody", DmarcPolicy.NONE, False),
        ("rua=not a uri, mailto:a@x.example", DmarcPolicy.NONE, True),
        ("p=reject; p=none", DmarcPolicy.REJECT, True),
        ("P=reject", DmarcPolicy.REJECT, True),
        ("p=reject; adkim=x; psd=maybe; t=1", DmarcPolicy.REJECT, True),
        ("p=reject; n\xe9=1; =; ;;", DmarcPolicy.REJECT, True),
    ],
)
def test_errors_become_defaults(tags: str, policy: DmarcPolicy, *, usable: bool) -> None:
    record = read_record(f"v=DMARC1; {tags}")
    assert (record.policy, record.usable) == (policy, usable)
    assert record.public_suffix is PublicSuffix.UNKNOWN
    assert not record.testing


@given(st.text(max_size=200))
def test_never_raises(text: str) -> None:
    read_record("v=DMARC1;" + text)


def test_long_records_take_linear_time() -> None:
    for filler in (";" * 60_000, "p=" * 30_000, " " * 60_000, "a=b;" * 15_000, "rua=" + "," * 50_000):
        assert len(read_record("v=DMARC1;" + filler).text) <= 4_000
