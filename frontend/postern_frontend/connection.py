"""One client's connection, for every protocol: transport, TLS, time limits, back-pressure, and the one place
where the unforeseen is caught.

A `Conversation` speaks the protocol. The connection tells it what happens and carries out what it wants.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from enum import Enum, auto
from typing import Any, Protocol, cast

from postern.model import TlsParameters
from postern_frontend.client_address import Client
from postern_frontend.connections import Connections, Place
from postern_frontend.session_log import SessionLog
from postern_frontend.tls import Certificates, agreed_parameters

LINGER_SECONDS = 10
"""How long a closed connection may take to receive what is still to be sent."""

HANDSHAKE_SECONDS = 60

PACE_SECONDS = 60.0
"""How often the pace of a client that sends data is looked at."""


class Expiry(Enum):
    """Why a connection's time is over."""

    TIMED_OUT = auto()
    TOO_SLOW = auto()


class Conversation(Protocol):
    """A protocol's side of a connection: SMTP, later IMAP and POP3."""

    def opened(self) -> None:
        """The client is connected, and under TLS when the listener's is implicit."""
        ...

    def received(self, data: bytes) -> None:
        """The client sent octets."""
        ...

    def secured(self) -> None:
        """The handshake that `Connection.start_tls` began is done."""
        ...

    def half_closed(self) -> bool:
        """The client will send no more; whether it is still to be answered."""
        ...

    def expired(self, expiry: Expiry) -> None:
        """The time given by `Connection.expect` is over."""
        ...

    def draining(self) -> None:
        """The service stops: end now or after what is under way."""
        ...

    def failed(self) -> None:
        """Something unforeseen happened, and is logged; say that it is our fault."""
        ...

    def lost(self) -> None:
        """The connection is gone."""
        ...


