"""Reports from the command line, against an AWS in this process."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postern.dmarc_reports.writing import write_report
from postern_aws import clients
from postern_aws.dmarc_rows import DynamoDmarcRows
from postern_aws.items import to_item
from tests.unit.cli.conftest import CommandLine
from tests.unit.dmarc_reports.test_writing import ROW, report

pytestmark = pytest.mark.usefixtures("aws")

TODAY = datetime.now(UTC).replace(hour=1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A report about example.com, of today: three messages authenticated, three not."""
    forged = replace(ROW, source_ip="198.51.100.7", dkim_aligned=False, signatures=())
    path = tmp_path / "report.xml"
    path.write_bytes(write_report(replace(report(ROW, forged), day=TODAY.date())))
    return path


def test_a_report_is_kept_once_and_summed_up(postern: CommandLine, file: Path) -> None:
    (first,) = postern.json("reports", "import", str(file))
    (again,) = postern.json("reports", "import", str(file))
    assert (first["messages"], first["aligned"], first["new"], again["new"]) == (6, 3, True, False)
    (summary,) = postern.json("reports", "show")
    assert (summary["domain"], summary["messages"], summary["aligned"]) == ("example.com", 6, 3)
    assert [one["source_ip"] for one in summary["sources"]] == ["192.0.2.1", "198.51.100.7"]
    assert postern.json("reports", "show", "--domain", "Example.com") == [summary]
    assert postern.json("reports", "show", "--domain", "example.net") == []


def test_people_see_a_chart_and_who_is_not_aligned(postern: CommandLine, file: Path) -> None:
    assert "6 messages, 3 aligned" in postern("reports", "import", str(file)).stdout
    shown = postern("reports", "show").stdout
    assert "50.0%" in shown
    assert "█" in shown
    assert "░" in shown
    assert "not aligned" in shown
    assert "No report" in postern("reports", "show", "--domain", "example.net").stdout


def test_a_file_that_is_no_report_is_named_and_the_others_are_kept(
    postern: CommandLine, file: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.xml"
    wrong.write_text("<feedback/>")
    result = postern("reports", "import", str(wrong), str(file), str(tmp_path / "missing"), code=1)
    assert "no record" in result.stdout
    assert "No such file" in result.stdout
    assert "2 of 3" in result.stderr
    assert postern.json("reports", "show")[0]["messages"] == 6


def test_what_an_owner_would_get_can_be_seen(postern: CommandLine) -> None:
    DynamoDmarcRows(clients.dynamodb(), "DmarcReports").count(ROW, TODAY)
    document = postern("reports", "preview", "example.com").stdout
    assert document.startswith("<?xml")
    assert "<count>1</count>" in document
    row = {"scope": "global", "section": "dmarc_reports", "contact": "dmarc@example.com", "note": "Ben asked for it"}
    clients.dynamodb().put_item(TableName="Policy", Item=to_item(row))
    assert "dmarc@example.com" in postern("reports", "preview", "example.com").stdout
    assert "nothing was counted" in postern("reports", "preview", "example.net", code=1).stderr
    postern("reports", "preview", "example.com", "--day", "yesterday", code=2)
