"""Reports to domain owners leave once each, signed by their author's domain, and only to who agreed."""

from __future__ import annotations

import email
import email.policy
import gzip
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postern.dmarc_reports.counting import AggregateRow, PublishedPolicy
from postern.evidence import DmarcPolicy
from postern.model import Decision, HeaderField, Route, Transaction
from postern.policy_compiler import Snapshot
from postern.zone import ZoneResolver
from postern_aws import clients, dmarc_sending
from postern_aws.directory import DynamoDirectory
from postern_aws.dmarc_rows import DynamoDmarcRows
from postern_aws.dmarc_sending import UNSIGNED, DmarcSending
from postern_aws.items import from_item
from postern_aws.message_store import S3MessageStore
from postern_aws.outbox import Commit, DynamoOutbox
from postern_aws.own_mail import OwnMail
from tests.effects import AcceptingFilter
from tests.embedded_aws import BUCKET

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)
ZONE = {
    "friend.example": {"MX": ["10 mail.friend.example"]},
    "_dmarc.friend.example": {"TXT": ["v=DMARC1; p=none"]},
    "elsewhere.example": {"MX": ["10 mail.elsewhere.example"]},
}


@dataclass(frozen=True)
class Published:
    snapshot: Snapshot

    def current(self) -> Snapshot:
        return self.snapshot


@dataclass(frozen=True)
class Signing:
    """A filter that signs for one domain."""

    domain: str

    def decide(self, transaction: Transaction) -> Decision:
        field = HeaderField("DKIM-Signature", f"v=1; a=rsa-sha256; d={self.domain}; s=2026a; b=x")
        return replace(AcceptingFilter().decide(transaction), headers=(field,))


def row(
    domain: str = "friend.example", uri: str = "mailto:rua@friend.example", source: str = "192.0.2.1"
) -> AggregateRow:
    published = PublishedPolicy(domain, report_uris=(uri,))
    return AggregateRow(
        published=published,
        source_ip=source,
        author_domain=domain,
        envelope_from=domain,
        disposition=DmarcPolicy.NONE,
        dkim_aligned=True,
        spf_aligned=True,
        spf_domain=domain,
        spf_result="pass",
    )


def sending(signer: str = "example.com", now: datetime = NOW, **settings: Any) -> DmarcSending:
    policy = {"contact": "postmaster@example.com", **settings}
    snapshots = Published(Snapshot("v1", scopes={"global": {"dmarc_reports": policy}}))
    tables = clients.dynamodb()
    mail = OwnMail(
        messages=S3MessageStore(clients.s3(), BUCKET),
        outbox=DynamoOutbox(tables, "Outbox", lambda: now),
        outgoing=Signing(signer),
        now=lambda: now,
    )
    return DmarcSending(
        rows=DynamoDmarcRows(tables, "DmarcReports"),
        mail=mail,
        directory=DynamoDirectory(tables, "Accounts", "Aliases", snapshots),
        resolver=ZoneResolver(ZONE),
        snapshots=snapshots,
        hostname="mx.example.com",
    )


def commits() -> list[Commit]:
    outbox = DynamoOutbox(clients.dynamodb(), "Outbox")
    rows = (from_item(item) for item in clients.dynamodb().scan(TableName="Outbox")["Items"])
    return [found for one in rows if (found := outbox.read(str(one["id"]))) is not None]


@pytest.fixture(autouse=True)
def counted(aws: object) -> DynamoDmarcRows:
    del aws
    rows = DynamoDmarcRows(clients.dynamodb(), "DmarcReports")
    for _ in range(3):
        rows.count(row(), YESTERDAY)
    rows.count(row(source="192.0.2.2"), YESTERDAY)
    return rows


def test_a_report_goes_to_the_owner_under_a_null_reverse_path() -> None:
    assert sending().run().sent == 1
    (commit,) = commits()
    (recipient,) = commit.transaction.recipients
    assert (recipient.address, recipient.route) == ("rua@friend.example", Route.REMOTE)
    assert commit.transaction.reverse_path is None
    assert commit.decision.headers[0].name == "DKIM-Signature"
    raw = S3MessageStore(clients.s3(), BUCKET).read(commit.transaction.message)
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message["From"] == "postmaster@example.com"
    assert message["To"] == "rua@friend.example"
    assert message["Subject"].startswith("Report Domain: friend.example Submitter: example.com Report-ID: <20261122.")
    (attached,) = message.iter_attachments()
    assert attached.get_content_type() == "application/gzip"
    assert str(attached.get_filename()).startswith("example.com!friend.example!1795305600!1795391999!")
    document = gzip.decompress(attached.get_content()).decode()
    assert document.count("<count>3</count>") == document.count("<count>1</count>") == 1


def test_the_same_report_is_sent_once_a_day() -> None:
    assert sending().run().sent == 1
    later = sending(now=NOW + timedelta(hours=6)).run()
    assert (later.sent, later.known) == (0, 1)
    assert len(commits()) == 1


def test_a_report_that_is_known_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sending().run().sent == 1
    monkeypatch.setattr(dmarc_sending, "write_mail", lambda *_, **__: pytest.fail("it is written again"))
    assert sending().run().known == 1


@pytest.mark.parametrize("signer", ["", "other.example", "ample.com"])
def test_without_an_aligned_signature_nothing_leaves(signer: str) -> None:
    assert sending(signer).run().stopped == UNSIGNED
    assert commits() == []


def test_a_destination_elsewhere_has_to_agree(counted: DynamoDmarcRows) -> None:
    counted.count(row("shop.example", "mailto:rua@elsewhere.example"), YESTERDAY)
    counts = sending().run()
    assert (counts.sent, counts.not_wanted) == (1, 1)


@pytest.mark.parametrize("settings", [{"send": False}, {"suppressed": ["friend.example"]}])
def test_the_postmaster_and_the_owner_can_opt_out(settings: dict[str, Any]) -> None:
    assert sending(**settings).run().sent == 0
    assert commits() == []


def test_nothing_is_due_before_anything_was_counted() -> None:
    assert sending(now=NOW - timedelta(days=7)).run().sent == 0
