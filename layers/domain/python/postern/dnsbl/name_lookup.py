"""Asking lists about names, all at once, and doubting a list that lists what no list may (RFC 5782 §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from postern.dns import Question
from postern.dnsbl.lookup import ListAnswer, ListState, read_answer
from postern.dnsbl.name_lists import NameList, NameRole
from postern.dnsbl.names import Name
from postern.model import Points
from postern.ports import Resolver

_NO_POINTS = Points(0)


@dataclass(frozen=True, slots=True)
class Listing:
    """A name that a list lists: where it stands, the list's codes, and their points."""

    subject: str
    role: NameRole
    codes: tuple[str, ...]
    points: Points


@dataclass(frozen=True, slots=True)
class NameListAnswer:
    """What a list says about the names of one message; `listings` are there only when it `BLOCKS`, strongest first."""

    name_list: NameList
    state: ListState
    asked: int
    listings: tuple[Listing, ...] = ()
    codes: tuple[str, ...] = ()

    @property
    def points(self) -> Points:
        """Those of the strongest listing: ten links to one shop are not ten listings."""
        return self.listings[0].points if self.listings else _NO_POINTS


def ask_about_names(names: Sequence[Name], lists: Sequence[NameList], resolver: Resolver) -> tuple[NameListAnswer, ...]:
    """What each list says; one that has nothing to be asked is left out.

    A list that lists one of the names is asked for a name that no list may list as well.
    """
    asked = [(one, subjects) for one in lists if (subjects := _subjects(names, one))]
    answers = iter(resolver.query_all([one.question(subject) for one, subjects in asked for subject in subjects]))
    read = [_read(one, subjects, [read_answer(one, next(answers)) for _ in subjects]) for one, subjects in asked]
    return _doubted(read, resolver)


def name_health_questions(name_list: NameList) -> tuple[Question, Question]:
    """The test points that must and must not be listed, for `judge_health`."""
    return name_list.question(name_list.listed_test), name_list.question(name_list.unlisted_test)


def _subjects(names: Sequence[Name], name_list: NameList) -> dict[str, NameRole]:
    """What the list is asked, and the first place where that stands."""
    subjects: dict[str, NameRole] = {}
    for name in names:
        subject = name.subject(name_list)
        if subject is not None:
            subjects.setdefault(subject, name.role)
    return subjects


def _read(name_list: NameList, subjects: dict[str, NameRole], answers: Sequence[ListAnswer]) -> NameListAnswer:
    states = [one.state for one in answers]
    listings = [
        Listing(subject, role, one.codes, one.points)
        for (subject, role), one in zip(subjects.items(), answers, strict=True)
        if one.state is ListState.BLOCKS
    ]
    for trouble in (ListState.REFUSES_US, ListState.BROKEN):
        if trouble in states:
            # A list that refuses one question or answers nonsense is not believed about the others.
            return NameListAnswer(name_list, trouble, len(subjects), codes=answers[states.index(trouble)].codes)
    if listings:
        listings.sort(key=lambda one: -one.points)
        return NameListAnswer(name_list, ListState.BLOCKS, len(subjects), tuple(listings), listings[0].codes)
    state = ListState.TEMPERROR if all(one is ListState.TEMPERROR for one in states) else ListState.SILENT
    return NameListAnswer(name_list, state, len(subjects))


def _doubted(answers: Sequence[NameListAnswer], resolver: Resolver) -> tuple[NameListAnswer, ...]:
    doubted = [one.name_list for one in answers if one.listings and one.name_list.test_point]
    tests = resolver.query_all([one.question(one.unlisted_test) for one in doubted]) if doubted else ()
    broken = {one.name for one, test in zip(doubted, tests, strict=True) if test.records}
    return tuple(
        replace(one, state=ListState.BROKEN, listings=()) if one.name_list.name in broken else one for one in answers
    )
