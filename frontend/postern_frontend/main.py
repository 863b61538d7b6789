"""The front end's composition root: settings in, a receiver and a relay worker that run until SIGTERM out.

python -m postern_frontend.main
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from dataclasses import replace

from postern.ports import Unavailable
from postern.session.smtp_policy import SmtpPolicy
from postern.session.tls_policy import TlsPolicy
from postern_aws import clients
from postern_aws.auto_teacher import AutoTeacher
from postern_aws.certificates import SecretCertificate
from postern_aws.directory import DynamoDirectory
from postern_aws.dmarc_rows import DmarcCounter, DynamoDmarcRows
from postern_aws.filter_machine import EitherFilter, EveryKeeper, MachineFilter
from postern_aws.learn_queue import LearnQueue
from postern_aws.message_store import S3MessageStore
from postern_aws.outbox import DynamoOutbox
from postern_aws.policy_snapshot import S3SnapshotReader, SnapshotDomainSections, SnapshotSection, SnapshotSite
from postern_aws.receipts import DynamoReceipts
from postern_aws.settings import RelaySettings, SettingsError, read_settings
from postern_frontend import guard_over_aws, login, screening_over_aws, submission_over_aws
from postern_frontend.connections import Connections
from postern_frontend.envelope_rules import InboundRules
from postern_frontend.health import serve_health
from postern_frontend.listener import Endpoint
from postern_frontend.pools import BoundedPool
from postern_frontend.receiver_service import ReceiverService
from postern_frontend.recipient_lookup import RecipientLookup
from postern_frontend.relay.service import RelayService
from postern_frontend.screening.decisions import note_spf_pass
from postern_frontend.server import Server
from postern_frontend.session_log import configure_logging
from postern_frontend.settings import ReceiverSettings
from postern_frontend.smtp.profile import receiver_profile
from postern_frontend.smtp.submission import submission_profile
from postern_frontend.spool import SpoolBudget
from postern_frontend.tls import Certificates
from postern_frontend.tls_rules import TlsRules
from postern_frontend.transaction import Acceptance, Effects, FilterLimits

SNAPSHOT_SECONDS = 30.0
"""How often the site's facts are looked at; the reader itself asks S3 once a minute."""

SCREENING_THREADS = 8
SCREENING_WAITING = 600

_log = logging.getLogger("postern.frontend")


