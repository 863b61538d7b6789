"""Who receives: from a forward-path to the mailboxes and relay targets behind it (RFC 5321 §3.6, §3.9, §4.5.1).

A forward-path is ours when its domain is hosted or relayed here; anything else is relaying, refused whatever the
reverse-path says. Old ways to name another host inside an address (`user%other@ours`, `other!user@ours`, quoted
`"user@other"@ours`) are no addresses of ours unless the directory holds them literally.

    refusals are replies; `postern.ports.Unavailable` from the directory passes through
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Protocol

from postern import replies
from postern.backscatter.tags import stripped
from postern.model import Recipient, Route
from postern.replies import Reply

MAX_ALIAS_LEVELS = 10
MAX_EXPANDED_RECIPIENTS = 500
ALWAYS_RESOLVED = frozenset({"postmaster", "abuse"})
_HOST_NAMING = frozenset("%!@")
_ATEXT = r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"
DOT_STRING = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*")
_QUOTED_PAIR = re.compile(r'["\\]')


class RecipientCheck(StrEnum):
    """How a domain's valid recipients are known: from accounts and aliases, or from patterns."""

    TABLE = "table"
    PATTERN = "pattern"


@dataclass(frozen=True, slots=True)
class DomainEntry:
    """A domain that receives here.

    `route` is MAILBOX for a hosted domain, RELAY for one whose mail goes on to its own server. `patterns` are local
    parts with `*` and `?`, used when `recipient_check` is PATTERN. `takes_smtputf8` says what the target can do.
    """

    name: str
    route: Route = Route.MAILBOX
    recipient_check: RecipientCheck = RecipientCheck.TABLE
    patterns: tuple[str, ...] = ()
    takes_smtputf8: bool = True


class Directory(Protocol):
    """Looks addresses up. Keys are canonical (`canonical_address`). Blocking; raises `Unavailable`."""

    def domain(self, name: str) -> DomainEntry | None:
        """The domain with this name, if it receives here."""
        ...

    def has_account(self, address: str) -> bool:
        """Whether a mailbox, or an address in a relayed domain's table, has exactly this address."""
        ...

    def alias(self, address: str) -> tuple[str, ...]:
        """The targets of an alias or list, empty when there is none.

        `@example.net` looks up a whole domain: one target `@example.com` makes it a domain alias, full addresses
        a catch-all.
        """
        ...


@dataclass(frozen=True, slots=True)
class MailPath:
    """The mailbox of a reverse-path or forward-path, the local part unquoted, as its sender spelt it.

    `domain` is `None` only for a bare `postmaster` (RFC 5321 §4.1.1.3); an address literal keeps its brackets.
    """

    local_part: str
    domain: str | None

    def __str__(self) -> str:
        local_part = self.local_part
        if not DOT_STRING.fullmatch(local_part):
            local_part = '"' + _QUOTED_PAIR.sub(r"\\\g<0>", local_part) + '"'
        return local_part if self.domain is None else f"{local_part}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of a forward-path: its recipients, or the reply that refuses it."""

    recipients: tuple[Recipient, ...] = ()
    refusal: Reply | None = None


def canonical_domain(name: str) -> str | None:
    """Lower case, A-labels (RFC 5890 §2.3.2.1); `None` when the name has no such form."""
    if name.isascii():
        return name.lower()
    try:
        return unicodedata.normalize("NFKC", name).encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None


def canonical_address(local_part: str, domain: str) -> str:
    """The key under which the directory knows an address. Local parts here do not differ by case."""
    return f"{unicodedata.normalize('NFC', local_part).lower()}@{domain}"


def resolve(
    path: MailPath,
    directory: Directory,
    *,
    default_domain: str,
    may_relay: bool = False,
    smtputf8: bool = False,
) -> Resolution:
    """Find the recipients behind a forward-path.

    `may_relay` is for trusted and authenticated clients; `smtputf8` says that the message needs RFC 6531.
    """
    name = canonical_domain(default_domain if path.domain is None else path.domain)
    if name is None or name.startswith("[") or name.endswith("."):
        return Resolution(refusal=replies.RELAYING_DENIED)
    entry = directory.domain(name)
    if entry is None:
        return _foreign(path, may_relay=may_relay)
    expansion = _Expansion(directory, forward_path=str(path), smtputf8=smtputf8)
    expansion.add(path.local_part, entry, level=0)
    return expansion.resolution(path)


def is_known_reverse_path(path: MailPath, directory: Directory) -> bool:
    """Whether a reverse-path can be: one in a domain of ours must resolve, any other passes (DEFENCES §4)."""
    name = canonical_domain(path.domain or "")
    if name is None or directory.domain(name) is None:
        return True
    return bool(resolve(path, directory, default_domain=name).recipients)


