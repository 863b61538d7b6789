"""The SMTP receiver: one client's conversation, from its connection to the replies.

It drives the protocol object: looks recipients up, spools the message, and gives a complete one to `Acceptance`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from postern import replies
from postern.model import Envelope, Recipient, Session
from postern.networks import is_within, known_address
from postern.ports import Unavailable
from postern.recipients import MailPath, Resolution
from postern.replies import Reply
from postern.session.counters import MailProtocol
from postern.session.smtp_policy import EarlyTalk
from postern_frontend.connection import Connection, Expiry
from postern_frontend.data_scanner import TextFacts
from postern_frontend.envelope_rules import EnvelopeRules, Question
from postern_frontend.incoming import IncomingTransaction, Observed, observed_in
from postern_frontend.receiver_service import ReceiverService
from postern_frontend.screening.session import SessionScreen
from postern_frontend.smtp.events import (
    Closed,
    Event,
    LoginGiven,
    MessageReceived,
    RecipientGiven,
    ReversePathGiven,
    TextReceived,
    TlsRequested,
    TransactionEnded,
)
from postern_frontend.smtp.phase import Expects
from postern_frontend.smtp.protocol import SmtpProtocol
from postern_frontend.spool import SpoolFullError
from postern_frontend.submission import Submitter
from postern_frontend.transaction import ReceivedMessage

T = TypeVar("T")

MAX_WAITING_OCTETS = 65_536
"""What a client may send ahead of an answer before it is made to wait."""


class SmtpConversation:
    """See `postern_frontend.connection.Conversation`."""

    def __init__(self, connection: Connection, service: ReceiverService, session_id: str) -> None:
        self._connection = connection
        self._service = service
        self._session_id = session_id
        self._protocol = SmtpProtocol(service.profile)
        self._protocol.tls_available = connection.can_start_tls
        self._manners = service.manners()
        self._protocol.bare_line_ends = self._manners.bare_newline
        self._greeting: asyncio.TimerHandle | None = None
        self._trusted = self._is_trusted()
        self._screen = SessionScreen(service.screen, MailProtocol.SMTP, connection.client.ip)
        self._submitter = self._possible_submitter()
        self._observed: list[str] = []
        self._incoming = IncomingTransaction(service.spool_budget, service.spool_directory)
        self._commands_seen = -1
        self._draining = False
        self._logged_in_at = 0.0
        self._messages_accepted = 0
        self._recipients_refused = 0

    # --- for the connection ---------------------------------------------------------------------------

    def opened(self) -> None:
        """Greet, at once or after the delay that early talkers do not wait for."""
        if self._connection.tls is not None:
            self._protocol.start_over()
        # A program on which somebody waits to log in is no robot of the Internet.
        delay = 0 if self._trusted or self._submitter else self._manners.greeting_seconds
        if delay:
            self._greeting = self._connection.later(delay, self._greet)
        else:
            self._greet()

    def received(self, data: bytes) -> None:
        """Take octets."""
        if self._greeting is not None and Observed.EARLY_TALKER not in self._observed:
            self._talked_early()
        self._protocol.receive(data)
        if self._greeting is None:
            self._pump()
        else:
            self._connection.hold_back(self._protocol.buffered > MAX_WAITING_OCTETS)

    def secured(self) -> None:
        """The handshake is done."""
        self._protocol.start_over()
        self._pump()

    def half_closed(self) -> bool:
        """Whether an answer is still owed."""
        return self._protocol.expects is Expects.ANSWER

    def expired(self, expiry: Expiry) -> None:
        """Say why and close."""
        self._protocol.abort(replies.TOO_SLOW if expiry is Expiry.TOO_SLOW else replies.TIMED_OUT)
        self._pump()

    def draining(self) -> None:
        """Close after the transaction that is open, or now."""
        self._draining = True
        self._greet_now()
        self._protocol.finish(replies.SHUTTING_DOWN)
        self._commands_seen = -1
        self._pump()

    def failed(self) -> None:
        """It is our fault: the sender keeps the message."""
        if self._protocol.expects is Expects.ANSWER:
            self._protocol.answer(replies.LOCAL_TROUBLE)
        else:
            self._protocol.abort(replies.LOCAL_TROUBLE)
        self._pump()

    def lost(self) -> None:
        """Forget what was kept; a message that is being decided goes its way."""
        if self._greeting is not None:
            self._greeting.cancel()
        self._incoming.clear()
        self._report()

    def _report(self) -> None:
        """A line for the session, unless it did nothing, or nothing but hand over its mail."""
        protocol, connection = self._protocol, self._connection
        if protocol.commands and (protocol.errors or not self._messages_accepted):
            connection.log.info(
                "session without mail" if not self._messages_accepted else "session with errors",
                helo=protocol.helo_identity,
                commands=protocol.commands,
                errors=protocol.errors,
                recipients_refused=self._recipients_refused,
                octets=connection.octets_received,
                tls=connection.tls.version if connection.tls else None,
            )

    # --- the conversation -----------------------------------------------------------------------------

    def _possible_submitter(self) -> Submitter | None:
        submission, connection = self._service.submission, self._connection
        return Submitter(submission, connection.client.ip, self._screen, connection.log) if submission else None

    def _is_trusted(self) -> bool:
        networks = self._service.sites.site().trusted_networks
        address = known_address(self._connection.client.ip) if networks else None
        return address is not None and is_within(address, networks)

    def _greet(self) -> None:
        self._greeting = None
        self._protocol.greet()
        self._pump()

    def _greet_now(self) -> None:
        if self._greeting is not None:
            self._greeting.cancel()
            self._greeting = None

    def _talked_early(self) -> None:
        self._observed.append(Observed.EARLY_TALKER)
        self._connection.log.info("early talker")
        if self._manners.early_talk is EarlyTalk.REFUSE:
            self._greet_now()
            self._protocol.abort(replies.EARLY_TALKER)

    def _pump(self) -> None:
        """Carry out all events, then send all replies in one write."""
        while event := self._protocol.next_event():
            self._carry_out(event)
        if self._protocol.expects is not Expects.ANSWER:
            self._flush()
        self._set_expectation()

    def _flush(self) -> None:
        self._connection.send(self._protocol.take_output())

    def _set_expectation(self) -> None:
        timing, expects = self._service.timing, self._protocol.expects
        self._connection.hold_back(expects is Expects.ANSWER and self._protocol.buffered > MAX_WAITING_OCTETS)
        if expects is Expects.TEXT:
            self._connection.expect(timing.text, octets_per_minute=timing.slow_octets_per_minute)
            self._commands_seen = -1
        elif expects is Expects.ANSWER:
            self._connection.expect(timing.answer)
            self._commands_seen = -1
        elif self._connection.half_closed:
            self._connection.close()
        elif expects is Expects.COMMAND and self._commands_seen != self._protocol.commands:
            # Only a whole command starts the clock anew: octets that drip in do not.
            self._commands_seen = self._protocol.commands
            self._connection.expect(timing.command_while_draining if self._draining else timing.command)

    def _carry_out(self, event: Event) -> None:
        match event:
            case TextReceived(text):
                self._keep(text)
            case ReversePathGiven(path, envelope):
                self._judge_reverse_path(path, envelope.declared_size or 0)
            case RecipientGiven(path, parameters):
                self._judge_recipient(path, parameters)
            case MessageReceived(facts):
                self._flush()
                self._connection.spawn(self._settle(self._received_message(facts)))
            case TransactionEnded():
                self._incoming.clear()
            case TlsRequested():
                self._start_tls()
            case LoginGiven():
                self._connection.spawn(self._log_in(event))
            case Closed(abrupt):
                self._flush()
                self._connection.close(linger=abrupt)

    def _answer(self, reply: Reply) -> None:
        """Answer the event that waited, and go on."""
        self._protocol.answer(reply)
        self._pump()

    def _answer_guarded(self, reply: Reply) -> None:
        """Answer, and end the session of an account that may not send."""
        if reply is replies.ACCOUNT_FROZEN:
            self._protocol.abort(reply)
        else:
            self._protocol.answer(reply)

    def _start_tls(self) -> None:
        if not self._connection.can_start_tls:
            self._protocol.answer(replies.TLS_UNAVAILABLE)
            return
        self._protocol.answer(replies.READY_FOR_TLS)
        self._flush()
        self._connection.start_tls()

    async def _log_in(self, given: LoginGiven) -> None:
        self._logged_in_at = asyncio.get_running_loop().time()
        self._answer(await self._submitter.log_in(given) if self._submitter else replies.LOGIN_UNAVAILABLE)

    # --- the envelope ---------------------------------------------------------------------------------

    def _judge_reverse_path(self, path: MailPath | None, declared_size: int) -> None:
        stopped = self._in_the_clear(path) or self._service.acceptance.stopped(self._account, self._logged_in_at)
        if self._screen.is_banned:
            self._protocol.answer(replies.BANNED_MEANWHILE)
        elif stopped is not None:
            self._answer_guarded(stopped)
        elif self._service.spool_budget.has_room(declared_size):
            self._look_up(self._rules.reverse_path(path, self._session()), lambda reply: reply)
        else:
            self._protocol.answer(replies.INSUFFICIENT_STORAGE)

    def _in_the_clear(self, path: MailPath | None) -> Reply | None:
        """Why MAIL is not taken without TLS."""
        connection = self._connection
        if connection.tls is not None:
            return None
        return self._service.tls_rules.mail(path, connection.client.ip, offered=connection.can_start_tls)

    @property
    def _rules(self) -> EnvelopeRules:
        return (self._submitter.rules if self._submitter else None) or self._service.rules

    def _judge_recipient(self, path: MailPath, parameters: Mapping[str, object]) -> None:
        refusal = self._for_in_the_clear(path)
        if refusal is not None:
            self._protocol.answer(refusal)
            return
        envelope = self._protocol.envelope or Envelope(None)
        self._look_up(
            self._rules.recipient(path, envelope, self._session()),
            lambda resolution: self._recipient_reply(path, resolution, parameters),
        )

    def _for_in_the_clear(self, path: MailPath) -> Reply | None:
        """Why RCPT is not taken without TLS."""
        if self._connection.tls is not None:
            return None
        site = self._service.sites.site()
        default_domain = site.local_domains[0] if site.local_domains else site.hostname
        return self._service.tls_rules.recipient(path, default_domain, offered=self._connection.can_start_tls)

    def _recipient_reply(self, path: MailPath, resolution: Resolution, parameters: Mapping[str, object]) -> Reply:
        refusal = resolution.refusal
        # Who has logged in guesses no addresses.
        if not self._account and self._screen.recipient_given(unknown=refusal is replies.RECIPIENT_UNKNOWN):
            refusal = replies.TOO_MANY_UNKNOWN_RECIPIENTS
        if refusal is None:
            added = self._incoming.add(tuple(_with_parameters(one, parameters) for one in resolution.recipients))
            return replies.RECIPIENT_OK if added else replies.TOO_MANY_RECIPIENTS
        self._recipients_refused += 1
        self._connection.log.info("recipient refused", forward_path=str(path), reply=f"{refusal.code} {refusal.text}")
        return refusal

    def _look_up(self, question: Question[T], reply_to: Callable[[T], Reply]) -> None:
        """Answer the protocol by what the directory says: at once when it is remembered, as it mostly is."""
        known = self._service.lookup.recall(question)
        if known is None:
            self._connection.spawn(self._ask_directory(question, reply_to))
        else:
            self._protocol.answer(reply_to(known))

    async def _ask_directory(self, question: Question[T], reply_to: Callable[[T], Reply]) -> None:
        try:
            reply = reply_to(await self._service.lookup.ask(question))
        except Unavailable as trouble:
            self._connection.log.warning("directory unavailable", reason=str(trouble))
            reply = replies.DIRECTORY_UNAVAILABLE
        self._answer(reply)

    # --- the message ----------------------------------------------------------------------------------

    def _keep(self, text: bytes) -> None:
        try:
            self._incoming.keep(text)
        except SpoolFullError:
            self._connection.log.warning("spool full")
            self._protocol.refuse_message(replies.INSUFFICIENT_STORAGE)

    def _received_message(self, facts: TextFacts) -> ReceivedMessage:
        return ReceivedMessage(
            session=self._session(),
            envelope=self._protocol.envelope or Envelope(None),
            recipients=self._incoming.recipients,
            spool=self._incoming.take_message(),
            observations=(*self._observed, *observed_in(facts)),
        )

    def _session(self) -> Session:
        return Session(
            session_id=self._session_id,
            client_ip=self._connection.client.ip,
            client_port=self._connection.client.port,
            helo_identity=self._protocol.helo_identity,
            extended=self._protocol.extended,
            tls=self._connection.tls,
            authenticated_as=self._account or None,
            trusted=self._trusted,
        )

    @property
    def _account(self) -> str:
        """The address of the account that has logged in, or nothing."""
        return self._submitter.account.address if self._submitter and self._submitter.account else ""

    async def _settle(self, message: ReceivedMessage) -> None:
        try:
            reply = await self._settled(message)
        finally:
            message.spool.close()
        self._messages_accepted += reply.is_positive
        if not self._connection.is_open:
            self._connection.log.info("client left before its answer", reply=reply.code)
        self._answer_guarded(reply)
        self._pump()

    async def _settled(self, message: ReceivedMessage) -> Reply:
        """The reply to a message, after what is asked of those who submit one."""
        examined = await self._submitter.examine(message) if self._submitter else message
        if isinstance(examined, Reply):
            return examined
        try:
            return await self._service.acceptance.settle(examined, self._connection.log)
        finally:
            examined.spool.close()


def _with_parameters(recipient: Recipient, parameters: Mapping[str, object]) -> Recipient:
    """A recipient with what the client said of notices to its sender (RFC 3461 §4.1, §4.2)."""
    notify = parameters.get("NOTIFY")
    return replace(
        recipient,
        notify=notify if isinstance(notify, tuple) else (),
        original_recipient=str(parameters.get("ORCPT", "")),
    )
