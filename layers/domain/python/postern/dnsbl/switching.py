"""Lists that switch themselves to observe: they refuse us or list everything, so what they answer must not count.

The self-test looks (RFC 5782 §5) and keeps, in a section of policy of its own, which lists it has switched. That
section is no check's: `with_switched_lists` adds its lists to those that the sections of the checks only observe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from postern.dnsbl.lookup import ListHealth
from postern.policy import setting

SECTION = "dnsbl_health"
CHECK_SECTIONS = ("dnsbl", "uribl")
"""The checks that ask lists: about addresses, and about names."""

SWITCHED, OBSERVED, ALWAYS_COUNTED = "switched", "observed", "always_counted"

UNUSABLE = frozenset({ListHealth.REFUSES_US, ListHealth.LISTS_EVERYTHING})

Section = Mapping[str, object]
ListKey = tuple[str, str]
"""The section of the check that asks a list, and the list's name there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchedList:
    """A list that the self-test has switched to observe: since when (ISO 8601, UTC), and why."""

    section: str = setting("", "the check that asks it: dnsbl or uribl")
    name: str = setting("", "what people call the list")
    reason: str = setting("", "what its test points showed")
    since: str = setting("", "when the self-test switched it")

    @property
    def key(self) -> ListKey:
        """Which list of which check."""
        return self.section, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsblHealthPolicy:
    """What the self-test found out about the DNS lists. It keeps this section up itself."""

    switched: tuple[SwitchedList, ...] = setting((), "lists it has switched to observe, until they answer as they must")


@dataclass(frozen=True, slots=True)
class Switching:
    """What one look changes: the lists that are switched from now on, those that are new, and those that are back."""

    switched: tuple[SwitchedList, ...]
    fresh: tuple[SwitchedList, ...]
    recovered: tuple[SwitchedList, ...]

    @property
    def changes(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.fresh or self.recovered)


def switch(
    before: Sequence[SwitchedList],
    health: Mapping[ListKey, ListHealth],
    always_counted: Iterable[ListKey],
    now: datetime,
) -> Switching:
    """Which lists are switched after this look at them.

    A list that cannot be reached or lists nothing stays as it is: neither proves that it is well. One that is not asked
    any more, or that a person wants to count in any case, is forgotten without a word.
    """
    counted = frozenset(always_counted)
    judged = {key: state for key, state in health.items() if key not in counted}
    known = {one.key: one for one in before if one.key in judged}
    fresh = tuple(
        SwitchedList(section=section, name=name, reason=state.value, since=now.isoformat(timespec="seconds"))
        for (section, name), state in judged.items()
        if state in UNUSABLE and (section, name) not in known
    )
    recovered = tuple(one for key, one in known.items() if judged[key] is ListHealth.HEALTHY)
    kept = tuple(one for one in known.values() if one not in recovered)
    return Switching((*kept, *fresh), fresh, recovered)


def with_switched_lists(sections: Mapping[str, Section]) -> Mapping[str, Section]:
    """Global sections in which the checks' sections also observe the lists that the self-test has switched."""
    keys = _switched_keys(sections.get(SECTION, {}))
    changed = {
        check: _observing(sections.get(check, {}), [name for section, name in keys if section == check])
        for check in CHECK_SECTIONS
        if any(section == check for section, _ in keys)
    }
    return {**sections, **changed} if changed else sections


def _observing(check: Section, names: Sequence[str]) -> Section:
    """A check's section that observes these lists as well, but for those that people want to count in any case."""
    wanted = [name for name in names if name not in _words(check.get(ALWAYS_COUNTED))]
    if not wanted:
        return check
    return {**check, OBSERVED: list(dict.fromkeys([*_words(check.get(OBSERVED)), *wanted]))}


def _switched_keys(section: Section) -> list[ListKey]:
    stored = section.get(SWITCHED)
    rows = stored if isinstance(stored, Sequence) else ()
    return [
        (str(row["section"]), str(row["name"]))
        for row in rows
        if isinstance(row, Mapping) and {"section", "name"} <= row.keys()
    ]


def _words(stored: object) -> list[str]:
    return [str(one) for one in stored] if isinstance(stored, Sequence) and not isinstance(stored, str) else []
