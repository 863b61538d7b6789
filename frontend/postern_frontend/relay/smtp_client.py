"""A client's connection that no server can hold longer, or fill further, than we let it.

smtplib speaks the protocol; what it leaves open is bounded here: lines of a reply, and the time of all of them
together. The address that is connected to may be another than the name by which the certificate is checked.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass

CONNECT_SECONDS = 30
COMMAND_SECONDS = 60
GREETING_SECONDS = 120
"""For connecting and all of the greeting."""

MAX_REPLY_LINES = 128
MAX_LINE_OCTETS = 4096


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect to. Without an address the name is looked up as the system does."""

    name: str
    port: int
    address: str = ""

    def __str__(self) -> str:
        return f"{self.name} [{self.address}]" if self.address and self.address not in self.name else self.name


class BoundedSmtp(smtplib.SMTP):
    """An SMTP connection. Raises OSError and `SMTPException`, as its parent does."""

    def __init__(self, server: Server, hostname: str) -> None:
        self._server = server
        timer = self.cut_after(GREETING_SECONDS)
        try:
            super().__init__(server.name, server.port, hostname, timeout=COMMAND_SECONDS)
        finally:
            timer.cancel()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connected = socket.create_connection((self._server.address or host, port), CONNECT_SECONDS)
        connected.settimeout(timeout)
        return connected

    def getreply(self) -> tuple[int, bytes]:
        """One reply, however many lines it has, up to a limit (RFC 5321 §4.2.1)."""
        if self.file is None and self.sock is not None:
            self.file = self.sock.makefile("rb")
        texts: list[bytes] = []
        while len(texts) < MAX_REPLY_LINES:
            line = self._reply_line()
            texts.append(line[4:].strip(b" \t\r\n"))
            if line[3:4] != b"-":
                return self._code(line), b"\n".join(texts)
        self.close()
        raise smtplib.SMTPResponseException(500, "the reply does not end")

    def _reply_line(self) -> bytes:
        try:
            line: bytes = self.file.readline(MAX_LINE_OCTETS + 1) if self.file is not None else b""
        except OSError as trouble:
            self.close()
            raise smtplib.SMTPServerDisconnected(f"the connection broke: {trouble}") from trouble
        if not line:
            self.close()
            raise smtplib.SMTPServerDisconnected("the server closed the connection")
        if len(line) > MAX_LINE_OCTETS:
            self.close()
            raise smtplib.SMTPResponseException(500, "a line of the reply is too long")
        return line

    def _code(self, line: bytes) -> int:
        if line[:3].isdigit() and line[3:4] in (b" ", b"\r", b"\n", b""):
            return int(line[:3])
        self.close()
        raise smtplib.SMTPResponseException(500, "the reply has no code")

    def cut(self) -> None:
        """End the connection from another thread, whatever it waits for."""
        with suppress(OSError):
            if self.sock is not None:
                self.sock.shutdown(socket.SHUT_RDWR)

    def cut_after(self, seconds: float) -> threading.Timer:
        """Begin to count; cancel what is returned when all is well."""
        timer = threading.Timer(seconds, self.cut)
        timer.daemon = True
        timer.start()
        return timer


class BoundedSmtpOverTls(BoundedSmtp):
    """The same, with TLS from the start (RFC 8314 §3.3)."""

    def __init__(self, server: Server, hostname: str, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(server, hostname)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._context.wrap_socket(super()._get_socket(host, port, timeout), server_hostname=host)
