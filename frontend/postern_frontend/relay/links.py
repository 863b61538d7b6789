"""Connections to other servers: opened as policy demands, lent to one copy at a time, kept for the next one.

CannotConnect    there is no connection to this address; nothing was said
LinkRefused      the server is there, but not for us, or not as safely as policy demands
"""

from __future__ import annotations

import smtplib
import ssl
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from postern.outgoing.target import RelayTarget, TargetTls
from postern_frontend.relay.smtp_client import BoundedSmtp, BoundedSmtpOverTls, Server

IMPLICIT_TLS_PORT = 465
GOODBYE_SECONDS = 5
OPENING_SECONDS = 180
"""For all of connecting, greeting, TLS and login; and for the answer of a connection that was kept."""

COPIES_PER_LINK = 50


class CannotConnect(Exception):  # noqa: N818 - it states what happened
    """Nobody answers at this address."""


class LinkRefused(Exception):  # noqa: N818 - it states what happened
    """The conversation ended before any mail transaction."""


class _TlsFailed(Exception):  # noqa: N818 - it states what happened
    """The server offered TLS, and the handshake failed."""


def _modern(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def verifying_context() -> ssl.SSLContext:
    """TLS to a server whose certificate is good and is for its name."""
    return _modern(ssl.create_default_context())


def trusting_context() -> ssl.SSLContext:
    """TLS against listeners only (RFC 7435): whoever answers is believed."""
    context = _modern(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens connections. `password_of` reads the secret of a target; it raises `Unavailable`."""

    hostname: str
    password_of: Callable[[str], str]
    verifying: ssl.SSLContext = field(default_factory=verifying_context)
    trusting: ssl.SSLContext = field(default_factory=trusting_context)

    def open(self, target: RelayTarget, address: str) -> BoundedSmtp:
        """A connection on which mail can be sent. Raises `CannotConnect`, `LinkRefused`, `Unavailable`."""
        try:
            return self._open(target, address)
        except _TlsFailed as trouble:
            if target.tls is not TargetTls.OPPORTUNISTIC or target.user:
                raise LinkRefused(f"TLS failed: {trouble}") from trouble
        # What was offered does not work; opportunistic TLS then does without (RFC 7435 §3).
        return self.open(replace(target, tls=TargetTls.NONE), address)

    def _open(self, target: RelayTarget, address: str) -> BoundedSmtp:
        connection = self._connect(target, address)
        timer = connection.cut_after(OPENING_SECONDS)
        try:
            self._prepare(connection, target)
        except BaseException as trouble:
            leave(connection)
            if isinstance(trouble, smtplib.SMTPResponseException):
                raise LinkRefused(words(trouble.smtp_code, trouble.smtp_error)) from trouble
            if isinstance(trouble, (OSError, ValueError)):
                raise LinkRefused(f"{type(trouble).__name__}: {trouble}") from trouble
            raise
        finally:
            timer.cancel()
        return connection

    def _connect(self, target: RelayTarget, address: str) -> BoundedSmtp:
        server = Server(target.host, target.port, address)
        try:
            if target.port == IMPLICIT_TLS_PORT and target.tls is not TargetTls.NONE:
                return BoundedSmtpOverTls(server, self.hostname, self._context(target))
            return BoundedSmtp(server, self.hostname)
        except smtplib.SMTPResponseException as refused:
            raise LinkRefused(words(refused.smtp_code, refused.smtp_error)) from refused
        except (OSError, ValueError) as trouble:
            raise CannotConnect(f"{type(trouble).__name__}: {trouble}") from trouble

    def _prepare(self, connection: BoundedSmtp, target: RelayTarget) -> None:
        """Introduce ourselves, secure the connection as policy says, and log in."""
        connection.ehlo_or_helo_if_needed()
        if target.tls is not TargetTls.NONE and not isinstance(connection, BoundedSmtpOverTls):
            self._start_tls(connection, target)
        if target.user:
            try:
                connection.login(target.user, self.password_of(target.secret))
            except smtplib.SMTPException as refused:
                raise LinkRefused(f"login failed: {type(refused).__name__}") from refused

    def _start_tls(self, connection: BoundedSmtp, target: RelayTarget) -> None:
        if connection.has_extn("starttls"):
            try:
                connection.starttls(context=self._context(target))
            except (ssl.SSLError, smtplib.SMTPResponseException) as trouble:
                raise _TlsFailed(str(trouble)) from trouble
            connection.ehlo()
        elif target.tls is TargetTls.VERIFIED:
            raise LinkRefused("the server does not offer TLS, which policy demands")

    def _context(self, target: RelayTarget) -> ssl.SSLContext:
        return self.verifying if target.tls is TargetTls.VERIFIED else self.trusting


@dataclass(slots=True)
class Link:
    """A connection and what it was used for. `is_fit` says that another copy may be sent by it."""

    connection: BoundedSmtp
    copies: int = 0
    is_fit: bool = True
    idle_since: float = 0.0


_Key = tuple[RelayTarget, str]


class Links:
    """Connections by target and address. Safe for threads."""

    def __init__(self, opener: Opener, seconds: Callable[[], float] = time.monotonic) -> None:
        self._opener = opener
        self._seconds = seconds
        self._lock = threading.Lock()
        self._idle: dict[_Key, list[Link]] = defaultdict(list)
        self._in_use: Counter[tuple[str, int]] = Counter()

    @contextmanager
    def lend(self, target: RelayTarget, address: str) -> Iterator[Link]:
        """A connection for one copy: one that is open and answers, or a new one.

        Raises `CannotConnect`, `LinkRefused`, `Unavailable`.
        """
        link = self._reusable(target, address) or Link(self._opener.open(target, address))
        link.copies += 1
        try:
            yield link
        except BaseException:
            link.is_fit = False
            raise
        finally:
            self._give_back((target, address), link)

    def enter(self, target: RelayTarget, most: int) -> bool:
        """Count a copy that is about to be sent to a server, unless there are `most` already."""
        with self._lock:
            host = (target.host, target.port)
            if self._in_use[host] >= most:
                return False
            self._in_use[host] += 1
            return True

    def exit(self, target: RelayTarget) -> None:
        """Take back one `enter`."""
        with self._lock:
            host = (target.host, target.port)
            self._in_use[host] -= 1
            if not self._in_use[host]:
                del self._in_use[host]

    def close_idle(self, seconds: float = 0) -> None:
        """Say goodbye on every connection that nobody needed for so long."""
        with self._lock:
            latest = self._seconds() - seconds
            old = [(key, link) for key, links in self._idle.items() for link in links if link.idle_since <= latest]
            for key, link in old:
                self._idle[key].remove(link)
            self._idle = defaultdict(list, {key: links for key, links in self._idle.items() if links})
        for _, link in old:
            leave(link.connection)

    def _reusable(self, target: RelayTarget, address: str) -> Link | None:
        while (link := self._pop((target, address))) is not None:
            if _answers(link.connection):
                return link
            leave(link.connection)
        return None

    def _pop(self, key: _Key) -> Link | None:
        with self._lock:
            links = self._idle.get(key)
            return links.pop() if links else None

    def _give_back(self, key: _Key, link: Link) -> None:
        if not link.is_fit or link.copies >= COPIES_PER_LINK:
            leave(link.connection)
            return
        link.idle_since = self._seconds()
        with self._lock:
            self._idle[key].append(link)


def _answers(connection: BoundedSmtp) -> bool:
    """Whether the server still is there, and ready for another copy."""
    timer = connection.cut_after(OPENING_SECONDS)
    try:
        return connection.rset()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False
    finally:
        timer.cancel()


def leave(connection: BoundedSmtp) -> None:
    """Say goodbye. What is said back changes nothing: the message was taken, or it was not."""
    with suppress(OSError, smtplib.SMTPException):
        if connection.sock is not None:
            connection.sock.settimeout(GOODBYE_SECONDS)
            timer = connection.cut_after(GOODBYE_SECONDS)
            try:
                connection.quit()
            finally:
                timer.cancel()
    connection.close()


def words(code: int, text: bytes | str) -> str:
    """A reply as one text."""
    told = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {told}".strip()
