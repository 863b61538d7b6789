"""What policy says about judging outgoing mail: nothing is judged unless somebody asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from postern.model import Points
from postern.policy import Mode, setting

SECTION = "outgoing_filter"


def _no_checks() -> Mapping[str, Mode]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingFilterPolicy:
    """Checks of outgoing mail. Their other settings are those of the checks' own sections, at global scope."""

    checks: Mapping[str, Mode] = setting(
        _no_checks, "mode per check of outgoing mail, e.g. rules = score; a check that is not named is off"
    )
    refuse_at: Points = setting(Points(800), "score from which outgoing mail is refused; 0 never refuses", minimum=0)
