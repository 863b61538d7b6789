"""Who may be told: clients of ours, and strangers whose reverse-path our own header fields prove."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postern.delivery_status.request import Action, ReportRequest, Standing, report_request
from postern.model import Direction, Envelope, HeaderField, Recipient, Session, Transaction
from tests.unit.aws.commits import transaction

SPF = HeaderField("Received-SPF", "pass (mx.example.com: ...) identity=mailfrom; client-ip=192.0.2.1")
HELO = HeaderField("Received-SPF", "pass (mx.example.com: ...) identity=helo; client-ip=192.0.2.1")
DMARC = HeaderField("Authentication-Results", "mx.example.com; dmarc=pass header.from=sender.example")
OTHER = HeaderField("Authentication-Results", "mx.example.com; dmarc=pass header.from=other.example")
FAILED = HeaderField("Authentication-Results", "mx.example.com; dmarc=fail header.from=sender.example; spf=pass")
RECIPIENT = Recipient("ann@relayed.example", "ann@relayed.example")
STRANGER = Session("s", "192.0.2.1", "mail.sender.example")


def standing(given: Transaction, *headers: HeaderField) -> Standing:
    return report_request(given, RECIPIENT, headers).standing


@pytest.fixture
def inbound() -> Transaction:
    return replace(transaction(), session=STRANGER, envelope=Envelope("bob@sender.example"))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((SPF,), Standing.PROVEN),
        ((DMARC,), Standing.PROVEN),
        ((HELO, FAILED), Standing.UNPROVEN),
        ((OTHER,), Standing.UNPROVEN),
        ((), Standing.UNPROVEN),
    ],
)
def test_a_stranger_is_believed_with_proof(
    inbound: Transaction, headers: tuple[HeaderField, ...], expected: Standing
) -> None:
    assert standing(inbound, *headers) is expected


def test_clients_of_ours_sent_what_they_sent(inbound: Transaction) -> None:
    assert standing(replace(inbound, session=replace(STRANGER, trusted=True))) is Standing.OURS
    assert standing(replace(inbound, session=replace(STRANGER, authenticated_as="ann@example.com"))) is Standing.OURS
    assert standing(replace(inbound, direction=Direction.OUTBOUND)) is Standing.OURS


OURS = ReportRequest("ann@example.com", Standing.OURS)


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        (OURS, {Action.FAILED, Action.DELAYED}),
        (replace(OURS, notify=("NEVER",)), set()),
        (replace(OURS, notify=("SUCCESS",)), {Action.RELAYED, Action.DELIVERED}),
        (replace(OURS, notify=("FAILURE", "DELAY")), {Action.FAILED, Action.DELAYED}),
        (replace(OURS, sender=None), set()),
        (replace(OURS, standing=Standing.PROVEN), {Action.FAILED}),
        (replace(OURS, standing=Standing.PROVEN, notify=("SUCCESS", "DELAY")), set()),
        (replace(OURS, standing=Standing.UNPROVEN), set()),
    ],
)
def test_what_is_told(request_: ReportRequest, wanted: set[Action]) -> None:
    assert {action for action in Action if request_.wants(action)} == wanted
