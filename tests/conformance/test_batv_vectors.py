"""Bounce address tags as batv-tools writes them: all are made alike, and verified."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postern.backscatter.keys import BatvKey, KeyRing
from postern.backscatter.tags import TagResult, signed, stripped, verify
from tests.material import vectors

CASES: list[dict[str, Any]] = json.loads(vectors("adsp-vbr-batv", "batv-prvs.json").read_text())["cases"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def test_there_are_all_of_them() -> None:
    assert len(CASES) == 27


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['signed_draft_form']} {case['key_ascii'][:8]}")
def test_a_tag_is_made_and_verified(case: dict[str, Any]) -> None:
    day, lifetime = case["day_number_of_signing"], case["lifetime_days"]
    key = BatvKey(0, case["key_ascii"].encode(), EPOCH)
    assert signed(case["address"], key, day, lifetime) == case["signed_draft_form"]
    now = EPOCH + timedelta(days=day)
    for form in (case["signed_draft_form"], case["batv_tools_subaddress_form"]):
        for age in (0, lifetime):
            assert verify(form, (), KeyRing((key,)), now + timedelta(days=age), lifetime) is TagResult.PASS
        assert verify(form, (), KeyRing((key,)), now + timedelta(days=lifetime + 1), lifetime) is TagResult.EXPIRED
        assert stripped(form.rpartition("@")[0]) == case["address"].rpartition("@")[0]
