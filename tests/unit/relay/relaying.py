"""A relay worker over embedded AWS, real SMTP servers on loopback and a zone, for the tests of this folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from postern.delivery_status.request import ReportRequest, Standing
from postern.model import Route
from postern.outgoing.target import RelayTarget, TargetTls
from postern.policy_compiler import ReceivingDomain, Snapshot
from postern.recipients import DomainEntry
from postern.zone import Zone, ZoneResolver
from postern_aws import clients
from postern_aws.directory import DynamoDirectory
from postern_aws.due_rows import DueRows
from postern_aws.items import from_item, to_item
from postern_aws.message_store import S3MessageStore, mail_key
from postern_aws.notices import SnsNotices
from postern_aws.outbox import Commit, DynamoOutbox
from postern_aws.own_mail import OwnMail
from postern_aws.quarantine import DynamoQuarantine
from postern_aws.relay_rows import RelayCopy, RelayRows
from postern_aws.sent_messages import DynamoSentMessages
from postern_frontend.relay.attempt import SmtpSender
from postern_frontend.relay.links import Links, Opener
from postern_frontend.relay.reports import Reports
from postern_frontend.relay.routing import Router
from postern_frontend.relay.ses import SesSender
from postern_frontend.relay.undeliverable import Undeliverable
from postern_frontend.relay.worker import RelayStores, RelayWorker, Sender, Ways
from tests.effects import AcceptingFilter
from tests.embedded_aws import BUCKET, Installation
from tests.smtp_sink import Sink

MESSAGE = b"From: bob@sender.example\r\nSubject: Tea\r\n\r\nAt four?\r\n"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOSTNAME = "mx.example.com"
RELAYED = "ann@relayed.example"
REMOTE = "carol@remote.example"
OURS = ReportRequest("ann@example.com", Standing.OURS)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Policy:
    """What the worker takes for the current snapshot; a test may change it."""

    port: int
    outgoing: dict[str, object] = field(default_factory=dict)
    scopes: dict[str, dict[str, dict[str, object]]] = field(default_factory=dict)

    def current(self) -> Snapshot:
        here = RelayTarget("127.0.0.1", self.port, TargetTls.NONE)
        domains = {
            "relayed.example": ReceivingDomain(DomainEntry("relayed.example", Route.RELAY), here),
            "example.com": ReceivingDomain(DomainEntry("example.com")),
        }
        trying = {"private_hosts": True, "mx_port": self.port}
        return Snapshot(
            "v1", scopes={"global": {"outgoing": {**trying, **self.outgoing}}, **self.scopes}, domains=domains
        )


@dataclass(frozen=True)
class Relaying:
    """A worker, its clock, its policy and the server that it talks to."""

    worker: RelayWorker
    clock: Clock
    sink: Sink
    stores: Undeliverable
    aws: Installation
    policy: Policy

    def queue(
        self, transaction_id: str = "t1", recipient: str = RELAYED, message: bytes = MESSAGE, **more: Any
    ) -> RelayCopy:
        """Queue a copy; one for another domain than the relayed one is from a client of ours."""
        store = S3MessageStore(clients.s3(), BUCKET)
        reference = store.put_copy(mail_key(recipient, transaction_id), message)
        if not recipient.endswith("@relayed.example"):
            more = {"route": Route.REMOTE, "report": OURS, **more}
        copy = RelayCopy(
            transaction_id, recipient, more.pop("reverse_path", "bob@sender.example"), reference, NOW, **more
        )
        assert self.stores.relay.add(copy)
        return copy

    def round(self) -> int:
        """Everything that is due and finds room, to its end; how many that was."""
        begun = self.worker.run_due()
        assert self.worker.finish(30)
        return begun

    def row(self, transaction_id: str = "t1", recipient: str = RELAYED) -> dict[str, object]:
        """A copy's row."""
        return self.stores.relay.rows.read({"id": transaction_id, "part": recipient})

    def commits(self) -> list[tuple[Commit, bytes]]:
        """What was committed, oldest first, with the message."""
        outbox = DynamoOutbox(clients.dynamodb(), "Outbox", self.clock)
        rows = clients.dynamodb().scan(TableName="Outbox")["Items"]
        found = [outbox.read(row["id"]) for row in map(from_item, rows) if row["part"] == "commit"]
        present = sorted((one for one in found if one), key=lambda one: one.transaction.transaction_id)
        return [(one, self.stores.messages.read(one.transaction.message)) for one in present]


def add_account(address: str) -> None:
    """Let an address exist."""
    clients.dynamodb().put_item(TableName="Accounts", Item=to_item({"address": address}))


def make_worker(
    aws: Installation, policy: Policy, clock: Clock, sender: Sender | None = None, zone: Zone | None = None
) -> tuple[RelayWorker, Undeliverable]:
    """A worker and what it gives up copies with."""
    rows = RelayRows(DueRows(clients.dynamodb(), "Outbox", clock))
    messages = S3MessageStore(clients.s3(), BUCKET)
    outbox = DynamoOutbox(clients.dynamodb(), "Outbox", clock)
    reports = Reports(
        mail=OwnMail(messages=messages, outbox=outbox, outgoing=AcceptingFilter(), now=clock),
        directory=DynamoDirectory(clients.dynamodb(), "Accounts", "Aliases", policy),
        hostname=HOSTNAME,
    )
    undeliverable = Undeliverable(
        relay=rows,
        messages=messages,
        quarantine=DynamoQuarantine(clients.dynamodb(), "Quarantine"),
        notices=SnsNotices(clients.sns(), aws.topic_arn),
        reports=reports,
    )
    ways = Ways(
        router=Router(lambda: ZoneResolver(zone or {}), HOSTNAME),
        smtp=sender or SmtpSender(Links(Opener(HOSTNAME, lambda _: ""))),
        ses=SesSender(clients.ses(), DynamoSentMessages(clients.dynamodb(), "SentMessages"), clock),
    )
    stores = RelayStores(relay=rows, messages=messages, snapshots=policy)
    return RelayWorker(stores, ways, undeliverable), undeliverable