def _foreign(path: MailPath, *, may_relay: bool) -> Resolution:
    if not may_relay:
        return Resolution(refusal=replies.RELAYING_DENIED)
    return Resolution((Recipient(str(path), str(path), Route.REMOTE),))


class _Expansion:
    """Follows aliases from one forward-path. Every address is followed once, so a cycle ends by itself."""

    def __init__(self, directory: Directory, *, forward_path: str, smtputf8: bool) -> None:
        self._directory = directory
        self._smtputf8 = smtputf8
        self._forward_path = forward_path
        self._seen: set[str] = set()
        self._found: dict[str, Recipient] = {}
        self._followed_alias = False
        self._target_refuses = False

    def resolution(self, path: MailPath) -> Resolution:
        """What was found, or why nothing was."""
        if self._found:
            return Resolution(tuple(self._found.values()))
        if self._target_refuses:
            return Resolution(refusal=replies.TARGET_WITHOUT_SMTPUTF8)
        if self._followed_alias:
            # The address is ours and its alias leads nowhere: our mistake, so the sender keeps the message.
            return Resolution(refusal=replies.ALIAS_BROKEN)
        if _HOST_NAMING.intersection(path.local_part):
            return Resolution(refusal=replies.RELAYING_DENIED)
        return Resolution(refusal=replies.RECIPIENT_UNKNOWN)

    def add(self, local_part: str, entry: DomainEntry, *, level: int) -> None:
        """Add the recipients behind one address."""
        address = canonical_address(local_part, entry.name)
        if address in self._seen or level > MAX_ALIAS_LEVELS:
            return
        self._seen.add(address)
        base, _, detail = local_part.partition("+")
        if self._add_listed(local_part, "", entry, level):
            return
        if detail and base and self._add_listed(base, detail, entry, level):
            return
        untagged = stripped(local_part)
        if untagged != local_part:
            self.add(untagged, entry, level=level)
            return
        self._add_by_domain(local_part, entry, level)

    def _add_listed(self, local_part: str, detail: str, entry: DomainEntry, level: int) -> bool:
        """Add what the directory holds for exactly this address; whether it holds anything."""
        address = canonical_address(local_part, entry.name)
        targets = self._directory.alias(address)
        if targets:
            self._follow(targets, level)
        elif self._directory.has_account(address):
            self._deliver(local_part, detail, entry)
        else:
            return False
        return True

    def _add_by_domain(self, local_part: str, entry: DomainEntry, level: int) -> None:
        """Add what the domain as a whole says: domain alias, patterns, the addresses everyone has, catch-all."""
        targets = self._directory.alias(f"@{entry.name}")
        base, _, detail = local_part.partition("+")
        names_host = bool(_HOST_NAMING.intersection(local_part))
        if len(targets) == 1 and targets[0].startswith("@"):
            self._add_target(local_part + targets[0], level)
        elif base.lower() in ALWAYS_RESOLVED:
            self._deliver(base, detail, entry)
        elif names_host:
            return
        elif self._matches_pattern(local_part, entry):
            self._deliver(local_part, "", entry)
        else:
            self._follow(targets, level)

    def _follow(self, targets: tuple[str, ...], level: int) -> None:
        self._followed_alias = self._followed_alias or bool(targets)
        for target in targets:
            self._add_target(target, level)

    def _add_target(self, target: str, level: int) -> None:
        local_part, _, domain = target.rpartition("@")
        entry = self._directory.domain(canonical_domain(domain) or "")
        if entry is not None and local_part:
            self.add(local_part, entry, level=level + 1)

    def _deliver(self, local_part: str, detail: str, entry: DomainEntry) -> None:
        if len(self._found) >= MAX_EXPANDED_RECIPIENTS:
            return
        hosted = entry.route is Route.MAILBOX
        if self._smtputf8 and not hosted and not entry.takes_smtputf8:
            self._target_refuses = True
            return
        address = canonical_address(local_part, entry.name)
        if not hosted:
            # The next server has its own idea of case and tags: it is given what the client wrote.
            kept = f"{local_part}+{detail}" if detail else local_part
            address = str(MailPath(kept, entry.name))
        self._found.setdefault(address, Recipient(address, self._forward_path, entry.route, detail if hosted else ""))

    @staticmethod
    def _matches_pattern(local_part: str, entry: DomainEntry) -> bool:
        if entry.recipient_check is not RecipientCheck.PATTERN:
            return False
        return any(fnmatchcase(local_part.lower(), pattern.lower()) for pattern in entry.patterns)
