"""Reports that come by mail: taken once, from proven authors, about our own domains, never in the way of the mail."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from postern.dmarc_reports.received import AggregateFeedback, Feedback
from postern.dmarc_reports.writing import write_report
from postern.model import Disposition, HeaderField
from postern.policy_compiler import Snapshot
from postern.ports import Unavailable
from postern_aws import clients
from postern_aws.outbox import Commit, CommitState
from postern_aws.received_reports import DynamoReceivedReports
from postern_aws.report_intake import ReportIntake
from tests.embedded_aws import HOSTNAME
from tests.unit.aws.commits import NOW, decision, transaction
from tests.unit.dmarc_reports.test_writing import ROW, report

pytestmark = pytest.mark.usefixtures("aws")

HEAD = b"From: reports@sender.example\r\nContent-Type: text/xml\r\n\r\n"
RAW = HEAD + write_report(report(ROW))
POLICY = {"global": {"dmarc_reports": {"report_mailboxes": ["Ann@example.com"]}}}
PASSED = HeaderField("Authentication-Results", f"{HOSTNAME}; dmarc=pass header.from=sender.example")


class Snapshots:
    def __init__(self, scopes: Mapping[str, Any]) -> None:
        self._scopes = scopes

    def current(self) -> Snapshot:
        return Snapshot("v1", self._scopes)


def made(*, proven: bool = True, disposition: Disposition = Disposition.ACCEPT) -> Commit:
    received = transaction()
    decided = replace(decision(received, disposition), headers=(PASSED,) if proven else ())
    return Commit("f" * 64, CommitState.COMMITTED, received, decided, NOW)


def table(name: str = "ReceivedReports") -> DynamoReceivedReports:
    return DynamoReceivedReports(clients.dynamodb(), name)


def take(one: Commit, raw: bytes = RAW, scopes: Mapping[str, Any] = POLICY, name: str = "ReceivedReports") -> list[str]:
    """What was told of trouble."""
    told: list[str] = []
    ReportIntake(table(name), Snapshots(scopes), lambda _, trouble: told.append(str(trouble))).take(one, raw)
    return told


def kept() -> list[Feedback]:
    return list(table().since(date(2026, 1, 1)))


def test_a_report_is_taken_once_however_often_it_is_delivered() -> None:
    assert take(made()) == take(made()) == []
    (one,) = kept()
    assert isinstance(one, AggregateFeedback)
    assert (one.domain, one.messages) == ("example.com", 3)
    assert list(table().since(date(2026, 11, 22), "example.com")) == [one]
    assert list(table().since(date(2026, 11, 23), "example.com")) == []


def test_of_hundreds_that_bring_the_same_report_at_once_one_keeps_it() -> None:
    take(made())
    (one,) = kept()
    other = replace(one, report_id="another")
    with ThreadPoolExecutor(32) as pool:
        new = list(pool.map(lambda _: table().add(other), range(300)))
    assert (sum(new), len(kept())) == (1, 2)


@pytest.mark.parametrize(
    ("one", "scopes"),
    [(made(proven=False), POLICY), (made(disposition=Disposition.QUARANTINE), POLICY), (made(), {})],
    ids=["anybody could have sent it", "not accepted", "no such mailbox"],
)
def test_other_mail_is_left_alone(one: Commit, scopes: Mapping[str, Any]) -> None:
    assert take(one, scopes=scopes) == []
    assert kept() == []


def test_trouble_is_told_and_not_raised() -> None:
    strange = write_report(replace(report(ROW), published=replace(ROW.published, domain="other.example")))
    assert take(made(), HEAD + strange) == ["a report about other.example, which is no domain of ours"]
    assert take(made(), b"Subject: hello\r\n\r\nAt four?\r\n") == ["no report is in it"]
    assert take(made(), name="Missing") == ["the received reports cannot be written"]
    assert kept() == []
    with pytest.raises(Unavailable):
        list(table("Missing").since(date(2026, 1, 1)))
