"""ValiMail's ARC validation suite and two real chains, all through the check itself.

Three cases of the suite state no result: a seal in them says `cv=fail`. RFC 8617 §5.2 calls such a chain failed.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from postern.checks import arc
from postern.contract import Required
from postern.evidence import ArcEvidence
from postern.line_ends import normalise_line_ends
from postern.message import parse_message
from postern.model import CheckResult
from postern.zone import Zone, ZoneResolver
from tests.material import vectors
from tests.transactions import make_transaction

SUITE = list(yaml.safe_load_all(vectors("arc", "arc-draft-validation-tests.yml").read_text("utf-8")))
CASES = [(name, case, scenario["txt-records"]) for scenario in SUITE for name, case in scenario["tests"].items()]
STATE_NOTHING = {"cv_fail_i1_as_cv_fail", "cv_fail_i2_as2_fail", "cv_fail_i2_as1_fail"}


def judge(raw: bytes, zone: Zone) -> CheckResult[ArcEvidence]:
    return arc.evaluate(
        make_transaction(),
        policy=arc.ArcPolicy(),
        required=Required({}),
        resolver=ZoneResolver(zone),
        message=parse_message(normalise_line_ends(raw)),
    )


def test_the_suite_is_complete() -> None:
    assert len(CASES) == 171
    assert {name for name, case, _ in CASES if not case["cv"]} == STATE_NOTHING


@pytest.mark.parametrize(("name", "case", "records"), CASES, ids=[name for name, _, _ in CASES])
def test_validation(name: str, case: dict[str, Any], records: dict[str, str]) -> None:
    result = judge(case["message"].encode(), {key: {"TXT": [text]} for key, text in records.items()})
    expected = "fail" if name in STATE_NOTHING else case["cv"].lower()
    assert result.result == expected, result.reason


@pytest.mark.parametrize("name", ["mail-auth-001.txt", "mail-auth-002.txt"])
def test_real_chains(name: str) -> None:
    keys, _, raw = vectors("arc", name).read_bytes().partition(b"\n\n")
    entries = (line.split(" ", 1) for line in keys.decode("utf-8").splitlines())
    result = judge(raw, {key: {"TXT": [text.strip()]} for key, text in entries})
    assert result.result == "pass", result.reason