class FrontEnd:
    """The front end over AWS: `start`, then `stop`. Its ports are known once it is started.

    Without `relaying` it only receives.
    """

    def __init__(self, settings: ReceiverSettings, relaying: RelaySettings | None = None) -> None:
        self.smtp_port = settings.smtp_port
        self.submission_port = settings.submission_port
        self.submissions_port = settings.submissions_port
        self.health_port = settings.health_port
        self._settings = settings
        self._storage = BoundedPool("storage", threads=settings.storage_threads, waiting=settings.storage_threads)
        self._filter = BoundedPool("filter", threads=settings.filter_threads, waiting=settings.filter_threads)
        self._snapshots = S3SnapshotReader(clients.s3(), settings.message_bucket)
        self._sites = SnapshotSite(self._snapshots, settings.hostname)
        certificates = Certificates(SecretCertificate(clients.secrets(), settings.tls_secret_arn))
        self._server = Server(
            Connections(
                total=settings.max_connections,
                per_client=settings.max_connections_per_client,
                per_network=settings.max_connections_per_network,
            ),
            certificates,
        )
        # Threads of its own: a flood that is looked up must not take those that store mail.
        self._screening = BoundedPool("screening", threads=SCREENING_THREADS, waiting=SCREENING_WAITING)
        self._passwords = BoundedPool("passwords", threads=login.VERIFIED_AT_ONCE, waiting=login.WAITING)
        self._screen = screening_over_aws.screen(
            settings, self._snapshots, self._sites, self._screening, lambda: certificates.private_key
        )
        self._guarding = guard_over_aws.guarding(settings, self._snapshots, self._sites, self._storage)
        self._relay = RelayService(relaying, self._snapshots) if relaying else None
        self._health: asyncio.Server | None = None
        self._refreshing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. Raises OSError when an address is taken."""
        settings = self._settings
        await self._refresh_site()
        self._refreshing = asyncio.create_task(self._keep_site_fresh())
        await self._server.start()
        self._screen.start()
        self._listen(self._receiver())
        self._health = await serve_health(settings.listen_address, settings.health_port, self._is_healthy)
        self.health_port = int(self._health.sockets[0].getsockname()[1])
        if self._relay is not None:
            self._relay.start()

    async def stop(self) -> None:
        """Finish what is under way, and end."""
        await asyncio.gather(self._server.drain(self._settings.drain_seconds), self._stop_relaying())
        await asyncio.gather(self._screen.stop(), self._guarding.alarms.stop())
        if self._refreshing is not None:
            self._refreshing.cancel()
        if self._health is not None:
            self._health.close()
        self._screening.close()
        self._passwords.close()
        self._storage.close()
        self._filter.close()

    def _listen(self, receiver: ReceiverService) -> None:
        self.smtp_port = self._server.listen_for_mail([self._endpoint(self.smtp_port)], receiver)[0]
        if self.submission_port is None and self.submissions_port is None:
            return
        submission = self._submission(receiver)
        if self.submission_port is not None:
            endpoint = self._endpoint(self.submission_port)
            self.submission_port = self._server.listen_for_mail([endpoint], submission)[0]
        if self.submissions_port is not None:
            endpoint = replace(self._endpoint(self.submissions_port), implicit_tls=True)
            self.submissions_port = self._server.listen_for_mail([endpoint], submission)[0]

    def _endpoint(self, port: int) -> Endpoint:
        return Endpoint(port, self._settings.listen_address, proxy=self._settings.proxy_protocol)

    async def _stop_relaying(self) -> None:
        if self._relay is not None and not await asyncio.to_thread(self._relay.stop, self._settings.drain_seconds):
            _log.warning("relaying was cut off; its rows come due again")

    def _is_healthy(self) -> bool:
        return not self._server.connections.is_draining

    def _receiver(self) -> ReceiverService:
        settings = self._settings
        return ReceiverService(
            profile=receiver_profile(
                settings.hostname,
                max_message_octets=settings.max_message_octets,
                starttls=True,
            ),
            rules=InboundRules(self._sites),
            lookup=RecipientLookup(self._directory(), self._storage, time.monotonic),
            acceptance=Acceptance(self._effects(), FilterLimits()),
            sites=self._sites,
            spool_budget=SpoolBudget(settings.spool_octets),
            manners=SnapshotSection(self._snapshots, "smtp", SmtpPolicy),
            tls_rules=TlsRules(SnapshotDomainSections(self._snapshots, "tls", TlsPolicy)),
            screen=self._screen,
        )

    def _submission(self, receiver: ReceiverService) -> ReceiverService:
        """As mail from the Internet is received, but for people who log in."""
        settings = self._settings
        return replace(
            receiver,
            profile=submission_profile(
                settings.hostname,
                max_message_octets=settings.max_message_octets,
            ),
            submission=submission_over_aws.submission(
                settings, self._snapshots, self._sites, self._storage, self._passwords
            ),
        )

    def _directory(self) -> DynamoDirectory:
        settings = self._settings
        return DynamoDirectory(clients.dynamodb(), settings.accounts_table, settings.aliases_table, self._snapshots)

    def _effects(self) -> Effects:
        settings = self._settings
        return Effects(
            messages=S3MessageStore(clients.s3(), settings.message_bucket),
            filter=self._filters(),
            outbox=DynamoOutbox(clients.dynamodb(), settings.outbox_table),
            sites=self._sites,
            on_storage=self._storage,
            on_filter=self._filter,
            decided=lambda transaction, decision: note_spf_pass(self._screen, transaction, decision),
            guard=self._guarding.guard,
        )

    def _filters(self) -> EitherFilter:
        """A state machine per direction. Every decision has its receipt; strangers' mail is counted for reports."""
        settings, machines = self._settings, clients.state_machine()
        receipts = DynamoReceipts(clients.dynamodb(), settings.receipts_table, _report_lost_receipt)
        keepers = EveryKeeper((receipts, *self._counters(), *self._teachers()))
        return EitherFilter(
            MachineFilter(machines, settings.state_machine_arn, self._snapshots, keepers),
            MachineFilter(machines, settings.outbound_state_machine_arn, self._snapshots, receipts),
        )

    def _counters(self) -> tuple[DmarcCounter, ...]:
        table = self._settings.dmarc_reports_table
        if table is None:
            return ()
        return (DmarcCounter(DynamoDmarcRows(clients.dynamodb(), table, _report_lost_count), self._snapshots),)

    def _teachers(self) -> tuple[AutoTeacher, ...]:
        url = self._settings.learn_queue_url
        return (AutoTeacher(LearnQueue(clients.sqs(), url), _report_not_taught),) if url else ()

    async def _refresh_site(self) -> None:
        try:
            await asyncio.to_thread(self._snapshots.current)
        except Unavailable as trouble:
            _log.warning("policy snapshot cannot be read: %s", trouble)

    async def _keep_site_fresh(self) -> None:
        while True:
            await asyncio.sleep(SNAPSHOT_SECONDS)
            await self._refresh_site()


def _report_lost_receipt(transaction_id: str, trouble: Exception) -> None:
    _log.warning("receipt of %s not kept: %s", transaction_id, trouble)


def _report_lost_count(transaction_id: str, trouble: Exception) -> None:
    _log.warning("%s not counted for DMARC reports: %s", transaction_id, trouble)


def _report_not_taught(transaction_id: str, trouble: Exception) -> None:
    _log.warning("%s not learnt from: %s", transaction_id, trouble)


async def serve(settings: ReceiverSettings, relaying: RelaySettings | None = None) -> None:
    """Run until SIGTERM or SIGINT."""
    front_end = FrontEnd(settings, relaying)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await front_end.start()
    await stopping.wait()
    await front_end.stop()


def main() -> None:
    """Read the environment and serve; what is wrong with it is said and ends the process."""
    try:
        settings, relaying = read_settings(ReceiverSettings), read_settings(RelaySettings)
    except SettingsError as wrong:
        sys.exit(f"the front end cannot start: {wrong}")
    configure_logging(settings.log_level)
    asyncio.run(serve(settings, relaying))


if __name__ == "__main__":
    main()
