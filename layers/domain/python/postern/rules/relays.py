"""The relays a message came through, out of its Received fields, as SpamAssassin's rules want to see them.

The first field is the newest. Relays with private addresses, and those that were authenticated, are trusted as long
as all above them are; the first that is not is the client we got the message from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from postern.rules.relay_forms import ADDRESS, FORMS, LATER_FORMS, LOCAL_HANDOVERS, Form

MAX_RECEIVED = 100
MAX_RECEIVED_LENGTH = 4_000
_PRIVATE = re.compile(
    r"(?:(?:(?:IPv6:)?(?:::|(?:0{1,4}:){1,5}:?)ffff:)?(?:10|127|169\.254|172\.(?:1[6-9]|2\d|3[01])|192\.168"
    r"|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\..*|(?:IPv6:)?(?:fe[89ab][0-9a-f]:.*|(?:0{0,4}:){1,7}:?0{0,3}1\Z))",
    re.IGNORECASE,
)
_DATE_AT_END = re.compile(
    r"[\s;]+(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\d+ (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r" \d+ \d+:\d+(?::\d+)? \S+\Z"
)
_HELO = r"[-A-Za-z0-9.^+_&:=?!@%*$\\/]+"
_HELO_EQUALS = re.compile(rf"\bhelo=({_HELO})(?:[^-A-Za-z0-9.^+_&:=?!@%*$\\/]|\Z)")
_HELO_WORD = re.compile(rf"\b(?:HELO|EHLO) ({_HELO})(?:[^-A-Za-z0-9.^+_&:=?!@%*$\\/]|\Z)")
_ID = re.compile(r" id <?([^\s<>;]{3,})")
_BY = re.compile(r" by (\S+)(?:[^-A-Za-z0-9;.]|\Z)")
_ENVELOPE = re.compile(r"(?:return-path:? |envelope-(?:sender|from)[ =])(\S+)\b", re.IGNORECASE)
_SPACES = re.compile(r"[^\S ]\s*| \s+")
"""White space that is not one blank already."""

_BY_FETCHER = re.compile(r"with (?:POP3|IMAP)")
_LOCALLY = re.compile(r"\bwith local(?:-\S+)? ")
_NO_FROM = re.compile(r"from (\S+) by [^\s;]+ ?;", re.IGNORECASE)
_AUTHENTICATED = (
    (" with ", re.compile(r".*? by .* with ((?:ES|L|UTF8S|UTF8L)MTPS?A|ASMTP|HTTP[SU]?)(?: |;|\Z)", re.IGNORECASE), ""),
    (
        "(AUTH: ",
        re.compile(r"from .*?(?:\]\)|\)\]) \(AUTH: (LOGIN|PLAIN|DIGEST-MD5|CRAM-MD5) \S+(?:, .*?)?\) by "),
        "",
    ),
    (
        "authenticated",
        re.compile(r"from .*?(?:\](?: \([^)]*\))?\)|\)\]) .*?\(.*?authenticated.*?\).*? by"),
        "Sendmail",
    ),
    ("(Authenticated sender: ", re.compile(r".*\) \(Authenticated sender: \S+\) by \S+ \(([^)]+)\) with "), "Postfix"),
    ("CommuniGate Pro ", re.compile(r".*CommuniGate Pro (?:HTTP|SMTP|XIMSS|IMAP).* \(account "), "Communigate"),
    (" HTTP-DAV", re.compile(r".* with Microsoft Exchange Server HTTP-DAV\b"), "HTTP-DAV"),
    ("(via ", re.compile(r".* by .*\(via (HTTP.?)\)(?: |;|\Z)", re.IGNORECASE), ""),
)
"""A word that the field must hold, how an authenticated hand-over is written, and what to call it."""

_STRANGE = re.compile(r"[\s\0#\[\]()<>|]")
_IN_BRACKETS = re.compile(rf"\[({ADDRESS})\]")


@dataclass(frozen=True, slots=True)
class Relay:
    """One hand-over: `ip` gave the message to `by`. `looked_up` says that `by` looks names up."""

    ip: str
    by: str = ""
    helo: str = ""
    rdns: str = ""
    ident: str = ""
    envelope_from: str | None = None
    identifier: str = ""
    authenticated: str = ""
    looked_up: bool = False
    internal: bool = False

    @property
    def is_private(self) -> bool:
        """Whether the address is of a private network or of the machine itself."""
        return is_private(self.ip)

    def __str__(self) -> str:
        return (
            f"[ ip={self.ip} rdns={self.rdns} helo={self.helo} by={self.by} ident={self.ident}"
            f" envfrom={self.envelope_from or ''} intl={int(self.internal)} id={self.identifier}"
            f" auth={self.authenticated} msa=0 ]"
        )


@dataclass(frozen=True, slots=True)
class Relays:
    """All hand-overs, newest first; `last_trusted` is the index among the Received fields of the last trusted one."""

    trusted: tuple[Relay, ...] = ()
    untrusted: tuple[Relay, ...] = ()
    unparseable: int = 0
    last_trusted: int = -1

    @property
    def trusted_text(self) -> str:
        """`X-Spam-Relays-Trusted`."""
        return " ".join(map(str, self.trusted))

    @property
    def untrusted_text(self) -> str:
        """`X-Spam-Relays-Untrusted`."""
        return " ".join(map(str, self.untrusted))


def is_private(address: str) -> bool:
    """Whether an address is of a private network, a link or the machine itself."""
    return _PRIVATE.match(address) is not None


@dataclass(slots=True)
class _Reading:
    """The relays while the fields are read."""

    trusted: list[Relay] = field(default_factory=list)
    untrusted: list[Relay] = field(default_factory=list)
    unparseable: int = 0
    last_trusted: int = -1

    @property
    def in_trusted(self) -> bool:
        return not self.untrusted

    def take(self, relay: Relay) -> None:
        if self.in_trusted and (relay.is_private or relay.authenticated):
            self.trusted.append(replace(relay, internal=True))
            self.last_trusted += 1
        else:
            self.untrusted.append(relay)


def read_relays(received: Iterable[str], client: Relay | None = None) -> Relays:
    """The relays of Received fields (unfolded, newest first).

    `client` is the one we got the message from, when no field tells of it yet.
    """
    reading = _Reading()
    if client is not None:
        reading.take(client)
    for line in list(received)[:MAX_RECEIVED]:
        relay = read_relay(line[:MAX_RECEIVED_LENGTH])
        if isinstance(relay, Relay):
            reading.take(relay)
            continue
        if relay == _FETCHED and reading.in_trusted:
            reading.trusted.clear()
        reading.unparseable += relay == _UNPARSEABLE
        reading.last_trusted += reading.in_trusted
    return Relays(tuple(reading.trusted), tuple(reading.untrusted), reading.unparseable, reading.last_trusted)


_LOCAL, _FETCHED, _UNPARSEABLE = "local", "fetched", "unparseable"


def read_relay(line: str) -> Relay | str:
    """One Received field, or why it tells of no relay: handed over locally, by a fetcher, or nothing we know."""
    text = _SPACES.sub(" ", line).strip(" ")
    while text.endswith(";"):
        text = text[:-1].rstrip()
    lower = text[:6].lower()
    if not lower.startswith(("from ", "(from ")) or " with local for" in text:
        return _LOCAL
    short = _NO_FROM.match(text)
    if short and not re.fullmatch(r"\[[\d.]+\]", short[1]):
        return _LOCAL
    text = _DATE_AT_END.sub("", text).replace(")by ", ") by ")
    return _Line(text).read()


class _Line:
    """One field and what is found in it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._from = text[5:] if text[:5] in ("from ", "From ", "FROM ") else text
        self._helo = ""
        if "helo=" in text or "LO " in text:
            self._helo = self._first(_HELO_EQUALS) or self._first(_HELO_WORD)

    def read(self) -> Relay | str:
        if self._text.startswith("(from "):
            return self._parenthesis()
        if self._text[:5] != "from ":
            self._from = ""
            return self._fallback()
        for form in FORMS:
            relay = self._try(form)
            if relay is not None:
                return relay
        if _BY_FETCHER.search(self._from):
            return _FETCHED
        for form in LATER_FORMS:
            relay = self._try(form)
            if relay is not None:
                return relay
        if any(form.match(self._from) for form in LOCAL_HANDOVERS):
            return _LOCAL
        if self._from.startswith("mail pickup service by "):
            return _LOCAL
        return self._fallback()

    def _try(self, form: Form) -> Relay | str | None:
        if form.hint and form.hint not in self._from:
            return None
        if form.hint == "Exim" and _LOCALLY.search(self._from):
            return _LOCAL
        if form.only_if and not form.only_if.match(self._from):
            return None
        found = form.pattern.match(self._from)
        return self._relay(found, form) if found else None

    def _relay(self, found: re.Match[str], form: Form) -> Relay:
        groups = {name: value or "" for name, value in found.groupdict().items()}
        both = groups.get("both", "")
        helo, ident = groups.get("helo") or both or self._helo, groups.get("ident", "")
        if note := groups.get("note"):
            helo = m[1] if (m := re.search(r"helo=(\S+)", note)) else helo
            ident = m[1] if (m := re.search(r"ident=(\S*)", note)) else ident
        rdns = groups.get("rdns", "") or both
        if form.looked_up and "@" in rdns and not ident:
            ident, _, rdns = rdns.removeprefix("IDENT:").rpartition("@")
        return self._finished(groups.get("ip", ""), groups.get("by", ""), helo, rdns, ident, form.looked_up)

    def _parenthesis(self) -> Relay | str:
        inner = self._text[6:]
        found = re.match(rf"(\S*) \[({ADDRESS})\]\) by (\S+) \(NAVGW .*?\) with ", inner)
        if found:
            return self._finished(found[2], found[3], found[1], "", "", looked_up=False)
        if re.match(r"\S+@localhost\) by \S+ |[^\s@]+@[^)]+\) by \S+\(jqueuemail\) id [^\s;]+", inner):
            return _LOCAL
        return self._fallback()

    def _fallback(self) -> Relay | str:
        address, by = self._first(_IN_BRACKETS), self._first(_BY)
        if not address or not by:
            return _UNPARSEABLE
        helo = self._helo
        if not helo and (first := re.match(r"(\S+)[^-A-Za-z0-9.]", self._from)):
            helo = first[1]
        return self._finished(address, by, helo, "", "", looked_up=False)

    def _finished(self, address: str, by: str, helo: str, rdns: str, ident: str, looked_up: bool) -> Relay:
        rdns = rdns.rstrip(".")
        if rdns.lower() == "unknown" or rdns.startswith("["):
            rdns = ""
        envelope = _ENVELOPE.search(self._from) if "-from" in self._from or "-sender" in self._from else None
        return Relay(
            ip=_clean(_plain_address(address)),
            by=_clean(by.rstrip(";")),
            helo=_clean(helo),
            rdns=_clean(rdns),
            ident=_clean(ident),
            envelope_from=_clean(envelope[1].strip(" <>")) if envelope else None,
            identifier=self._first(_ID),
            authenticated=self._authenticated(),
            looked_up=looked_up,
        )

    def _authenticated(self) -> str:
        for word, pattern, name in _AUTHENTICATED:
            if word in self._text and (found := pattern.match(self._text)):
                return name or found[1]
        return ""

    def _first(self, pattern: re.Pattern[str]) -> str:
        found = pattern.search(self._text)
        return found[1] if found else ""


def _plain_address(written: str) -> str:
    """Without prefix, brackets and zone; an IPv4 address that is written as IPv6 is IPv4."""
    if ":" not in written:
        return written
    address = re.sub(r"%.*\Z", "", re.sub(r"\Aipv6:", "", written.strip("[]"), flags=re.IGNORECASE))
    return re.sub(r"\A(?:0*:)+ffff:(\d+\.\d+\.\d+\.\d+)\Z", r"\1", address, flags=re.IGNORECASE)


def _clean(text: str) -> str:
    return _STRANGE.sub("!", text)
