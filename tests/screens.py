"""A screen for tests: everything of it is real, over a store in memory and a clock that a test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from postern.model import Site
from postern.ports import Unavailable
from postern.session.bans import Ban
from postern.session.memory import MemoryScreening
from postern.session.screening import Screener
from postern.session.screening_notices import ScreeningNotice
from postern.session.screening_policy import ScreeningPolicy
from postern.session.subjects import Subject
from postern_frontend.screening.screen import Screen, ScreeningEffects

T = TypeVar("T")
START = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Table(MemoryScreening):
    """Counts how often bans were read."""

    reads: list[tuple[Subject, ...]] = field(default_factory=list)

    def bans(self, subjects: Iterable[Subject]) -> tuple[Ban, ...]:
        asked = tuple(subjects)
        self.reads.append(asked)
        return MemoryScreening.bans(self, asked)


@dataclass
class Screened:
    """A screen, and everything around it."""

    policy: ScreeningPolicy = field(default_factory=ScreeningPolicy)
    trusted: tuple[str, ...] = ()
    now: datetime = START
    table: Table = field(default_factory=Table)
    notices: list[ScreeningNotice] = field(default_factory=list)
    broken: bool = False
    screen: Screen = field(init=False)

    def __post_init__(self) -> None:
        self.screen = self.another()

    def another(self) -> Screen:
        """The screen of another front end over the same table."""
        return Screen(
            ScreeningEffects(
                screener=Screener(self.table),
                notices=self,
                policy=lambda: self.policy,
                sites=self,
                run=self.run,
                secret=lambda: b"a secret",
                now=lambda: self.now,
            )
        )

    def pass_time(self, **period: float) -> None:
        self.now += timedelta(**period)

    def tell(self, notice: ScreeningNotice) -> None:
        self.notices.append(notice)

    def site(self) -> Site:
        return Site("mx.example.com", "mx.example.com", ("example.com",), self.trusted)

    async def run(self, work: Callable[[], T]) -> T:
        if self.broken:
            raise Unavailable("broken by a test")
        return work()
