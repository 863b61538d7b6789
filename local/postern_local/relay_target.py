"""A mail server that takes almost everything: what stands behind the relayed domain of the demonstration, and one
for all other sites. There is nobody called `nobody`, and who is called `later` has no time.

It keeps each message in a file, with its envelope in front, before it answers 250.
"""

from __future__ import annotations

import os
import socketserver
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
IDLE_SECONDS = 60
MAX_LINE = 4096
REFUSALS = {"nobody": "550 5.1.1 nobody of that name", "later": "451 4.2.1 later"}
MAX_MESSAGE_OCTETS = 128 * 1024 * 1024


@dataclass(slots=True)
class _Envelope:
    reverse_path: str = ""
    forward_paths: list[str] = field(default_factory=list)


class RelayTarget:
    """Listens on loopback from its making on."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._server = _Server((HOST, port), _Session)
        self._server.folder = folder
        threading.Thread(target=self._server.serve_forever, name="relay target", daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Take no more mail."""
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    folder: Path


class _Session(socketserver.StreamRequestHandler):
    """One conversation: the commands of RFC 5321 §4.5.1 and nothing more."""

    timeout = IDLE_SECONDS
    server: _Server

    def handle(self) -> None:
        """Answer until the client is gone."""
        self._envelope = _Envelope()
        self._say("220 relayed.example takes almost everything")
        try:
            while line := self.rfile.readline(MAX_LINE):
                if not self._answer(line.decode("utf-8", "replace").strip()):
                    return
        except OSError:
            return

    def _answer(self, line: str) -> bool:
        verb, _, rest = line.partition(" ")
        match verb.upper():
            case "QUIT":
                self._say("221 2.0.0 bye")
                return False
            case "EHLO":
                self._say("250-relayed.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n250 SIZE")
            case "MAIL":
                self._envelope = _Envelope(_path(rest))
                self._say("250 2.1.0 go on")
            case "RCPT":
                self._take_recipient(_path(rest))
            case "DATA" if self._envelope.forward_paths:
                self._take_message()
            case "HELO" | "RSET" | "NOOP":
                self._envelope = _Envelope()
                self._say("250 2.0.0 as you like")
            case _:
                self._say("503 5.5.1 not now")
        return True

    def _take_recipient(self, path: str) -> None:
        refusal = REFUSALS.get(path.partition("@")[0].lower())
        if refusal is None:
            self._envelope.forward_paths.append(path)
        self._say(refusal or "250 2.1.5 known here")

    def _take_message(self) -> None:
        self._say("354 until a lone dot")
        lines: list[bytes] = []
        octets = 0
        while (line := self.rfile.readline(MAX_MESSAGE_OCTETS)) != b".\r\n":
            octets += len(line)
            if not line or octets > MAX_MESSAGE_OCTETS:
                raise OSError("the message did not end")
            lines.append(line.removeprefix(b"."))
        self._keep(b"".join(lines))
        self._say("250 2.0.0 kept")
        self._envelope = _Envelope()

    def _keep(self, message: bytes) -> None:
        """Durable before it is answered, as any server has to (RFC 5321 §4.2.5)."""
        name = f"{time.time_ns()}-{uuid.uuid4().hex[:8]}.eml"
        envelope = f"X-Envelope-From: <{self._envelope.reverse_path}>\r\n"
        envelope += "".join(f"X-Envelope-To: <{path}>\r\n" for path in self._envelope.forward_paths)
        with (self.server.folder / name).open("xb") as file:
            file.write(envelope.encode("utf-8") + message)
            file.flush()
            os.fsync(file.fileno())

    def _say(self, reply: str) -> None:
        self.wfile.write(reply.encode("utf-8") + b"\r\n")


def _path(words: str) -> str:
    return words.partition("<")[2].partition(">")[0]
