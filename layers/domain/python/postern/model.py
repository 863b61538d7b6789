"""The values every part of Postern shares: who connected, what they asked for, what was found, what is decided.

All values are frozen. Names follow RFC 5598, RFC 5321 and RFC 8601. Points are integer hundredths inside
(`500` is the 5.0 a postmaster writes), so that sums are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, NewType, TypeVar

from postern.replies import Reply

Points = NewType("Points", int)
"""A score in hundredths; people read and write it as a decimal number."""

Evidence_co = TypeVar("Evidence_co", covariant=True)


class ResultWord(StrEnum):
    """Result words, spelt as RFC 8601 §2.7 spells them, and `skipped` for a check that policy did not run."""

    NONE = "none"
    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    POLICY = "policy"
    UNKNOWN = "unknown"
    DISCARD = "discard"
    NXDOMAIN = "nxdomain"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"
    SKIPPED = "skipped"


class Disposition(StrEnum):
    """What becomes of one recipient's copy, mildest first."""

    ACCEPT = "accept"
    JUNK = "junk"
    QUARANTINE = "quarantine"
    DISCARD = "discard"
    DEFER = "defer"
    REJECT = "reject"


class Direction(StrEnum):
    """Which way a message goes: in from the Internet, or out from a client of ours that may send anywhere."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Route(StrEnum):
    """Where a recipient's copy goes when it is accepted.

    `RELAY` is the server of a domain that is relayed here; `REMOTE` is anybody else's, for mail that goes out.
    """

    MAILBOX = "mailbox"
    RELAY = "relay"
    REMOTE = "remote"


class BodyType(StrEnum):
    """The BODY parameter of MAIL FROM (RFC 6152)."""

    SEVEN_BIT = "7BIT"
    EIGHT_BIT_MIME = "8BITMIME"


@dataclass(frozen=True, slots=True)
class TlsParameters:
    """What the handshake agreed on, e.g. `TLSv1.3` and `TLS_AES_256_GCM_SHA384`."""

    version: str
    cipher: str


@dataclass(frozen=True, slots=True)
class Session:
    """The conversation a message came in by.

    `client_ip` is a canonical IPv4 or IPv6 address (an IPv4-mapped IPv6 address is written as IPv4), or `None`
    when nobody knows it. `trusted` says that the client is in one of the site's trusted networks.
    """

    session_id: str
    client_ip: str | None
    helo_identity: str
    client_port: int = 0
    extended: bool = True
    tls: TlsParameters | None = None
    authenticated_as: str | None = None
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """MAIL FROM as the client gave it; `reverse_path` is `None` for the null reverse-path `<>`.

    `returned` (`FULL`, `HDRS` or empty) and `envelope_id` are the RET and ENVID of RFC 3461 §4.3 and §4.4.
    """

    reverse_path: str | None
    body_type: BodyType = BodyType.SEVEN_BIT
    smtputf8: bool = False
    declared_size: int | None = None
    returned: str = ""
    envelope_id: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One delivery of the message.

    `address` is where it is delivered, after aliases; `forward_path` is what RCPT TO named; `detail` is what
    followed the `+`. `notify` (`NEVER`, or some of `SUCCESS`, `FAILURE`, `DELAY`; empty when nothing was said) and
    `original_recipient` (`rfc822;ann@example.com`) are the NOTIFY and ORCPT of RFC 3461 §4.1 and §4.2.
    """

    address: str
    forward_path: str
    route: Route = Route.MAILBOX
    detail: str = ""
    notify: tuple[str, ...] = ()
    original_recipient: str = ""


