"""Mail to other sites: by MX, by a smarthost, by SES; what is final and what waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import boto3
import pytest

from postern.delivery_status.request import ReportRequest, Standing
from postern_aws import clients
from postern_aws.items import from_item
from tests.smtp_sink import Sink, running
from tests.unit.relay.relaying import MESSAGE, OURS, REMOTE, Relaying, add_account


def test_mail_goes_to_the_server_that_the_dns_names(relaying: Relaying) -> None:
    relaying.queue(recipient=REMOTE)
    relaying.round()
    assert relaying.sink.texts == [MESSAGE + b".\r\n"]
    assert f"RCPT TO:<{REMOTE}>" in relaying.sink.commands
    row = relaying.row(recipient=REMOTE)
    assert (row["state"], row["host"]) == ("delivered", "mail.remote.example [127.0.0.1]")


def test_a_copy_leaves_under_the_reverse_path_that_was_decided(relaying: Relaying) -> None:
    relaying.queue(recipient=REMOTE, reverse_path="prvs=1234abcdef=ann@example.com")
    relaying.round()
    assert any(command.startswith("MAIL FROM:<prvs=1234abcdef=ann@example.com>") for command in relaying.sink.commands)


def test_all_goes_to_the_smarthost_when_there_is_one(relaying: Relaying) -> None:
    relaying.policy.outgoing = {
        "route": "smarthost",
        "smarthost_host": "127.0.0.1",
        "smarthost_port": relaying.sink.port,
        "smarthost_tls": "none",
    }
    relaying.queue(recipient="dora@nowhere.example")
    relaying.round()
    assert relaying.row(recipient="dora@nowhere.example")["state"] == "delivered"


def test_a_sending_domain_can_have_a_route_of_its_own(relaying: Relaying) -> None:
    with running(Sink()) as smarthost:
        own = {"route": "smarthost", "smarthost_host": "127.0.0.1", "smarthost_tls": "none"}
        relaying.policy.scopes = {"domain:example.com": {"outgoing": {**own, "smarthost_port": smarthost.port}}}
        relaying.queue("t1", REMOTE, account="ann@example.com")
        relaying.queue("t2", REMOTE, report=replace(OURS, sender="eve@other.example"))
        relaying.round()
    assert len(smarthost.texts) == len(relaying.sink.texts) == 1


def test_a_route_that_is_not_finished_holds_mail_and_says_why(relaying: Relaying) -> None:
    relaying.policy.outgoing = {"route": "smarthost"}
    relaying.queue(recipient=REMOTE)
    relaying.round()
    row = relaying.row(recipient=REMOTE)
    assert (row["state"], row["answer"]) == (
        "waiting",
        "outgoing.route is smarthost, and outgoing.smarthost_host is not set",
    )


def test_nobody_makes_us_send_to_our_own_network(relaying: Relaying) -> None:
    relaying.policy.outgoing = {"private_hosts": False}
    relaying.queue(recipient=REMOTE)
    relaying.round()
    assert relaying.sink.connections == 0
    assert str(relaying.row(recipient=REMOTE)["answer"]).startswith("550 5.4.4")


@pytest.mark.parametrize(
    ("recipient", "answer"),
    [("a@silent.example", "556 5.1.10"), ("a@missing.example", "550 5.1.2"), ("a@[10.0.0.1", "550 5.1.2")],
)
def test_what_the_dns_says_for_good_is_told_at_once(relaying: Relaying, recipient: str, answer: str) -> None:
    add_account("ann@example.com")
    relaying.queue(recipient=recipient)
    relaying.round()
    row = relaying.row(recipient=recipient)
    assert row["state"] == "returned"
    assert str(row["answer"]).startswith(answer)
    assert len(relaying.commits()) == 1


def test_mail_through_ses_is_in_the_ledger_under_the_id_it_left_with(relaying: Relaying) -> None:
    boto3.client("sesv2").create_email_identity(EmailIdentity="example.com")
    relaying.policy.outgoing = {"route": "ses"}
    relaying.queue(recipient=REMOTE, account="ann@example.com", message=b"From: ann@example.com\r\n\r\nHello\r\n")
    relaying.round()
    row = relaying.row(recipient=REMOTE)
    assert (row["state"], row["host"]) == ("delivered", "Amazon SES")
    (remembered,) = (from_item(one) for one in clients.dynamodb().scan(TableName="SentMessages")["Items"])
    assert remembered["mailbox"] == "ann@example.com"
    assert str(row["answer"]).endswith(str(remembered["message_id"]))
    assert str(remembered["message_id"]).endswith("@eu-central-1.amazonses.com>")


def test_what_ses_rejects_is_returned(relaying: Relaying) -> None:
    add_account("ann@example.com")
    relaying.policy.outgoing = {"route": "ses"}
    relaying.queue(recipient=REMOTE, message=b"From: ann@example.com\r\n\r\nHello\r\n")
    relaying.round()
    row = relaying.row(recipient=REMOTE)
    assert row["state"] == "returned"
    assert str(row["answer"]).startswith("554 5.7.1 MessageRejected")


def test_a_site_sets_how_long_mail_may_wait(relaying: Relaying) -> None:
    relaying.policy.outgoing = {"expires_after_days": 1}
    relaying.sink.replies["RCPT"] = "451 4.3.0 later"
    relaying.queue(recipient=REMOTE, report=ReportRequest(None, Standing.OURS))
    relaying.clock.now += timedelta(days=1)
    relaying.round()
    assert relaying.row(recipient=REMOTE)["state"] == "dropped"


def test_text_of_eight_bits_is_not_sent_where_it_might_be_spoilt(relaying: Relaying) -> None:
    relaying.sink.extensions = ("SIZE",)
    relaying.queue(recipient=REMOTE, message="Subject: x\r\n\r\nGrüße\r\n".encode())
    relaying.round()
    assert relaying.sink.texts == []
    assert str(relaying.row(recipient=REMOTE)["answer"]).startswith("554 5.6.3")
