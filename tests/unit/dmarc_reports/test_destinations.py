"""Reports go to whom the policy names and who agreed, and to nobody else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from postern.dmarc_reports.counting import PublishedPolicy
from postern.dmarc_reports.destinations import Destination, Standing, destinations_of
from postern.zone import Zone, ZoneResolver

POLICY = {"TXT": ["v=DMARC1; p=reject"]}
ZONE: Zone = {
    "_dmarc.example.com": POLICY,
    "_dmarc.reports.example": POLICY,
    "example.com._report._dmarc.reports.example": {"TXT": ["v=DMARC1"]},
    "*._report._dmarc.open.example": {"TXT": ["v=DMARC1"]},
    "example.com._report._dmarc.moved.example": {
        "TXT": ["v=DMARC1; rua=mailto:new@moved.example,mailto:x@elsewhere.example"]
    },
    "example.com._report._dmarc.late.example": {"TXT": "TIMEOUT"},
    "example.com._report._dmarc.chatty.example": {"TXT": ["hello", "v=DMARC1;"]},
    "example.com._report._dmarc.wrong.example": {"TXT": ["hello"]},
}


def judged(*uris: str, suppressed: Sequence[str] = (), domain: str = "example.com") -> tuple[Destination, ...]:
    return destinations_of(PublishedPolicy(domain, report_uris=uris), ZoneResolver(ZONE), suppressed)


@pytest.mark.parametrize(
    ("uri", "address", "standing"),
    [
        ("mailto:d@example.com", "d@example.com", Standing.OWN),
        ("MAILTO:d@Mail.Example.COM", "d@mail.example.com", Standing.OWN),
        ("mailto:d%2Bx@example.com?subject=x", "d+x@example.com", Standing.OWN),
        ("mailto:d@reports.example", "d@reports.example", Standing.APPROVED),
        ("mailto:d@chatty.example", "d@chatty.example", Standing.APPROVED),
        ("mailto:d@moved.example", "new@moved.example", Standing.APPROVED),
        ("mailto:d@victim.example", "d@victim.example", Standing.REFUSED),
        ("mailto:d@wrong.example", "d@wrong.example", Standing.REFUSED),
        ("mailto:d@late.example", "d@late.example", Standing.UNKNOWN),
        ("https://example.com/dmarc", "https://example.com/dmarc", Standing.UNUSABLE),
        ("mailto:d%0D%0A@example.com", "mailto:d%0D%0A@example.com", Standing.UNUSABLE),
        ("mailto:@example.com", "mailto:@example.com", Standing.UNUSABLE),
    ],
)
def test_who_gets_a_report(uri: str, address: str, standing: Standing) -> None:
    assert judged(uri) == (Destination(address, standing),)
    assert standing.is_sent_to is (standing in ("own", "approved"))


def test_a_subdomains_policy_is_of_the_same_organization() -> None:
    assert judged("mailto:d@example.com", domain="mail.example.com")[0].standing is Standing.OWN


def test_nothing_is_asked_of_strangers_twice() -> None:
    assert judged("mailto:d@example.com", "mailto:d@example.com") == (Destination("d@example.com", Standing.OWN),)


@pytest.mark.parametrize("entry", ["d@example.com", "example.com", "COM"])
def test_the_suppression_list_wins(entry: str) -> None:
    assert judged("mailto:d@example.com", suppressed=[entry])[0].standing is Standing.SUPPRESSED


def test_a_suppressed_policy_domain_gets_nothing_anywhere() -> None:
    (one,) = judged("mailto:d@reports.example", suppressed=["example.com"])
    assert one == Destination("d@reports.example", Standing.SUPPRESSED)


def test_when_the_organization_cannot_be_told_it_is_not_guessed() -> None:
    zone: Zone = {"_dmarc.mail.example.com": {"TXT": "TIMEOUT"}}
    published = PublishedPolicy("example.com", report_uris=("mailto:d@mail.example.com",))
    assert destinations_of(published, ZoneResolver(zone))[0].standing is Standing.UNKNOWN
