"""Every reply Postern gives to an SMTP client, in one catalogue (RFC 5321 §4.2, RFC 3463, RFC 2034).

Public text is generic: it never holds an exception, a file name or whether an account exists. What differs
from case to case is an argument, and is cleaned before it reaches the wire. Our own trouble is always 4yz.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LINE_OCTETS = 512
"""A reply line with its code and CRLF (RFC 5321 §4.5.3.1.5)."""

_TEXT_OCTETS = MAX_LINE_OCTETS - len("250-x.yyy.yyy \r\n")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\n]")


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMTP reply: code, RFC 3463 enhanced code (`None` where there is none), text.

    A newline in `text` starts another line of a multi-line reply.
    """

    code: int
    enhanced: str | None
    text: str

    @property
    def is_positive(self) -> bool:
        """The server did or will do what was asked (2yz and 3yz)."""
        return 200 <= self.code < 400

    @property
    def is_temporary(self) -> bool:
        """The client should try again later (4yz)."""
        return 400 <= self.code < 500

    @property
    def is_permanent(self) -> bool:
        """The client should give up (5yz)."""
        return 500 <= self.code < 600

    @property
    def closes(self) -> bool:
        """The server closes the connection after this reply (RFC 5321 §3.8)."""
        return self.code in (221, 421)

    def lines(self) -> tuple[str, ...]:
        """The text as it is sent: printable ASCII, each line short enough for the wire."""
        clean = _UNPRINTABLE.sub("?", self.text)
        pieces: list[str] = []
        for line in clean.split("\n"):
            pieces.extend(line[at : at + _TEXT_OCTETS] for at in range(0, len(line), _TEXT_OCTETS))
            if not line:
                pieces.append("")
        return tuple(pieces)

    def encode(self) -> bytes:
        """The octets on the wire, the enhanced code repeated on every line (RFC 2034 §3)."""
        prefix = f"{self.enhanced} " if self.enhanced else ""
        lines = self.lines()
        last = len(lines) - 1
        return "".join(
            f"{self.code}{' ' if at == last else '-'}{prefix}{line}\r\n" for at, line in enumerate(lines)
        ).encode("ascii")


# --- the session ------------------------------------------------------------------------------------------


def greeting(hostname: str) -> Reply:
    """The banner."""
    return Reply(220, None, f"{hostname} ESMTP Postern")


def hello(hostname: str) -> Reply:
    """The answer to HELO."""
    return Reply(250, None, hostname)


def extended_hello(hostname: str, extensions: tuple[str, ...]) -> Reply:
    """The answer to EHLO: our name, then one line for each extension (RFC 5321 §4.1.1.1)."""
    return Reply(250, None, "\n".join((hostname, *extensions)))


OK = Reply(250, "2.0.0", "OK")
RESET = Reply(250, "2.0.0", "Transaction cleared")
GOODBYE = Reply(221, "2.0.0", "Goodbye")
CANNOT_VERIFY = Reply(252, "2.0.0", "Cannot verify, but will take a message for an address that is ours")
HELP = Reply(214, "2.0.0", "See RFC 5321; postmaster is a person here")
READY_FOR_TLS = Reply(220, "2.0.0", "Ready to start TLS")

COMMAND_UNKNOWN = Reply(500, "5.5.2", "Command not recognized")
COMMAND_NOT_IMPLEMENTED = Reply(502, "5.5.1", "Command not implemented")
LINE_TOO_LONG = Reply(500, "5.5.2", "Line too long")
LINE_MALFORMED = Reply(500, "5.5.2", "A command is one line of text that ends in CRLF")
ARGUMENT_MALFORMED = Reply(501, "5.5.4", "Syntax error in the arguments")
NO_ARGUMENT_ALLOWED = Reply(501, "5.5.4", "This command has no arguments")
HELLO_NEEDS_NAME = Reply(501, "5.5.4", "Give your host name or address literal")
HELLO_FIRST = Reply(503, "5.5.1", "Say EHLO or HELO first")
MAIL_FIRST = Reply(503, "5.5.1", "Send MAIL first")
RECIPIENT_FIRST = Reply(503, "5.5.1", "Send RCPT first")
MAIL_ALREADY_GIVEN = Reply(503, "5.5.1", "A transaction is already open")
CHUNKS_STARTED = Reply(503, "5.5.1", "The message has begun with BDAT; continue with BDAT or RSET")
TLS_ALREADY_ACTIVE = Reply(503, "5.5.1", "TLS is already active")
TLS_UNAVAILABLE = Reply(454, "4.7.0", "TLS is not available now")
TLS_REQUIRED = Reply(530, "5.7.0", "Send STARTTLS first")
TLS_REQUIRED_FOR_DOMAIN = Reply(
    530, "5.7.10", "Mail of or for this domain is taken under TLS only; send STARTTLS first"
)
LOGIN_REQUIRED = Reply(530, "5.7.0", "Log in first")

