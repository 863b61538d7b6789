"""A running front end: its listeners, its connections, and the way down that loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from postern.session.counters import MailProtocol
from postern_frontend.client_address import Client
from postern_frontend.connection import Connection, Conversation
from postern_frontend.connections import Connections, Place
from postern_frontend.identifiers import new_id
from postern_frontend.listener import ConnectionFactory, Endpoint, Listener, Reception
from postern_frontend.receiver import SmtpConversation
from postern_frontend.receiver_service import ReceiverService
from postern_frontend.screening.refusal import Door, OpenDoor
from postern_frontend.screening.session import ScreenedDoor
from postern_frontend.session_log import SessionLog
from postern_frontend.tls import Certificates
from postern_frontend.turned_away import TurnedAway

CERTIFICATE_SECONDS = 60.0

MakeConversation = Callable[[Connection, str], Conversation]
"""A conversation for a connection and its session id."""

_log = logging.getLogger("postern.frontend")
_session_log = logging.getLogger("postern.session")


class Server:
    """Listens with any number of protocols over one set of connections."""

    def __init__(self, connections: Connections, certificates: Certificates) -> None:
        self.connections = connections
        self._certificates = certificates
        self._listeners: list[Listener] = []
        self._housekeeping: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Read the certificate and begin to look after connections."""
        await self._certificates.refresh()
        self._housekeeping = [
            asyncio.create_task(self.connections.sweep()),
            asyncio.create_task(self._certificates.keep_fresh(CERTIFICATE_SECONDS)),
        ]

    def listen(
        self,
        endpoint: Endpoint,
        make_conversation: MakeConversation,
        *,
        door: Door | None = None,
        turn_away: MakeConversation | None = None,
    ) -> int:
        """Listen, and return the port. Raises OSError when the address is taken.

        `turn_away` makes the conversation with clients that are shut out for good.
        """
        reception = Reception(
            self._factory(make_conversation), self._factory(turn_away) if turn_away else None, door or OpenDoor()
        )
        listener = Listener(endpoint, self.connections, self._certificates, reception)
        listener.start()
        self._listeners.append(listener)
        _log.info("listening on port %d", listener.port)
        return listener.port

    def listen_for_mail(self, endpoints: Sequence[Endpoint], service: ReceiverService) -> list[int]:
        """Receive mail on these endpoints, and return their ports."""
        return [
            self.listen(
                endpoint,
                lambda connection, session_id: SmtpConversation(connection, service, session_id),
                door=ScreenedDoor(service.screen, MailProtocol.SMTP),
                turn_away=lambda connection, _: TurnedAway(connection),
            )
            for endpoint in endpoints
        ]

    async def drain(self, seconds: float) -> None:
        """Listen no more, let open transactions finish for so long at most, then stop."""
        for listener in self._listeners:
            listener.stop()
        _log.info("draining %d connections", len(self.connections))
        await self.connections.drain(seconds)
        for task in self._housekeeping:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _factory(self, make_conversation: MakeConversation) -> ConnectionFactory:
        return lambda client, place: self._connection(client, place, make_conversation)

    def _connection(self, client: Client, place: Place, make_conversation: MakeConversation) -> Connection:
        session_id = new_id(datetime.now(UTC))
        return Connection(
            client,
            place,
            SessionLog(_session_log, session_id, client),
            self.connections,
            self._certificates,
            lambda connection: make_conversation(connection, session_id),
        )
