"""The conversation with a client that is shut out for good: it is told so, and heard out (RFC 5321 §3.1).

Who is shut out for a while gets `421` instead, after which the server may close at once.
"""

from __future__ import annotations

from postern import replies
from postern_frontend.connection import Connection, Expiry

SECONDS = 30
MAX_OCTETS = 4_096


class TurnedAway:
    """See `postern_frontend.connection.Conversation`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._line = b""

    def opened(self) -> None:
        """Say that the client is not welcome."""
        self._connection.send(replies.BANNED.encode())
        self._connection.expect(SECONDS)

    def received(self, data: bytes) -> None:
        """Wait for QUIT, for so many octets in all."""
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            if line.strip().upper() == b"QUIT":
                self._connection.send(replies.GOODBYE.encode())
                self._connection.close()
                return
            self._connection.send(replies.ONLY_QUIT.encode())
        if self._connection.octets_received > MAX_OCTETS:
            self._connection.close()

    def secured(self) -> None:
        """There is no STARTTLS here."""

    def half_closed(self) -> bool:
        """Nothing is owed."""
        return False

    def expired(self, expiry: Expiry) -> None:
        """It had its time."""
        del expiry
        self._connection.close()

    def draining(self) -> None:
        """Nothing is under way."""
        self._connection.close()

    def failed(self) -> None:
        """Nothing more to say."""
        self._connection.close()

    def lost(self) -> None:
        """Nothing was kept."""
