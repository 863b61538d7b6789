"""`postern rules`: files, a stock set and keys put into a service."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.embedded_aws import Installation
from tests.gnupg import Signer
from tests.unit.cli.conftest import CommandLine


def write(folder: Path, name: str, *lines: str) -> str:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_a_file_is_put_shown_and_removed(postern: CommandLine, aws: Installation, tmp_path: Path) -> None:
    assert postern.json("rules", "status")["files"] == []
    path = write(tmp_path, "local.cf", "body LOCAL_WORD /word/", "score LOCAL_WORD 2")
    assert postern.json("rules", "put", path)["files"] == ["local.cf"]
    assert "local.cf" in postern("rules", "status").stdout
    listed = postern.json("rules", "list", "LOCAL_*", "--stored")
    assert [(one["name"], one["file"]) for one in listed] == [("LOCAL_WORD", "global/local.cf")]
    assert postern.json("rules", "remove", "local.cf")["files"] == []
    postern("rules", "remove", "local.cf", code=1)


def test_a_file_with_errors_is_not_stored_unless_it_is_meant(
    postern: CommandLine, aws: Installation, tmp_path: Path
) -> None:
    path = write(tmp_path, "local.cf", "body GOOD /word/", "body BAD /(/")
    assert "global/local.cf:2: BAD" in postern("rules", "put", path, code=1).stderr
    assert postern.json("rules", "status")["files"] == []
    made = postern.json("rules", "put", "--even-so", path)
    assert made["files"] == ["local.cf"]
    assert len(made["problems"]) == 1


@pytest.mark.parametrize("name", ["local.txt", "missing.cf"])
def test_what_is_no_rule_file_is_a_mistake_of_usage(
    postern: CommandLine, aws: Installation, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    if name != "missing.cf":
        path.write_text("body A /a/")
    postern("rules", "put", str(path), code=2)


def test_a_folder_is_installed_as_the_stock_set_and_rolled_back(
    postern: CommandLine, aws: Installation, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    write(first, "a.cf", "body A /a/")
    write(second, "a.cf", "body A /b/", "body B /b/")
    assert postern.json("rules", "install", str(first))["stock"] == "first@1"
    made = postern.json("rules", "install", str(second), "--version", "7")
    assert (made["stock"], made["rules"], made["earlier"]) == ("second@7", 2, "first@1")
    assert postern.json("rules", "rollback")["stock"] == "first@1"
    postern("rules", "rollback", code=1)
    assert "without a stock set" in postern("rules", "uninstall", "--json", stdin="n\n", code=1).stderr
    assert postern.json("rules", "uninstall", "--yes")["stock"] is None


def test_own_files_are_checked_against_the_stock_set(postern: CommandLine, aws: Installation, tmp_path: Path) -> None:
    write(tmp_path / "stock", "a.cf", "body STOCK /a/")
    postern("rules", "install", str(tmp_path / "stock"))
    path = write(tmp_path, "local.cf", "meta MINE STOCK", "score STOCK (1)")
    assert postern("rules", "put", path, code=1).stderr.count("no earlier score of STOCK") == 1
    assert "rules that are not defined: STOCK" in postern("rules", "check", path, code=1).stdout
    assert "rules that are not defined: STOCK" not in postern("rules", "check", "--stored", path, code=1).stdout


@pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
def test_keys_are_stored_by_their_fingerprint(postern: CommandLine, aws: Installation, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="gpg") as folder:
        signer = Signer(Path(folder))
        path = tmp_path / "key.asc"
        path.write_bytes(signer.public_key())
        assert postern.json("rules", "trust", str(path)) == {"fingerprints": [signer.fingerprint]}
    path.write_text("rubbish")
    postern("rules", "trust", str(path), code=2)
