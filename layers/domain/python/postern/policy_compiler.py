"""From the rows that people edit to the one snapshot that everything reads.

A row that cannot be used keeps its previous good value, and is a problem that the postmaster is told; all other rows
count as they are. The version is a hash of the content: the same rows make the same snapshot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from postern.dnsbl.switching import with_switched_lists
from postern.model import Route, Site
from postern.outgoing.target import RelayTarget, TargetTls
from postern.policy import PolicyError, read_section, setting
from postern.policy_book import GLOBAL_SCOPE, PolicyBook, check_section, read_scope
from postern.recipients import DomainEntry, RecipientCheck, canonical_domain
from postern.sections import SitePolicy
from postern.sender_list_entry import read_entry
from postern.wire import WireError, dumps, to_json, truncate

Row = Mapping[str, object]
ScopedSections = dict[str, dict[str, Mapping[str, object]]]

NOTE = "note"
"""An attribute that every row may have, for people."""

MAX_PROBLEMS = 100
_PROBLEM_CHARACTERS = 500
_VERSION_DIGITS = 16


@dataclass(frozen=True, slots=True)
class ReceivingDomain:
    """A domain that receives here, and where its mail goes on to when it is relayed."""

    entry: DomainEntry
    target: RelayTarget | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainSettings:
    """What a row of the table of domains may say."""

    route: Route = setting(Route.MAILBOX, "mailbox: mail stays here; relay: it goes on to the domain's own server")
    recipient_check: RecipientCheck = setting(RecipientCheck.TABLE, "table: accounts and aliases; pattern: patterns")
    patterns: tuple[str, ...] = setting((), "local parts that exist, with * and ?, when recipient_check is pattern")
    takes_smtputf8: bool = setting(True, "whether the target takes SMTPUTF8 messages")
    target_host: str = setting("", "host of the relay target")
    target_port: int = setting(25, "port of the relay target", minimum=1, maximum=65535)
    target_tls: TargetTls = setting(TargetTls.OPPORTUNISTIC, "none, opportunistic or verified")
    target_user: str = setting("", "user to log in as at the target; empty for no login")
    target_secret: str = setting("", "name or ARN of the secret that holds the password")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that was compiled. `lists` names, per scope, the actions of which the sender lists hold entries."""

    version: str = ""
    scopes: Mapping[str, Mapping[str, Mapping[str, object]]] = field(default_factory=dict)
    domains: Mapping[str, ReceivingDomain] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def book(self) -> PolicyBook:
        """The policy, to be resolved for a transaction; DNS lists that the self-test has switched only observe."""
        everyone = with_switched_lists(self.scopes.get(GLOBAL_SCOPE, {}))
        return PolicyBook(self.version, {**self.scopes, GLOBAL_SCOPE: everyone})

    def site(self, hostname: str) -> Site:
        """The installation's facts, for the host of this name."""
        settings = self.book.section("site", SitePolicy)
        return Site(
            authserv_id=settings.authserv_id or hostname,
            hostname=hostname,
            local_domains=tuple(sorted(self.domains)),
            trusted_networks=settings.trusted_networks,
            trusted_forwarders=settings.trusted_forwarders,
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that cannot be used: its table and key, and what is wrong."""

    row: str
    text: str


@dataclass(frozen=True, slots=True)
class StoredRows:
    """The rows of the three tables, as stored."""

    policy: Iterable[Row] = ()
    domains: Iterable[Row] = ()
    sender_lists: Iterable[Row] = ()


@dataclass(frozen=True, slots=True)
class Compilation:
    """A snapshot and what was wrong with the rows."""

    snapshot: Snapshot
    problems: tuple[Problem, ...] = ()


def compile_snapshot(rows: StoredRows, previous: Snapshot) -> Compilation:
    """The snapshot of these rows; unusable ones keep their value of the `previous` snapshot."""
    problems: list[Problem] = []
    snapshot = Snapshot(
        scopes=_sections(rows.policy, previous, problems),
        domains=_domains(rows.domains, previous, problems),
        lists=_lists(rows.sender_lists, problems),
    )
    version = hashlib.sha256(dumps(snapshot).encode("utf-8")).hexdigest()[:_VERSION_DIGITS]
    return Compilation(replace(snapshot, version=version), tuple(problems[:MAX_PROBLEMS]))


def _sections(rows: Iterable[Row], previous: Snapshot, problems: list[Problem]) -> ScopedSections:
    scopes: ScopedSections = {}
    for row in _sorted(rows, "scope", "section"):
        scope, section = str(row.get("scope", "")), str(row.get("section", ""))
        try:
            stored: Mapping[str, object] | None = read_policy_row(row)
        except PolicyError as wrong:
            problems.append(_problem(f"Policy {scope} {section}", wrong))
            stored = previous.scopes.get(scope, {}).get(section)
        if stored is not None:
            scopes.setdefault(scope, {})[section] = stored
    return scopes


def read_policy_row(row: Row) -> Mapping[str, object]:
    """The settings of a row of the policy table as plain JSON data. Raises `PolicyError`."""
    settings = _plain({name: value for name, value in row.items() if name not in ("scope", "section", NOTE)})
    check_section(str(row.get("scope", "")), str(row.get("section", "")), settings)
    return settings


def _domains(rows: Iterable[Row], previous: Snapshot, problems: list[Problem]) -> dict[str, ReceivingDomain]:
    domains: dict[str, ReceivingDomain] = {}
    for row in _sorted(rows, "domain"):
        name = str(row.get("domain", ""))
        try:
            found: ReceivingDomain | None = read_domain_row(row)
        except PolicyError as wrong:
            problems.append(_problem(f"Domains {name}", wrong))
            found = previous.domains.get(name)
        if found is not None:
            domains[name] = found
    return domains


def read_domain_row(row: Row) -> ReceivingDomain:
    """The domain that a row of the table of domains describes. Raises `PolicyError`."""
    name = str(row.get("domain", ""))
    if not name or "@" in name or canonical_domain(name) != name:
        raise PolicyError(f"{name!r} is no domain name in lower case and A-labels, such as example.com")
    stored = _plain({attribute: value for attribute, value in row.items() if attribute not in ("domain", NOTE)})
    settings = read_section(DomainSettings, stored, name)
    if settings.route is Route.RELAY and not settings.target_host:
        raise PolicyError(f"{name}.target_host: a relayed domain needs the host of its own server")
    if bool(settings.target_user) != bool(settings.target_secret):
        raise PolicyError(f"{name}: target_user and target_secret belong together")
    if settings.target_user and settings.target_tls is not TargetTls.VERIFIED:
        raise PolicyError(f"{name}.target_tls: a password is only sent over verified TLS")
    entry = DomainEntry(
        name, settings.route, settings.recipient_check, settings.patterns, takes_smtputf8=settings.takes_smtputf8
    )
    return ReceivingDomain(entry, _target(settings) if settings.route is Route.RELAY else None)


def _target(settings: DomainSettings) -> RelayTarget:
    return RelayTarget(
        settings.target_host,
        settings.target_port,
        settings.target_tls,
        settings.target_user,
        settings.target_secret,
    )


def _lists(rows: Iterable[Row], problems: list[Problem]) -> dict[str, tuple[str, ...]]:
    actions: dict[str, set[str]] = {}
    for row in rows:
        try:
            scope, action = read_list_key(row)
        except PolicyError as wrong:
            problems.append(_problem(f"SenderLists {row.get('scope', '')} {row.get('entry', '')}", wrong))
        else:
            actions.setdefault(scope, set()).add(action)
    return {scope: tuple(sorted(actions[scope])) for scope in sorted(actions)}


def read_list_key(row: Row) -> tuple[str, str]:
    """The scope and the action of a sender list's row. Raises `PolicyError`."""
    entry = read_entry(row)
    read_scope(entry.scope)
    if row["entry"] != entry.key:
        raise PolicyError(f"{row['entry']!r} is never found; write it as {entry.key!r}")
    return entry.scope, entry.action.value


def _plain(stored: Mapping[str, object]) -> dict[str, object]:
    try:
        plain: dict[str, object] = to_json(stored)
    except WireError as wrong:
        raise PolicyError(str(wrong)) from wrong
    return plain


def _sorted(rows: Iterable[Row], *keys: str) -> list[Row]:
    return sorted(rows, key=lambda row: tuple(str(row.get(key, "")) for key in keys))


def _problem(row: str, wrong: PolicyError) -> Problem:
    return Problem(truncate(row, _PROBLEM_CHARACTERS), truncate(str(wrong), _PROBLEM_CHARACTERS))
