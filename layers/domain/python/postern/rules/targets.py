"""What of a message a pattern rule looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from postern.rules.definitions import Rule
from postern.rules.matchers import Matcher


class Target(NamedTuple):
    """The kind of rule; of header fields also the name, the views, and what stands for a missing one."""

    kind: str
    name: str = ""
    views: tuple[str, ...] = ()
    if_unset: str | None = None


BODY = Target("body")

Texts = Mapping[Target, Sequence[bytes]]
"""The texts of one message; a header field is one text, empty when it is missing."""


class Finding(NamedTuple):
    """The texts in which a pattern may match; `sure`: it does; `starts`: where in each text, when that is known."""

    texts: Sequence[bytes]
    sure: bool = False
    starts: Sequence[Sequence[int]] | None = None


class Candidates(Protocol):
    """Tells in one go which patterns may match where, so that only those are tried."""

    def find(self, texts: Texts) -> Mapping[Matcher, Finding]:
        """Every pattern that may match, with the texts in which it may."""


def target_of(rule: Rule) -> Target:
    """What a pattern rule looks at."""
    if rule.header is None:
        return Target(rule.kind.value)
    return Target(rule.kind.value, rule.header.name, rule.header.views, rule.header.if_unset)
