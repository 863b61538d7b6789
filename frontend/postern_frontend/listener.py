"""Listening sockets: accepting, the PROXY protocol, implicit TLS, and clients that are too many.

The sockets are accepted here rather than by asyncio's server, because a PROXY header must be taken from the
socket to the octet before the TLS handshake may see it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from postern import replies
from postern_frontend.client_address import Client, canonical_ip
from postern_frontend.connection import HANDSHAKE_SECONDS, Connection
from postern_frontend.connections import Connections, Crowded, Place
from postern_frontend.proxy_protocol import MAX_V2_PAYLOAD, ProxyHeader, ProxyHeaderParser, ProxyProtocolError
from postern_frontend.screening.refusal import Door, OpenDoor, Refusal
from postern_frontend.tls import Certificates

BACKLOG = 1024
ACCEPTS_AT_ONCE = 64
MAX_ARRIVALS = 1024
"""Connections whose PROXY header or TLS handshake is under way."""
PROXY_HEADER_SECONDS = 5
_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PAUSE_SECONDS = 1.0

_log = logging.getLogger(__name__)

ConnectionFactory = Callable[[Client, Place], Connection]


class NotTakenError(Exception):
    """A connection that ends before it begins; the text is for the log."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to listen and how. `proxy` demands a PROXY header; `implicit_tls` starts with the handshake."""

    port: int
    host: str = "0.0.0.0"
    proxy: bool = False
    implicit_tls: bool = False


@dataclass(frozen=True, slots=True)
class Busy:
    """What a protocol says to a client that cannot be taken."""

    full: bytes = replies.BUSY.encode()
    full_for_client: bytes = replies.BUSY_FOR_CLIENT.encode()
    banned_for_now: bytes = replies.BANNED_FOR_NOW.encode()
    banned: bytes = replies.BANNED.encode()


@dataclass(frozen=True, slots=True)
class Reception:
    """How clients are received: who asks for them, what they are told without a conversation, and the connection.

    `turn_away` makes the connection of a client that is shut out for good, for a protocol that must hear it out.
    """

    make_connection: ConnectionFactory
    turn_away: ConnectionFactory | None = None
    door: Door = field(default_factory=OpenDoor)
    busy: Busy = field(default_factory=Busy)


class Listener:
    """One listening socket."""

    def __init__(
        self,
        endpoint: Endpoint,
        connections: Connections,
        certificates: Certificates,
        reception: Reception,
    ) -> None:
        self._endpoint = endpoint
        self._connections = connections
        self._certificates = certificates
        self._reception = reception
        self._socket: socket.socket | None = None
        self._arrivals: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port that is listened on, once started."""
        return int(self._socket.getsockname()[1]) if self._socket else self._endpoint.port

    def start(self) -> None:
        """Bind and accept. Raises OSError when the address is taken."""
        family = socket.AF_INET6 if ":" in self._endpoint.host else socket.AF_INET
        self._socket = socket.create_server((self._endpoint.host, self._endpoint.port), family=family, backlog=BACKLOG)
        self._socket.setblocking(False)
        self._resume()

    def stop(self) -> None:
        """Accept no more."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        for task in tuple(self._arrivals):
            task.cancel()

    def _resume(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        for _ in range(ACCEPTS_AT_ONCE):
            if self._socket is None:
                return
            try:
                accepted, address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause(error)
                return
            self._arrived(accepted, Client(canonical_ip(address[0]), address[1]))

    def _pause(self, error: OSError) -> None:
        """Out of file handles: rest a moment instead of being woken for every waiting client."""
        if error.errno not in _OUT_OF_FILES or self._socket is None:
            raise error
        _log.warning("cannot accept", exc_info=error)
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket)
        loop.call_later(_PAUSE_SECONDS, self._resume)

    def _arrived(self, accepted: socket.socket, client: Client) -> None:
        if len(self._arrivals) >= MAX_ARRIVALS:
            accepted.close()
            return
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        task = asyncio.get_running_loop().create_task(self._receive(accepted, client))
        self._arrivals.add(task)
        task.add_done_callback(self._arrivals.discard)

    async def _receive(self, accepted: socket.socket, client: Client) -> None:
        """Bring a client from its socket to its connection; the socket is closed on every other way out."""
        try:
            if self._endpoint.proxy:
                client = _announced(await _read_proxy_header(accepted), client)
            await self._admit(accepted, client)
        except (NotTakenError, ProxyProtocolError, TimeoutError, OSError) as error:
            _log.debug("connection not taken: %s", error)
            accepted.close()
        except asyncio.CancelledError:
            accepted.close()
            raise

    async def _admit(self, accepted: socket.socket, client: Client) -> None:
        """Give the client a place and its conversation, unless it is shut out.

        Whoever is known to be costs no place; whoever must be looked up has one, so that nobody fills the queue.
        """
        door = self._reception.door
        refusal = door.knock(client.ip)
        self._refuse_for_now(accepted, refusal)
        place = self._place(accepted, client)
        with contextlib.ExitStack() as undoing:
            undoing.callback(place.leave)
            refusal = refusal or await door.ask(client.ip)
            self._refuse_for_now(accepted, refusal)
            make_connection = self._reception.turn_away if refusal else self._reception.make_connection
            if make_connection is None:
                self._dismiss(accepted, self._reception.busy.banned)
                raise NotTakenError("banned")
            await self._connect(accepted, lambda: make_connection(client, place))
            undoing.pop_all()

    async def _connect(self, accepted: socket.socket, make_connection: Callable[[], Connection]) -> None:
        context = self._certificates.context if self._endpoint.implicit_tls else None
        if self._endpoint.implicit_tls and context is None:
            raise NotTakenError("there is no certificate yet")
        await asyncio.get_running_loop().connect_accepted_socket(
            make_connection, accepted, ssl=context, ssl_handshake_timeout=HANDSHAKE_SECONDS if context else None
        )

    def _refuse_for_now(self, accepted: socket.socket, refusal: Refusal | None) -> None:
        if refusal is Refusal.FOR_NOW:
            self._dismiss(accepted, self._reception.busy.banned_for_now)
            raise NotTakenError("banned for now")

    def _place(self, accepted: socket.socket, client: Client) -> Place:
        """A place for the client. One that cannot be taken is told so, as far as one write goes."""
        place = self._connections.take_place(client)
        if isinstance(place, Place):
            return place
        busy = self._reception.busy
        self._dismiss(accepted, busy.full if place is Crowded.FULL else busy.full_for_client)
        raise NotTakenError(place.name)

    def _dismiss(self, accepted: socket.socket, words: bytes) -> None:
        if not self._endpoint.implicit_tls:
            with contextlib.suppress(OSError):
                accepted.send(words)


def _announced(header: ProxyHeader, balancer: Client) -> Client:
    return balancer if header.is_local else Client(header.client_ip, header.client_port)


async def _read_proxy_header(accepted: socket.socket) -> ProxyHeader:
    """Take exactly the header from the socket: what is peeked at stays there until it is known to belong to it."""
    parser = ProxyHeaderParser()
    async with asyncio.timeout(PROXY_HEADER_SECONDS):
        while parser.header is None:
            await _readable(accepted)
            peeked = accepted.recv(MAX_V2_PAYLOAD, socket.MSG_PEEK)
            if not peeked:
                raise ProxyProtocolError("closed without a PROXY header")
            accepted.recv(parser.feed(peeked))
    return parser.header


async def _readable(accepted: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()
    loop.add_reader(accepted, _wake, waiter)
    try:
        await waiter
    finally:
        loop.remove_reader(accepted)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