class Connection(asyncio.Protocol):
    """A connection as asyncio drives it. Attributes without underscore are for reading by the conversation."""

    def __init__(
        self,
        client: Client,
        place: Place,
        log: SessionLog,
        connections: Connections,
        certificates: Certificates,
        make_conversation: Callable[[Connection], Conversation],
    ) -> None:
        self.client = client
        self.log = log
        self.tls: TlsParameters | None = None
        self.octets_received = 0
        self.half_closed = False
        self._loop = asyncio.get_running_loop()
        self._place = place
        self._connections = connections
        self._certificates = certificates
        self._transport: asyncio.Transport | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False
        self._apologizing = False
        self._held_back = False
        self._client_is_deaf = False
        self._securing = False
        self._came_with_handshake: list[bytes] = []
        self._expires_at = self._loop.time() + HANDSHAKE_SECONDS
        self._minimum_octets = 0
        self._octets_at_last_look = 0
        self._next_look = 0.0
        self._conversation = make_conversation(self)

    # --- for the conversation -------------------------------------------------------------------------

    @property
    def can_start_tls(self) -> bool:
        """Whether there is a certificate."""
        return self._certificates.context is not None

    @property
    def is_open(self) -> bool:
        """Whether the client can still be told something."""
        return self._transport is not None and not self._closing and not self._transport.is_closing()

    def send(self, data: bytes) -> None:
        """Send octets; nothing when the client is gone."""
        if data and self.is_open and self._transport is not None:
            self._transport.write(data)

    def close(self, *, linger: bool = False) -> None:
        """Close once everything was sent, or after a while without that.

        A client that is still sending would lose our last words to a reset, unless we `linger`: say that nothing
        more comes, and read on until the client closes.
        """
        if self._transport is None or self._closing:
            return
        self._closing = True
        self._expires_at = self._loop.time() + LINGER_SECONDS
        self._minimum_octets = 0
        if linger and not self.half_closed and self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def expect(self, seconds: float, *, octets_per_minute: int = 0) -> None:
        """Give the client so much time for what is to come, and a least pace when it sends much."""
        if self._closing:
            return
        now = self._loop.time()
        self._expires_at = now + seconds
        if octets_per_minute and not self._minimum_octets:
            self._next_look = now + PACE_SECONDS
            self._octets_at_last_look = self.octets_received
        self._minimum_octets = octets_per_minute

    def hold_back(self, held_back: bool) -> None:
        """Stop or go on taking octets from the client."""
        if held_back != self._held_back:
            self._held_back = held_back
            self._read_or_pause()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that takes time, for this conversation. It goes on when the client leaves."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        self._connections.hold(task)
        task.add_done_callback(self._task_done)

    def later(self, seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        """Call after a while."""
        return self._loop.call_later(seconds, self._guarded, call)

    def start_tls(self) -> None:
        """Begin the handshake as the server; what was written before is sent first."""
        self.expect(HANDSHAKE_SECONDS)
        self.spawn(self._start_tls())

    # --- for asyncio ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is up, and secured when the listener is implicit TLS."""
        self._transport = cast(asyncio.Transport, transport)
        self.tls = agreed_parameters(transport)
        self._connections.opened(self)
        self._guarded(self._conversation.opened)

    def data_received(self, data: bytes) -> None:
        """Octets came."""
        self.octets_received += len(data)
        if self._securing:
            self._came_with_handshake.append(data)
        elif not self._closing:
            self._guarded(self._conversation.received, data)

    def eof_received(self) -> bool:
        """The client half-closed; it may still want its answer (TLS cannot wait for one)."""
        self.half_closed = True
        return self.tls is None and not self._closing and self._conversation.half_closed()

    def pause_writing(self) -> None:
        """The client does not read its answers: take no more questions."""
        self._client_is_deaf = True
        self._read_or_pause()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._client_is_deaf = False
        self._read_or_pause()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, whatever the reason."""
        del exc
        if self._transport is not None:
            self._transport = None
            self._place.leave()
            self._connections.closed(self)
            self._guarded(self._conversation.lost)

    # --- for the set of connections -------------------------------------------------------------------

    def check_time(self, now: float) -> None:
        """End the connection when its time is over."""
        if now >= self._expires_at:
            self._expire(Expiry.TIMED_OUT)
        elif self._minimum_octets and now >= self._next_look:
            self._check_pace(now)

    def drain(self) -> None:
        """The service stops."""
        self._guarded(self._conversation.draining)

    def abandon(self) -> None:
        """Cut the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    # --- inside ---------------------------------------------------------------------------------------

    def _read_or_pause(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            paused = self._held_back or self._client_is_deaf
            (self._transport.pause_reading if paused else self._transport.resume_reading)()

    def _check_pace(self, now: float) -> None:
        received = self.octets_received - self._octets_at_last_look
        self._octets_at_last_look = self.octets_received
        self._next_look = now + PACE_SECONDS
        if received < self._minimum_octets:
            self._expire(Expiry.TOO_SLOW)

    def _expire(self, expiry: Expiry) -> None:
        if self._closing:
            self.abandon()
        else:
            self._guarded(self._conversation.expired, expiry)

    async def _start_tls(self) -> None:
        context, transport = self._certificates.context, self._transport
        if context is None or transport is None:
            return
        self._securing = True
        try:
            secured = await self._loop.start_tls(transport, self, context, server_side=True)
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            self.log.info("handshake failed", reason=str(error))
            self.abandon()
            self.connection_lost(error)  # asyncio tells nobody when a handshake fails
            return
        if secured is not None and self._transport is not None:
            self._transport = secured
            self.tls = agreed_parameters(secured)
            self._resume_under_tls()

    def _resume_under_tls(self) -> None:
        """Go on; what the client sent together with the end of its handshake was decrypted before we knew."""
        self._securing = False
        self._conversation.secured()
        came = b"".join(self._came_with_handshake)
        self._came_with_handshake.clear()
        if came:
            self._conversation.received(came)

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self._guarded(task.result)

    def _guarded(self, step: Callable[..., object], *arguments: object) -> None:
        """Do a step; whatever goes wrong in it is logged, and the client is told that it is our fault."""
        try:
            step(*arguments)
        except Exception as error:  # noqa: BLE001 - the one place of this runtime
            self.log.unforeseen(error)
            if self._apologizing:
                self.abandon()
            else:
                self._apologizing = True
                self._loop.call_soon(self._guarded, self._apologize)

    def _apologize(self) -> None:
        self._conversation.failed()
        self._apologizing = False
