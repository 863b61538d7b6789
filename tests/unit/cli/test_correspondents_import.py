"""Known correspondents from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import CommandLine

pytestmark = pytest.mark.usefixtures("aws")

ANN = "ann@example.com"
BOOK = "# friends\n\nBob <Bob@Friend.Example>, carla@friend.example\nnobody\nbob@friend.example\n"


def known(postern: CommandLine) -> list[str]:
    return [row["address"] for row in postern.json("lists", "known", ANN)]


def test_an_address_book_is_imported_for_one_mailbox(postern: CommandLine, tmp_path: Path) -> None:
    book = tmp_path / "book.txt"
    book.write_text(BOOK)
    told = postern.json("lists", "import", str(book), "--mailbox", "Ann@Example.com")
    assert told == {"mailbox": ANN, "imported": 2, "unusable": ["nobody"]}
    assert known(postern) == ["bob@friend.example", "carla@friend.example"]
    assert postern.json("lists", "known", "ben@example.com") == []
    assert "bob@friend.example until" in postern("lists", "known", ANN).stdout


def test_standard_input_will_do_and_one_can_be_forgotten(postern: CommandLine) -> None:
    told = postern("lists", "import", "-", "--mailbox", ANN, "--days", "30", stdin=BOOK)
    assert "2 correspondents of ann@example.com, for 30 days" in told.stdout
    assert "no address: nobody" in told.stderr
    postern("lists", "known", ANN, "--forget", "Bob@friend.example")
    assert known(postern) == ["carla@friend.example"]
    assert "is no known correspondent" in postern("lists", "known", ANN, "--forget", "x@y.example", code=1).stderr


def test_a_file_that_cannot_be_read_is_named(postern: CommandLine, tmp_path: Path) -> None:
    assert "cannot read" in postern("lists", "import", str(tmp_path / "gone"), "--mailbox", ANN, code=2).stderr