EARLY_TALKER = Reply(554, None, "Wait for the greeting before you speak")
BUSY = Reply(421, None, "Too many connections; try again later")
BUSY_FOR_CLIENT = Reply(421, None, "Too many connections from your address; try again later")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors")
TOO_MANY_COMMANDS = Reply(421, "4.7.0", "Too many commands without a message")
TIMED_OUT = Reply(421, "4.4.2", "Timed out")
TOO_SLOW = Reply(421, "4.4.2", "Data arrives too slowly")
SHUTTING_DOWN = Reply(421, "4.3.2", "Service is restarting; try again")
BANNED_FOR_NOW = Reply(421, None, "Your address is blocked for now; try again later")
BANNED_MEANWHILE = Reply(421, "4.7.0", "Your address is blocked for now; try again later")
BANNED = Reply(554, None, "Your address is blocked; write to the postmaster from another one")
ONLY_QUIT = Reply(503, None, "Nothing but QUIT is taken here")
TOO_MANY_UNKNOWN_RECIPIENTS = Reply(421, "4.7.0", "Too many unknown recipients; try again later")

# --- logging in (RFC 4954 §4, §6) --------------------------------------------------------------------------

EMPTY_CHALLENGE = Reply(334, None, "")
ASK_NAME = Reply(334, None, "VXNlcm5hbWU6")
ASK_PASSWORD = Reply(334, None, "UGFzc3dvcmQ6")
LOGGED_IN = Reply(235, "2.7.0", "Logged in")
LOGIN_FAILED = Reply(535, "5.7.8", "Name or password is wrong")
ACCOUNT_DISABLED = Reply(525, "5.7.13", "This account is disabled; ask the postmaster")
LOGIN_UNAVAILABLE = Reply(454, "4.7.0", "Logins cannot be checked now; try again later")
LOGIN_CANCELLED = Reply(501, "5.7.0", "Login cancelled")
LOGIN_NOT_BASE64 = Reply(501, "5.5.2", "This is no base64")
LOGIN_MALFORMED = Reply(501, "5.5.2", "This is no response of the mechanism")
LOGIN_LINE_TOO_LONG = Reply(500, "5.5.6", "Line too long for a login")
LOGIN_UNDER_TLS = Reply(538, "5.7.11", "Send STARTTLS first; passwords are not taken in the clear")
ALREADY_LOGGED_IN = Reply(503, "5.5.1", "You are logged in already")
MECHANISM_UNKNOWN = Reply(504, "5.5.4", "Mechanism not implemented; use PLAIN or LOGIN")
EHLO_FIRST = Reply(503, "5.5.1", "Say EHLO first")
TOO_MANY_FAILED_LOGINS = Reply(421, "4.7.0", "Too many failed logins")

# --- the envelope -----------------------------------------------------------------------------------------

REVERSE_PATH_OK = Reply(250, "2.1.0", "Reverse-path accepted")
RECIPIENT_OK = Reply(250, "2.1.5", "Recipient accepted")
REVERSE_PATH_MALFORMED = Reply(501, "5.1.7", "Malformed reverse-path")
FORWARD_PATH_MALFORMED = Reply(501, "5.1.3", "Malformed forward-path")
REVERSE_PATH_NEEDS_SMTPUTF8 = Reply(550, "5.6.7", "This reverse-path needs SMTPUTF8")
RECIPIENT_NEEDS_SMTPUTF8 = Reply(553, "5.6.7", "This recipient needs SMTPUTF8")
TARGET_WITHOUT_SMTPUTF8 = Reply(550, "5.6.7", "The recipient's server does not take SMTPUTF8 messages")
PARAMETER_UNKNOWN = Reply(555, "5.5.4", "Parameter not recognized or not implemented")
PARAMETER_MALFORMED = Reply(501, "5.5.4", "Malformed parameter")
PARAMETER_REPEATED = Reply(501, "5.5.4", "Parameter given twice")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients; send the rest separately")
RECIPIENT_UNKNOWN = Reply(550, "5.1.1", "No such recipient here")
RELAYING_DENIED = Reply(550, "5.7.1", "Relaying denied")
REVERSE_PATH_UNKNOWN = Reply(550, "5.1.0", "No such address here to send from")
REVERSE_PATH_NEEDS_AUTH = Reply(550, "5.7.1", "Log in to send from this address")
REVERSE_PATH_NOT_OWN = Reply(550, "5.7.1", "This reverse-path is no address of the account you are logged in as")
ACCOUNT_LIMITED = Reply(452, "4.7.1", "Too much mail from this account for now; try again later")
ACCOUNT_FROZEN = Reply(552, "5.7.13", "This account may not send now; ask the postmaster")
ALIAS_BROKEN = Reply(451, "4.3.5", "The address is ours, but its alias leads nowhere; try again later")
DIRECTORY_UNAVAILABLE = Reply(451, "4.3.0", "Recipients cannot be looked up now; try again later")

