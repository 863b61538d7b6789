"""`postern rules`: files looked at without any service."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import CommandLine

LOCAL = r"""header LOCAL_DEMAND Subject =~ /final demand/i
describe LOCAL_DEMAND says it is the final demand
score LOCAL_DEMAND 2.5
body __LOCAL_WORD /\bword\b/
meta LOCAL_BOTH LOCAL_DEMAND && __LOCAL_WORD
"""
MAIL = b"From: a@b.example\r\nSubject: FINAL DEMAND\r\n\r\nno such thing\r\n"


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "local.cf"
    path.write_text(LOCAL)
    return path


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    path = tmp_path / "mail.eml"
    path.write_bytes(MAIL)
    return path


def test_good_files_are_passed(postern: CommandLine, local: Path) -> None:
    assert postern("rules", "check", str(local)).stdout == ""
    told = postern.json("rules", "check", str(local))
    assert told == {"files": 1, "rules": 3, "remarks": []}


def test_what_is_wrong_is_told_by_file_line_and_rule(postern: CommandLine, local: Path) -> None:
    local.write_text(LOCAL + "body LOCAL_BAD /(/\n")
    assert f"{local}:6: error: LOCAL_BAD: " in postern("rules", "check", str(local), code=1).stdout
    (remark,) = postern.json("rules", "check", str(local), code=1)["remarks"]
    assert (remark["line"], remark["rule"], remark["severity"]) == (6, "LOCAL_BAD", "error")


def test_notes_end_with_1_only_when_asked(postern: CommandLine, local: Path) -> None:
    local.write_text(LOCAL + "score NOBODY 1\n")
    postern("rules", "check", str(local))
    postern("rules", "check", "--strict", str(local), code=1)


def test_files_that_cannot_be_read_are_a_mistake_of_usage(postern: CommandLine, tmp_path: Path) -> None:
    postern("rules", "check", str(tmp_path / "none.cf"), code=2)
    postern("rules", "check", str(tmp_path), code=2)


def test_rules_are_listed_and_filtered(postern: CommandLine, local: Path) -> None:
    told = postern.json("rules", "list", "LOCAL_*", "--rules", str(local))
    assert [(one["name"], one["points"], one["type"], one["area"]) for one in told] == [
        ("LOCAL_BOTH", 1.0, "meta", "other rules"),
        ("LOCAL_DEMAND", 2.5, "header", "Subject"),
    ]
    assert postern.json("rules", "list", "--type", "meta", "--containing", "__LOCAL", "--rules", str(local)) == told[:1]
    assert "GTUBE" in postern("rules", "list").stdout


def test_a_rule_is_explained_with_its_parts_and_the_messages_it_hits(
    postern: CommandLine, local: Path, mail: Path
) -> None:
    shown = postern("rules", "explain", "LOCAL_BOTH", str(mail), "--rules", str(local)).stdout
    assert "● LOCAL_DEMAND" in shown
    assert "○ __LOCAL_WORD" in shown
    assert f"does not hit  {mail}" in shown
    told = postern.json("rules", "explain", "LOCAL_DEMAND", str(mail), "--rules", str(local))
    assert told["points_set_at"] == f"{local}:3"
    assert told["messages"] == [{"message": str(mail), "hits": 1.0, "matched": "FINAL DEMAND"}]


def test_similar_names_are_suggested(postern: CommandLine) -> None:
    assert "GTUBE" in postern("rules", "explain", "GTUB", code=1).stderr


def test_rules_of_ones_own_are_tried_by_scan(postern: CommandLine, local: Path, mail: Path) -> None:
    local.write_text(LOCAL + "score LOCAL_DEMAND 100\n")
    told = postern.json("scan", "--no-dns", "--rules", str(local), str(mail), code=1)
    assert "LOCAL_DEMAND" in told["results"]["rules"]["properties"]["hits"]
    assert told["score"] > 90
    assert "LOCAL_DEMAND" not in postern("scan", "--no-dns", str(mail)).stdout
