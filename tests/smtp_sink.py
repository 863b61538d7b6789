"""An SMTP server on loopback that keeps every octet and answers as a test says."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 1000000")
END_OF_DATA = b"\r\n.\r\n"
SECONDS = 10


@dataclass
class Sink:
    """What the server says, and what it was told. `replies` maps a verb (or `TEXT`, `GREETING`) to a reply."""

    replies: dict[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = EXTENSIONS
    context: ssl.SSLContext | None = None
    commands: list[str] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0
    pause: float = 0.0
    port: int = 0
    hangs_up_on: str = ""

    def reply(self, verb: str, usual: str) -> bytes:
        """The reply to a verb."""
        return self.replies.get(verb, usual).encode() + b"\r\n"


@contextmanager
def running(sink: Sink) -> Iterator[Sink]:
    """Serve on a port of loopback for the time of the block."""
    stopping = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        sink.port = listener.getsockname()[1]
        accepting = threading.Thread(target=_accept, args=(listener, sink, stopping))
        accepting.start()
        try:
            yield sink
        finally:
            stopping.set()
            accepting.join(timeout=SECONDS)


def _accept(listener: socket.socket, sink: Sink, stopping: threading.Event) -> None:
    threads = []
    while not stopping.is_set():
        with suppress(TimeoutError):
            connection, _ = listener.accept()
            connection.settimeout(SECONDS)
            threads.append(threading.Thread(target=_serve, args=(connection, sink)))
            threads[-1].start()
    for thread in threads:
        thread.join(timeout=SECONDS)


def _serve(connection: socket.socket, sink: Sink) -> None:
    sink.connections += 1
    sink.at_once += 1
    sink.most_at_once = max(sink.most_at_once, sink.at_once)
    try:
        _Conversation(connection, sink).run()
    except OSError:
        pass
    finally:
        sink.at_once -= 1
        connection.close()


class _Conversation:
    def __init__(self, connection: socket.socket, sink: Sink) -> None:
        self._socket = connection
        self._sink = sink
        self._secured = False
        self._buffer = b""

    def run(self) -> None:
        try:
            self._say("GREETING", "220 sink ESMTP")
            while line := self._until(b"\r\n"):
                command = line.decode("utf-8", "replace").strip()
                self._sink.commands.append(command)
                if not self._answer(command.upper().partition(" ")[0]):
                    return
        finally:
            self._socket.close()

    def _answer(self, verb: str) -> bool:
        if verb == self._sink.hangs_up_on:
            return False
        if verb == "EHLO":
            self._hello()
        elif verb == "STARTTLS":
            self._start_tls()
        elif verb == "DATA":
            self._data()
        else:
            self._say(verb, {"QUIT": "221 bye", "AUTH": "235 ok"}.get(verb, "250 ok"))
        return verb != "QUIT"

    def _hello(self) -> None:
        offered = self._sink.extensions
        if self._sink.context is not None and not self._secured:
            offered = (*offered, "STARTTLS")
        lines = ["sink", *offered]
        text = "\r\n".join(f"250{' ' if at == len(lines) - 1 else '-'}{line}" for at, line in enumerate(lines))
        self._say("EHLO", text)

    def _start_tls(self) -> None:
        self._say("STARTTLS", "220 go ahead")
        if self._sink.context is not None and "STARTTLS" not in self._sink.replies:
            self._socket = self._sink.context.wrap_socket(self._socket, server_side=True)
            self._secured = True

    def _data(self) -> None:
        self._say("DATA", "354 go ahead")
        if self._sink.replies.get("DATA", "354").startswith("354"):
            self._sink.texts.append(self._until(END_OF_DATA))
            threading.Event().wait(self._sink.pause)
            if self._sink.hangs_up_on == "TEXT":
                raise ConnectionAbortedError
            self._say("TEXT", "250 2.0.0 queued")

    def _say(self, verb: str, usual: str) -> None:
        self._socket.sendall(self._sink.reply(verb, usual))

    def _until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            received = self._socket.recv(65_536)
            if not received:
                return b""
            self._buffer += received
        at = self._buffer.index(end) + len(end)
        taken, self._buffer = self._buffer[:at], self._buffer[at:]
        return taken


def make_certificate(folder: Path, address: str = "127.0.0.1") -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate of its own for `address`, and a client's that trusts exactly it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / f"{address}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cadata=certificate.public_bytes(serialization.Encoding.PEM).decode())