# --- the message ------------------------------------------------------------------------------------------

START_MAIL_INPUT = Reply(354, None, "Send the message, end with a line that holds only a dot")
NO_VALID_RECIPIENTS = Reply(554, "5.5.1", "No valid recipients")
MESSAGE_TOO_LARGE = Reply(552, "5.3.4", "Message exceeds the size limit")
HEADER_TOO_LARGE = Reply(552, "5.3.4", "Header section exceeds the size limit")
INSUFFICIENT_STORAGE = Reply(452, "4.3.1", "Insufficient storage; try again later")
BARE_LINE_END = Reply(550, "5.6.11", "Bare CR or LF in the message; lines end in CRLF")
TOO_MANY_HOPS = Reply(554, "5.4.6", "Too many Received fields; the message loops")
MAIL_LOOP = Reply(554, "5.4.6", "The message has been here before; mail loop")
AUTHOR_MISSING = Reply(550, "5.7.1", "The message needs a From field with one address that is yours")
AUTHOR_NOT_OWN = Reply(550, "5.7.1", "The address in From is none of the account you are logged in as")
LOCAL_TROUBLE = Reply(451, "4.3.0", "Trouble on our side; try again later")


def chunk_received(octets: int) -> Reply:
    """The answer to a BDAT that is not the last (RFC 3030 §2)."""
    return Reply(250, "2.0.0", f"{octets} octets received")


def accepted(transaction_id: str) -> Reply:
    """The message is durable and ours to deliver."""
    return Reply(250, "2.0.0", f"Accepted as {transaction_id}")


# --- decisions of the filter ------------------------------------------------------------------------------


def greylisted(minutes: int) -> Reply:
    """First sight of this client, sender and recipient (RFC 6647 §2.1)."""
    return Reply(451, "4.7.1", f"Greylisted, try again in {minutes} minute{'' if minutes == 1 else 's'}")


DNS_TROUBLE = Reply(451, "4.4.3", "DNS does not answer us; try again later")
NO_POINTER_RECORD = Reply(550, "5.7.25", "Your address has no valid reverse DNS")
REVERSE_PATH_DOMAIN_MISSING = Reply(550, "5.1.8", "The reverse-path's domain does not exist")
REVERSE_PATH_DOMAIN_MISSING_NOW = Reply(451, "4.1.8", "The reverse-path's domain does not exist; try again later")
REVERSE_PATH_NULL_MX = Reply(550, "5.7.27", "The reverse-path's domain accepts no mail")
SPF_FAILED = Reply(550, "5.7.23", "SPF does not permit this client for the reverse-path")
DMARC_FAILED = Reply(550, "5.7.1", "The author domain's DMARC policy refuses this message")
REFUSED_AS_SPAM = Reply(550, "5.7.1", "Message refused: its content looks like spam")
REFUSED_BY_POLICY = Reply(550, "5.7.1", "Message refused by policy")


def listed(client_ip: str, list_name: str) -> Reply:
    """The client is on a blocklist whose listing refuses (RFC 5782 §2.1)."""
    return Reply(550, "5.7.1", f"Your address {client_ip} is listed by {list_name}")


def name_listed(list_name: str) -> Reply:
    """The message leads to a domain that a list refuses. It is not named: the reply is not to spread it."""
    return Reply(550, "5.7.1", f"A domain in your message is listed by {list_name}")


NOT_OUR_MESSAGE = Reply(550, "5.7.1", "This reports about a message that was not sent from here")
SHIELDED = Reply(550, "5.7.1", "This domain does not send from your address")
