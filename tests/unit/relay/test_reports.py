"""Who is told what: failures, delays and success, once each, to those who sent, and never about a report."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage

import pytest

from postern.delivery_status.request import ReportRequest, Standing
from postern.model import Route
from postern_frontend.relay.worker import LEASE
from tests.unit.relay.relaying import MESSAGE, OURS, RELAYED, REMOTE, Relaying, add_account

PROVEN = ReportRequest("bob@sender.example", Standing.PROVEN)


@pytest.fixture(autouse=True)
def ann(relaying: Relaying) -> None:
    add_account("ann@example.com")


def reports(relaying: Relaying) -> list[EmailMessage]:
    return [email.message_from_bytes(raw, policy=email.policy.default) for _, raw in relaying.commits()]


def status(report: EmailMessage) -> dict[str, str]:
    _, part, _ = report.iter_parts()
    return {name: value for fields in part.iter_parts() for name, value in fields.items()}


def test_a_sender_of_ours_finds_the_failure_in_the_mailbox(relaying: Relaying) -> None:
    relaying.sink.replies["RCPT"] = "550 5.1.1 nobody of that name"
    relaying.queue(recipient=REMOTE)
    relaying.round()
    ((commit, _),) = relaying.commits()
    (recipient,) = commit.transaction.recipients
    assert (recipient.address, recipient.route) == ("ann@example.com", Route.MAILBOX)
    assert commit.transaction.reverse_path is None
    (report,) = reports(relaying)
    assert report.get_content_type() == "multipart/report"
    assert report["To"] == "ann@example.com"
    told = status(report)
    assert told["Action"] == "failed"
    assert told["Status"] == "5.1.1"
    assert told["Diagnostic-Code"] == "smtp; 550 5.1.1 nobody of that name"
    assert told["Remote-MTA"] == "dns; mail.remote.example [127.0.0.1]"
    row = relaying.row(recipient=REMOTE)
    assert row["state"] == "returned"
    assert relaying.stores.quarantine.held(REMOTE) == ()


def test_a_proven_stranger_is_told_by_mail_under_a_null_reverse_path(relaying: Relaying) -> None:
    """Also the way of a report about inbound mail for a relayed domain."""
    relaying.sink.replies["RCPT"] = "550 5.1.1 nobody of that name"
    relaying.queue(recipient=RELAYED, report=PROVEN)
    relaying.round()
    ((commit, _),) = relaying.commits()
    (recipient,) = commit.transaction.recipients
    assert (recipient.address, recipient.route) == ("bob@sender.example", Route.REMOTE)
    assert commit.transaction.reverse_path is None
    assert relaying.stores.quarantine.held(RELAYED) == ()
    assert relaying.aws.notices() == []


@pytest.mark.parametrize(
    "request_",
    [
        ReportRequest("bob@sender.example"),
        replace(PROVEN, sender=None),
        replace(PROVEN, notify=("NEVER",)),
        replace(PROVEN, notify=("SUCCESS", "DELAY")),
        replace(PROVEN, sender="gone@example.com"),
    ],
)
def test_inbound_mail_of_nobody_who_can_be_told_is_held(relaying: Relaying, request_: ReportRequest) -> None:
    relaying.sink.replies["RCPT"] = "550 5.1.1 nobody of that name"
    relaying.queue(recipient=RELAYED, report=request_)
    relaying.round()
    assert relaying.commits() == []
    assert len(relaying.stores.quarantine.held(RELAYED)) == 1
    assert len(relaying.aws.notices()) == 1


@pytest.mark.parametrize("request_", [replace(OURS, sender=None), replace(OURS, notify=("NEVER",))])
def test_a_report_about_a_report_is_never_sent(relaying: Relaying, request_: ReportRequest) -> None:
    relaying.sink.replies["RCPT"] = "550 5.1.1 nobody of that name"
    relaying.queue(recipient=REMOTE, reverse_path=None, report=request_)
    relaying.round()
    assert relaying.commits() == []
    assert relaying.row(recipient=REMOTE)["state"] == "dropped"


def test_a_delay_is_told_once_after_four_hours_and_expiry_after_five_days(relaying: Relaying) -> None:
    relaying.sink.replies["RCPT"] = "451 4.3.0 later"
    relaying.queue(recipient=REMOTE)
    for hours in (0, 3, 5, 6, 24, 24, 24, 24, 24):
        relaying.clock.now += timedelta(hours=hours)
        relaying.round()
    delayed, failed = reports(relaying)
    assert status(delayed)["Action"] == "delayed"
    assert "Will-Retry-Until" in status(delayed)
    assert (status(failed)["Action"], status(failed)["Status"]) == ("failed", "4.4.7")


def test_nobody_else_is_told_of_delays(relaying: Relaying) -> None:
    relaying.sink.replies["RCPT"] = "451 4.3.0 later"
    relaying.queue(recipient=RELAYED, report=PROVEN)
    relaying.clock.now += timedelta(hours=6)
    relaying.round()
    assert relaying.commits() == []


def test_success_is_told_where_the_next_server_does_not_do_it(relaying: Relaying) -> None:
    relaying.queue("t1", REMOTE, report=replace(OURS, notify=("SUCCESS",), envelope_id="QQ314159"))
    relaying.round()
    (report,) = reports(relaying)
    assert status(report)["Action"] == "relayed"
    assert status(report)["Original-Envelope-Id"] == "QQ314159"


def test_what_was_asked_for_is_passed_on_to_a_server_that_does_it(relaying: Relaying) -> None:
    relaying.sink.extensions = (*relaying.sink.extensions, "DSN")
    asked = replace(
        OURS,
        notify=("SUCCESS", "FAILURE"),
        envelope_id="a b",
        returned="HDRS",
        original_recipient="rfc822;c+d@e.example",
    )
    relaying.queue("t1", REMOTE, report=asked)
    relaying.round()
    assert relaying.commits() == []
    mail = next(one for one in relaying.sink.commands if one.startswith("MAIL"))
    rcpt = next(one for one in relaying.sink.commands if one.startswith("RCPT"))
    assert mail.endswith(" RET=HDRS ENVID=a+20b")
    assert rcpt.endswith(" NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;c+2Bd@e.example")


def test_a_worker_that_dies_while_it_tells_tells_once(relaying: Relaying, monkeypatch: pytest.MonkeyPatch) -> None:
    relaying.sink.replies["RCPT"] = "550 5.1.1 nobody of that name"
    relaying.queue(recipient=REMOTE)
    with monkeypatch.context() as dying:
        dying.setattr(type(relaying.stores.relay), "finish", _dies)
        relaying.round()
    assert relaying.row(recipient=REMOTE)["state"] == "waiting"
    relaying.clock.now += LEASE
    relaying.round()
    assert relaying.row(recipient=REMOTE)["state"] == "returned"
    assert len(relaying.commits()) == 1


def test_what_was_taken_is_not_sent_again_when_the_row_could_not_say_so(
    relaying: Relaying, monkeypatch: pytest.MonkeyPatch
) -> None:
    relaying.queue(recipient=REMOTE)
    with monkeypatch.context() as dying:
        dying.setattr(type(relaying.stores.relay), "finish", _dies)
        relaying.round()
    relaying.clock.now += LEASE
    relaying.round()
    assert relaying.row(recipient=REMOTE)["state"] == "delivered"
    assert relaying.sink.texts == [MESSAGE + b".\r\n"]


def _dies(*_: object) -> None:
    raise ConnectionError("the table is gone")
