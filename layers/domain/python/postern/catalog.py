"""The catalogue of checks: the one list that infrastructure, workflow, documentation and tests follow.

Modules are imported when asked for, so that a function which runs one check loads one check.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import cast

from postern.contract import Check, CheckSpec, Phase
from postern.model import Direction

CHECKS: tuple[str, ...] = (
    "conversation",
    "iprev",
    "spf",
    "dnsbl",
    "sender_lists",
    "correspondents",
    "backscatter",
    "dkim",
    "arc",
    "dmarc",
    "adsp",
    "vbr",
    "ip_shield",
    "uribl",
    "rules",
    "bayes",
    "greylisting",
)
"""Module names in `postern.checks`, which are the check ids as well."""


class CatalogError(ValueError):
    """A catalogue that cannot be ordered: an unknown or circular requirement; the text names the checks."""


@cache
def check(check_id: str) -> Check:
    """The check module of that id; raises `CatalogError` for an id that is not in the catalogue."""
    if check_id not in CHECKS:
        raise CatalogError(f"there is no check {check_id!r}; the checks are: {', '.join(CHECKS)}")
    return cast("Check", import_module(f"postern.checks.{check_id}"))


def specs(check_ids: Iterable[str] | None = None) -> tuple[CheckSpec, ...]:
    """The specs of the given checks, or of all, in catalogue order."""
    return tuple(check(check_id).SPEC for check_id in (CHECKS if check_ids is None else check_ids))


def judging(direction: Direction) -> tuple[CheckSpec, ...]:
    """The specs of the checks that judge mail of this direction, in catalogue order.

    Each requires of the others only those that judge it too; it finds the rest skipped.
    """
    found = tuple(spec for spec in specs() if direction in spec.directions)
    ids = {spec.check_id for spec in found}
    return tuple(replace(spec, requires=tuple(name for name in spec.requires if name in ids)) for spec in found)


def stages(catalogue: tuple[CheckSpec, ...] | None = None) -> tuple[tuple[CheckSpec, ...], ...]:
    """The checks in stages: by phase, and within a phase each check after those it requires.

    Without a catalogue, those of the checks that judge incoming mail.

    Raises `CatalogError` when a requirement is unknown, circular, or of a later phase.
    """
    known = judging(Direction.INBOUND) if catalogue is None else catalogue
    _refuse_unknown_requirements(known)
    staged: list[tuple[CheckSpec, ...]] = []
    done: set[str] = set()
    for phase in Phase:
        waiting = [spec for spec in known if spec.phase is phase]
        while waiting:
            ready = tuple(spec for spec in waiting if done.issuperset(spec.requires))
            if not ready:
                stuck = ", ".join(spec.check_id for spec in waiting)
                raise CatalogError(f"these checks require each other or a later phase: {stuck}")
            staged.append(ready)
            done.update(spec.check_id for spec in ready)
            waiting = [spec for spec in waiting if spec not in ready]
    return tuple(staged)


def _refuse_unknown_requirements(known: tuple[CheckSpec, ...]) -> None:
    ids = {spec.check_id for spec in known}
    for spec in known:
        for required in spec.requires:
            if required not in ids:
                raise CatalogError(f"check {spec.check_id!r} requires {required!r}, which is not in the catalogue")