@dataclass(frozen=True, slots=True)
class MessageReference:
    """Where the raw message lies and what it is: object key, octets, lower-case hex SHA-256."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Site:
    """Facts about this installation that checks need.

    `authserv_id` names us in Authentication-Results (RFC 8601 §2.5); `local_domains` are hosted or relayed here;
    networks are in CIDR form.
    """

    authserv_id: str
    hostname: str
    local_domains: tuple[str, ...] = ()
    trusted_networks: tuple[str, ...] = ()
    trusted_forwarders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transaction:
    """One mail transaction, as checks see it.

    `received_at` is the only clock and `deadline` the only time limit a check knows; both are aware UTC times.
    `session` and `envelope` are `None` for a message that came from a file. `observations` are symbols of what the
    front end noticed, such as `SMTP_EARLY_TALKER`. `direction` says which of the two workflows judges it.
    """

    transaction_id: str
    received_at: datetime
    deadline: datetime
    session: Session | None
    envelope: Envelope | None
    recipients: tuple[Recipient, ...]
    message: MessageReference
    site: Site
    observations: tuple[str, ...] = ()
    direction: Direction = Direction.INBOUND

    @property
    def client_ip(self) -> str | None:
        """The client's address when there is a session that knows it."""
        return self.session.client_ip if self.session else None

    @property
    def helo_identity(self) -> str:
        """The HELO or EHLO argument, empty without a session."""
        return self.session.helo_identity if self.session else ""

    @property
    def reverse_path(self) -> str | None:
        """The reverse-path; `None` both for `<>` and without an envelope."""
        return self.envelope.reverse_path if self.envelope else None


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact a check reports.

    `score` is `None` for the symbol's default score; the runner fills it in. `recipients` limits the finding to
    those delivery addresses; `None` means everyone. A finding that `needs_pass` counts only when one of the named
    checks answered `pass`: credit needs proof. One that `corroborates` is independent evidence against the message.
    """

    symbol: str
    detail: str = ""
    score: Points | None = None
    recipients: tuple[str, ...] | None = None
    needs_pass: tuple[str, ...] = ()
    corroborates: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a check would do, if policy enforces it; only `disposition.py` decides.

    `final` lets the workflow stop early. A proposal `yields_to` a check that answered `pass`. When it
    `needs_corroboration` and no other check supports it, `otherwise` is done instead.
    """

    disposition: Disposition
    reply: Reply | None = None
    final: bool = False
    recipients: tuple[str, ...] | None = None
    yields_to: tuple[str, ...] = ()
    needs_corroboration: bool = False
    otherwise: Disposition = Disposition.ACCEPT
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MethodResult:
    """One `resinfo` for Authentication-Results (RFC 8601 §2.2): method, result, `ptype.property` → value."""

    method: str
    result: ResultWord
    reason: str = ""
    properties: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DnsLookup:
    """A DNS question that was asked for this message and what came back, for the receipt."""

    name: str
    rdtype: str
    status: str
    records: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeaderField:
    """A header field that we add: name and unfolded value."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class CheckResult(Generic[Evidence_co]):
    """What one check reports. Always complete: what could not be found out is `temperror` or `permerror`.

    `methods` go to Authentication-Results; `headers` on top of the message (Received-SPF, X-Lookup-Warning);
    `properties` are the check's named facts for people and machines (JSON values). `lookups` and `milliseconds`
    are filled in by the runner.
    """

    check_id: str
    result: ResultWord
    findings: tuple[Finding, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    evidence: Evidence_co | None = None
    methods: tuple[MethodResult, ...] = ()
    headers: tuple[HeaderField, ...] = ()
    properties: Mapping[str, object] = field(default_factory=dict)
    reason: str = ""
    lookups: tuple[DnsLookup, ...] = ()
    milliseconds: int = 0


@dataclass(frozen=True, slots=True)
class RecipientDecision:
    """The disposition of one recipient's copy and what led to it.

    `wanted` is what the recipient's own policy asked for; `disposition` is what happens, which differs when the
    recipients of one transaction disagree. `flagged` says that the spam threshold was reached; `subject_tag` is then
    put before the subject, if the recipient's policy has one.
    """

    address: str
    disposition: Disposition
    wanted: Disposition
    score: Points
    flagged: bool = False
    reasons: tuple[str, ...] = ()
    headers: tuple[HeaderField, ...] = ()
    subject_tag: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to the sender and the disposition of every copy; `headers` are added to all copies, topmost first.

    `reverse_path` is the one under which copies leave for other servers, when it is not the envelope's own: it carries
    a bounce address tag then. `learn_as` is `ham` or `spam` when the message is to be learnt from once it is committed
    or refused (see `bayes.auto_learning`).
    """

    transaction_id: str
    reply: Reply
    recipients: tuple[RecipientDecision, ...]
    headers: tuple[HeaderField, ...] = ()
    policy_version: str = ""
    reverse_path: str | None = None
    learn_as: str = ""
