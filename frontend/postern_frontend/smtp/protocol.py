"""The SMTP server's side of a conversation, without I/O.

    protocol.receive(octets)                     what the client sent
    while event := protocol.next_event(): ...    what it means; some events wait for `answer(reply)`
    transport.write(protocol.take_output())      what to send, one write for a group of pipelined commands

The transaction moves through `Phase`; `commands` holds what each verb does, and in which phase it may come.
Octets that are no commands are taken by an `Intake`. Nothing here raises for anything a client sends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import lru_cache

from postern import replies
from postern.model import Envelope
from postern.replies import Reply
from postern.session.smtp_policy import BareLineEnds
from postern_frontend.data_scanner import DataScanner, TextNormalizer
from postern_frontend.smtp import commands
from postern_frontend.smtp.events import Closed, Event, MessageReceived, TextReceived, TransactionEnded
from postern_frontend.smtp.intake import ChunkIntake, Intake
from postern_frontend.smtp.phase import Expects, Phase
from postern_frontend.smtp.profile import SmtpProfile

_NO_LINE_END = -1
_encoded = lru_cache(maxsize=256)(Reply.encode)


class SmtpProtocol:
    """One conversation. Attributes without underscore are for reading."""

    def __init__(self, profile: SmtpProfile) -> None:
        self.profile = profile
        self.phase = Phase.NEW
        self.secured = False
        self.logged_in = False
        self.failed_logins = 0
        self.tls_available = True
        self.bare_line_ends = BareLineEnds.NORMALIZE
        self.helo_identity = ""
        self.extended = False
        self.envelope: Envelope | None = None
        self.recipients = 0
        self.recipients_refused = 0
        self.errors = 0
        self.commands = 0
        self._commands_without_mail = 0
        self._input = b""
        self._at = 0
        self._skipping_line = False
        self._output: list[bytes] = []
        self._events: deque[Event] = deque()
        self._resume: Callable[[Reply], None] | None = None
        self._line_taker: Callable[[bytes], None] | None = None
        self._line_too_long = replies.LINE_TOO_LONG
        self._intake: Intake | None = None
        self._intake_done: Callable[[], None] | None = None
        self._next_step: Callable[[], None] | None = None
        self._text: TextNormalizer | None = None
        self._refusal: Reply | None = None
        self._farewell: Reply | None = None

    # --- for the driver -------------------------------------------------------------------------------

    def greet(self) -> None:
        """Say the banner."""
        self.reply(replies.greeting(self.profile.hostname))

    def receive(self, data: bytes) -> None:
        """Take what the client sent."""
        if self.phase not in (Phase.CLOSED, Phase.SECURING):
            self._input = self._input[self._at :] + data if self._at < len(self._input) else data
            self._at = 0

    def next_event(self) -> Event | None:
        """The next event; `None` when more octets or an answer are needed first."""
        while not self._events:
            if self._resume is not None or self.phase is Phase.CLOSED or not self._advance():
                return None
        return self._events.popleft()

    def answer(self, reply: Reply) -> None:
        """Answer the event that waits. Too late an answer, to a closed conversation, is nobody's."""
        resume, self._resume = self._resume, None
        if resume is None:
            return
        if reply.closes:
            self.abort(reply)
        else:
            resume(reply)

    def take_output(self) -> bytes:
        """What is to be sent now."""
        output = b"".join(self._output)
        self._output.clear()
        return output

    def start_over(self) -> None:
        """TLS is up: forget everything the client said before (RFC 3207 §4.2)."""
        self.secured = True
        self.logged_in = False
        self.helo_identity = ""
        self.extended = False
        self.phase = Phase.NEW

    def refuse_message(self, reply: Reply) -> None:
        """The message that arrives cannot be kept; it is read to its end and then refused so."""
        self._refusal = self._refusal or reply

    def finish(self, reply: Reply) -> None:
        """Close with `reply` as soon as no transaction is open."""
        self._farewell = reply

    def abort(self, reply: Reply, *, abrupt: bool = True) -> None:
        """Close with `reply` now; `abrupt` when the client may still be sending."""
        if self.phase is Phase.CLOSED:
            return
        self.reply(reply)
        self._close(abrupt=abrupt)

    @property
    def expects(self) -> Expects:
        """What the server waits for."""
        if self._resume is not None:
            return Expects.ANSWER
        if self.phase is Phase.SECURING:
            return Expects.HANDSHAKE
        return Expects.TEXT if self._intake else Expects.COMMAND

    @property
    def buffered(self) -> int:
        """How many octets wait to be looked at."""
        return len(self._input) - self._at

    # --- for commands ---------------------------------------------------------------------------------

    def reply(self, reply: Reply) -> None:
        """Send a reply."""
        self._output.append(_encoded(reply))

    def error(self, reply: Reply) -> None:
        """Send a reply to a command that was wrong; too many of them end the conversation."""
        self.errors += 1
        if self.errors > self.profile.max_errors:
            self.abort(replies.TOO_MANY_ERRORS)
        else:
            self.reply(reply)

    def tell(self, event: Event) -> None:
        """Tell the driver something."""
        self._events.append(event)

    def ask(self, event: Event, resume: Callable[[Reply], None]) -> None:
        """Tell the driver something and go on with `resume` when it has answered."""
        self._events.append(event)
        self._resume = resume

    def take_lines(self, taker: Callable[[bytes], None] | None, *, too_long: Reply = replies.LINE_TOO_LONG) -> None:
        """Give the client's lines (without CRLF) to `taker`, as in an exchange of AUTH; `None` ends that.

        So does a line that is malformed or longer than a command may be; the latter is answered `too_long`.
        """
        self._line_taker = taker
        self._line_too_long = too_long

    def open_transaction(self, envelope: Envelope) -> None:
        """MAIL was accepted."""
        self.envelope = envelope
        self.phase = Phase.MAIL

    def add_recipient(self, *, accepted: bool) -> None:
        """RCPT was answered."""
        if accepted:
            self.recipients += 1
            self.phase = Phase.RECIPIENTS
        else:
            self.recipients_refused += 1

    def start_data(self) -> None:
        """Take the message up to its final dot."""
        scanner = DataScanner()
        self._text = scanner.text
        self._take_octets(scanner, self._message_complete)

    def start_chunk(self, octets: int, *, last: bool) -> None:
        """Take a chunk of the message."""
        self._text = self._text or TextNormalizer()
        self.phase = Phase.CHUNKS
        if self._text.size + octets > self.profile.max_message_octets:
            self.refuse_message(replies.MESSAGE_TOO_LARGE)
        done = self._last_chunk_complete if last else lambda: self._chunk_complete(octets)
        self._take_octets(ChunkIntake(octets, self._text), done)

    def skip_chunk(self, octets: int, reply: Reply) -> None:
        """Read over a chunk that comes out of order, then say so (RFC 3030 §4.2)."""
        self._take_octets(ChunkIntake(octets, None), lambda: self.error(reply))

    def end_transaction(self) -> None:
        """Forget the transaction."""
        if self.envelope is not None:
            self.tell(TransactionEnded())
        self.envelope = None
        self.recipients = self.recipients_refused = 0
        self._text = self._refusal = None
        if self.phase is not Phase.NEW:
            self.phase = Phase.READY

    def introduce(self, helo_identity: str, *, extended: bool) -> None:
        """HELO or EHLO was accepted."""
        self.helo_identity = helo_identity
        self.extended = extended
        self.phase = Phase.READY

    def await_tls(self) -> None:
        """Drop what the client sent ahead: it must not be taken for what it says under TLS."""
        self._discard_input()
        self.phase = Phase.SECURING

    # --- the stream -----------------------------------------------------------------------------------

    def _advance(self) -> bool:
        """Do one step of work; `False` when the input does not suffice for one.

        The driver carries out the events of one step before the next step: what it does about a piece of text,
        such as `refuse_message`, decides what becomes of the message.
        """
        if self.phase is Phase.SECURING:
            return False
        if self._next_step is not None:
            step, self._next_step = self._next_step, None
            step()
            return True
        if self._intake is not None:
            return self._advance_intake(self._intake)
        if self._farewell is not None and self.phase in (Phase.NEW, Phase.READY):
            self.abort(self._farewell, abrupt=False)
            return True
        return self._advance_line()

    def _advance_intake(self, intake: Intake) -> bool:
        if intake.finished:
            self._intake = None
            self._next_step, self._intake_done = self._intake_done, None
            return True
        if self._at >= len(self._input):
            return False
        text, self._input = intake.feed(self._input[self._at :])
        self._at = 0
        self._keep(text)
        return True

    def _advance_line(self) -> bool:
        end = self._input.find(b"\n", self._at)
        if end == _NO_LINE_END:
            if self.buffered > self.profile.max_command_octets:
                self._skipping_line = True
                self._discard_input()
            return False
        line = self._input[self._at : end + 1]
        self._at = end + 1
        self._line(line)
        return True

    def _line(self, line: bytes) -> None:
        self.commands += 1
        self._commands_without_mail += 1
        if self._commands_without_mail > self.profile.max_commands_without_mail:
            self.abort(replies.TOO_MANY_COMMANDS)
        elif self._skipping_line or len(line) > self.profile.max_command_octets:
            self._skipping_line = False
            self._broken_line(self._line_too_long)
        elif not line.endswith(b"\r\n") or b"\r" in line[:-2] or b"\0" in line:
            self._broken_line(replies.LINE_MALFORMED)
        elif self._line_taker is not None:
            self._line_taker(line[:-2])
        else:
            commands.carry_out(self, line[:-2])

    def _broken_line(self, reply: Reply) -> None:
        self.take_lines(None)
        self.error(reply)

    def _take_octets(self, intake: Intake, done: Callable[[], None]) -> None:
        self._intake = intake
        self._intake_done = done

    def _close(self, *, abrupt: bool) -> None:
        self.end_transaction()
        self._intake = self._resume = self._next_step = None
        self._discard_input()
        self.phase = Phase.CLOSED
        self.tell(Closed(abrupt))

    def _discard_input(self) -> None:
        self._input = b""
        self._at = 0

    # --- the message ----------------------------------------------------------------------------------

    def _keep(self, text: bytes) -> None:
        if self._text is not None and self._text.size > self.profile.max_message_octets:
            if self._text.size > 2 * self.profile.max_message_octets:
                self.abort(replies.MESSAGE_TOO_LARGE)
                return
            self.refuse_message(replies.MESSAGE_TOO_LARGE)
        if text and self._refusal is None:
            self.tell(TextReceived(text))

    def _chunk_complete(self, octets: int) -> None:
        self.reply(self._refusal or replies.chunk_received(octets))

    def _last_chunk_complete(self) -> None:
        if self._text is not None:
            self._keep(self._text.finish())
        self._next_step = self._message_complete

    def _message_complete(self) -> None:
        text = self._text or TextNormalizer()
        if text.bare_line_ends and self.bare_line_ends is BareLineEnds.REJECT:
            self.refuse_message(replies.BARE_LINE_END)
        if self._refusal is None:
            self.ask(MessageReceived(text.facts), self._message_answered)
        else:
            self._message_answered(self._refusal)

    def _message_answered(self, reply: Reply) -> None:
        if reply.is_positive:
            self._commands_without_mail = 0
        self.reply(reply)
        self.end_transaction()
