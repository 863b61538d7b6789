"""docs/alerts.md explains every alarm of the template, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.infra.template import Template

PAGE = Path(__file__).resolve().parents[2] / "docs" / "alerts.md"


def test_alarms_and_their_page_agree(template: Template) -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## Alarms")[2].partition("## ")[0]
    told = {name.replace("-", "") for name in re.findall(r"`([A-Za-z]+-?)…?`", section) if name[0].isupper()}
    alarms = template.all("AWS::CloudWatch::Alarm")
    assert [name for name in alarms if not any(word in name for word in told)] == []
    assert [word for word in told if not any(word in name for name in alarms)] == []
