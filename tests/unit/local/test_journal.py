"""What was answered is durable, whole, and in order."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from postern_local.journal import Journal, JournalError, Statement

PUT = "replace into rows values (?, ?, ?)"


def put(name: str, text: str) -> Statement:
    return Statement(PUT, ("table", name, text))


def rows(journal: Journal) -> dict[object, object]:
    return {name: text for _, name, text in journal.read("select * from rows")}


def test_what_is_settled_is_read_by_the_next_start(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([put("a", "1"), put("b", "2")])
    journal.append([put("a", "3")])
    journal.settle()
    assert rows(Journal(tmp_path)) == {"a": "3", "b": "2"}


def test_many_threads_share_commits_and_lose_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)

    def write(number: int) -> None:
        for at in range(20):
            journal.append([put(f"{number}-{at}", "x")])
            journal.settle()
            assert f"{number}-{at}" in rows(journal)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows(journal)) == 160


def test_followers_are_told_in_order_after_it_is_durable(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    told: list[tuple[int, bool]] = []
    for number in range(10):
        journal.append([put(str(number), "x")], lambda at=number: told.append((at, str(at) in rows(journal))))  # type: ignore[misc]
    journal.close()
    assert told == [(number, True) for number in range(10)]


def test_when_it_cannot_write_nothing_is_answered(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([Statement("no such statement", ())])
    with pytest.raises(JournalError):
        journal.settle()


def test_octets_that_no_object_names_are_removed(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    kept, stray = journal.store_blob(b"kept"), journal.store_blob(b"stray")
    journal.append([Statement("replace into objects values ('b', 'k', ?, 4, 'e', 'm', '{}')", (kept,))])
    journal.settle()
    journal.drop_strays()
    assert journal.blob_path(kept).read_bytes() == b"kept"
    assert not journal.blob_path(stray).exists()
