"""The compiled policy of a site, and what of it one transaction carries through the workflow.

A book holds what was stored per scope and section, validated. For a transaction it is resolved: one set of
sections by which the checks are evaluated (the global ones, with the furthest mode that any recipient wants), and
per recipient what differs from the global settings, by which the disposition is decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from postern.catalog import CHECKS
from postern.model import Recipient
from postern.policy import CheckPolicy, Mode, PolicyError, Scope, attributes, check_scope, merge, read_section
from postern.sections import section_types

Section = Mapping[str, object]
Sections = Mapping[str, Section]
SectionT = TypeVar("SectionT")

GLOBAL_SCOPE = "global"
_WIDENING = tuple(Mode)


@dataclass(frozen=True, slots=True)
class RecipientPolicy:
    """What differs from the global sections for these recipients."""

    addresses: tuple[str, ...]
    sections: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class ResolvedPolicy:
    """The policy of one transaction.

    `sections` has every check's section with `mode` and `required` written out, so that deciding needs no check
    module. `global_modes` holds the modes that were widened for a recipient's sake.
    """

    version: str = ""
    sections: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    overrides: tuple[RecipientPolicy, ...] = ()
    global_modes: Mapping[str, str] = field(default_factory=dict)

    def section(self, name: str, kind: type[SectionT]) -> SectionT:
        """The section by which a check is evaluated. Raises `PolicyError`."""
        return read_section(kind, self.sections.get(name, {}), name)

    def section_for(self, address: str, name: str, kind: type[SectionT]) -> SectionT:
        """The section by which one recipient's disposition is decided. Raises `PolicyError`."""
        return read_section(kind, merge(self.sections.get(name, {}), self._override(address, name)), name)

    def check_view(self, address: str, check_id: str) -> CheckPolicy:
        """What every check's section has, for one recipient's disposition. Raises `PolicyError`."""
        stored = merge(self.sections.get(check_id, {}), self._override(address, check_id))
        if check_id in self.global_modes and "mode" not in self._override(address, check_id):
            stored["mode"] = self.global_modes[check_id]
        return read_section(CheckPolicy, {k: v for k, v in stored.items() if k in attributes(CheckPolicy)}, check_id)

    def _override(self, address: str, name: str) -> Section:
        found = (item.sections.get(name, {}) for item in self.overrides if address in item.addresses)
        return next(found, {})


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """Stored sections by scope: `global`, `domain:example.com`, `mailbox:ann@example.com`."""

    version: str = ""
    scopes: Mapping[str, Mapping[str, Mapping[str, object]]] = field(default_factory=dict)

    def section(self, name: str, kind: type[SectionT]) -> SectionT:
        """A section at global scope."""
        return read_section(kind, with_shared(kind, name, self.scopes.get(GLOBAL_SCOPE, {})), name)

    def section_of(self, domain: str, name: str, kind: type[SectionT]) -> SectionT:
        """A section as it counts for a domain."""
        layers = (self.scopes.get(scope, {}).get(name, {}) for scope in (GLOBAL_SCOPE, f"domain:{domain}"))
        return read_section(kind, merge(*layers), name)

    def resolve(self, recipients: Sequence[Recipient]) -> ResolvedPolicy:
        """The policy for a transaction with these recipients."""
        stored = self.scopes.get(GLOBAL_SCOPE, {})
        overrides = self._overrides(recipients)
        views = {name: stored_view(name, stored.get(name, {})) for name in CHECKS}
        widened = {name: _widest([view.mode, *_override_modes(name, overrides)]) for name, view in views.items()}
        checks = {
            name: {
                **with_shared(section_types()[name], name, stored),
                "mode": widened[name].value,
                "required": view.required,
            }
            for name, view in views.items()
        }
        others = {name: section for name, section in stored.items() if name not in checks}
        narrower = {name: view.mode.value for name, view in views.items() if widened[name] is not view.mode}
        return ResolvedPolicy(self.version, {**others, **checks}, overrides, narrower)

    def _overrides(self, recipients: Sequence[Recipient]) -> tuple[RecipientPolicy, ...]:
        grouped: list[tuple[Sections, list[str]]] = []
        for recipient in recipients:
            sections = self._sections_of(recipient.address)
            if not sections:
                continue
            same = next((addresses for known, addresses in grouped if known == sections), None)
            if same is None:
                grouped.append((sections, [recipient.address]))
            else:
                same.append(recipient.address)
        return tuple(RecipientPolicy(tuple(addresses), sections) for sections, addresses in grouped)

    def _sections_of(self, address: str) -> Sections:
        layers = [self.scopes.get(scope, {}) for scope in scopes_of(address)[1:]]
        names = {name for layer in layers for name in layer}
        return {name: merge(*(layer.get(name, {}) for layer in layers)) for name in sorted(names)}


def scopes_of(address: str) -> tuple[str, str, str]:
    """The scopes that concern a recipient, widest first."""
    return GLOBAL_SCOPE, f"domain:{address.rpartition('@')[2]}", f"mailbox:{address}"


def read_scope(scope: str) -> Scope:
    """The kind of a scope's name; raises `PolicyError` when it is none."""
    kind, _, subject = scope.partition(":")
    if scope == GLOBAL_SCOPE:
        return Scope.GLOBAL
    if kind == "domain" and subject and "@" not in subject and subject == subject.lower():
        return Scope.DOMAIN
    if kind == "mailbox" and "@" in subject.strip("@"):
        return Scope.MAILBOX
    raise PolicyError(f"{scope!r} is no scope; use global, domain:example.com or mailbox:ann@example.com")


def check_section(scope: str, name: str, stored: Section) -> None:
    """Raise `PolicyError` when a stored section cannot be used at this scope."""
    kinds = section_types()
    if name not in kinds:
        raise PolicyError(f"there is no section {name!r}; the sections are: {', '.join(sorted(kinds))}")
    read_section(kinds[name], stored, name)
    check_scope(kinds[name], stored, read_scope(scope), name)


def stored_view(name: str, stored: Section) -> CheckPolicy:
    """What every check's section has, for a check whose section is stored like this. Raises `PolicyError`."""
    common = {key: value for key, value in stored.items() if key in attributes(CheckPolicy)}
    view: CheckPolicy = read_section(section_types()[name], common, name)
    return view


def with_shared(kind: type, name: str, stored: Sections) -> Section:
    """A stored section, completed by what it shares with others and does not say itself."""
    section = dict(stored.get(name, {}))
    for attribute, item in attributes(kind).items():
        owner = stored.get(item.metadata.get("shared_with", ""), {})
        if attribute not in section and item.metadata.get("shared_with") and attribute in owner:
            section[attribute] = owner[attribute]
    return section


def _override_modes(name: str, overrides: Iterable[RecipientPolicy]) -> list[Mode]:
    return [Mode(str(item.sections[name]["mode"])) for item in overrides if "mode" in item.sections.get(name, {})]


def _widest(modes: Sequence[Mode]) -> Mode:
    return max(modes, key=_WIDENING.index)
