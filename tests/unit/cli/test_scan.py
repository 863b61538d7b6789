"""Judging message files: the report, the exit code, and a quick start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import CommandLine
from tests.unit.cli.test_scan_batch import MESSAGE, ZONE

GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
SESSION = ("--client-ip", "192.0.2.1", "--helo", "mx.example.com", "--mail-from", "bob@example.com")


@pytest.fixture
def mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A good message, a bad one and a zone, in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.eml").write_bytes(MESSAGE)
    (tmp_path / "bad.eml").write_bytes(MESSAGE + GTUBE + b"\r\n")
    (tmp_path / "zone.json").write_text(json.dumps(ZONE))
    return tmp_path


@pytest.mark.usefixtures("mail")
def test_a_report_explains_the_verdict(postern: CommandLine) -> None:
    told = postern("scan", *SESSION, "--zone", "zone.json", "--rcpt-to", "ann@receiver.example", "good.eml").stdout
    expected = ("good.eml", "accept", "250 2.0.0", "Checks", "SPF_PASS", "DNS answers", "v=spf1 ip4:192.0.2.0/24 -all")
    assert [one for one in expected if one not in told] == []


@pytest.mark.usefixtures("mail")
def test_the_exit_code_says_whether_everything_would_reach_the_inbox(postern: CommandLine) -> None:
    postern("scan", "--no-dns", "good.eml")
    postern("scan", "--no-dns", "good.eml", "bad.eml", code=1)


@pytest.mark.usefixtures("mail")
def test_one_file_is_one_answer_and_several_are_a_list(postern: CommandLine) -> None:
    assert postern.json("scan", "--no-dns", "bad.eml", code=1)["disposition"] == "reject"
    found = postern.json("scan", "--no-dns", "good.eml", "bad.eml", code=1)
    assert [one["id"] for one in found] == ["good.eml", "bad.eml"]


def test_a_message_can_come_by_standard_input(postern: CommandLine) -> None:
    assert "accept" in postern("scan", "--no-dns", "-", stdin=MESSAGE).stdout


@pytest.mark.usefixtures("mail")
def test_policy_can_come_from_a_file(postern: CommandLine, mail: Path) -> None:
    (mail / "policy.json").write_text('{"rules": {"mode": "off"}}')
    found = postern.json("scan", "--no-dns", "--policy", "policy.json", "bad.eml")
    assert found["results"]["rules"]["result"] == "skipped"


@pytest.mark.usefixtures("mail")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give message files"),
        (("good.eml", "--batch", "good.eml"), "give message files"),
        (("nowhere.eml", "--no-dns"), "nowhere.eml"),
        (("good.eml", "--zone", "good.eml"), "zone"),
        (("good.eml", "--policy", "good.eml"), "policy"),
        (("good.eml", "--client-ip", "here"), "client_ip"),
    ],
)
def test_what_is_wrong_is_said(postern: CommandLine, arguments: tuple[str, ...], told: str) -> None:
    assert told in postern("scan", *arguments, code=2).stderr


def test_a_scan_starts_without_what_only_the_service_needs(mail: Path) -> None:
    script = "import sys; from postern_cli.main import app; app(standalone_mode=False); print(*sys.modules)"
    command = [
        sys.executable,
        "-c",
        script,
        "scan",
        "--json",
        "--zone",
        str(mail / "zone.json"),
        str(mail / "good.eml"),
    ]
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
    modules = found.stdout.split()
    assert "postern.pipeline" in modules
    assert {"boto3", "botocore", "moto", "aws_cdk", "aws_lambda_powertools"}.isdisjoint(modules)
