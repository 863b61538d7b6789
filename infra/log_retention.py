"""Days of log retention in the CDK's words."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk.aws_logs import RetentionDays

RETENTION: Mapping[int, RetentionDays] = {
    1: RetentionDays.ONE_DAY,
    7: RetentionDays.ONE_WEEK,
    14: RetentionDays.TWO_WEEKS,
    30: RetentionDays.ONE_MONTH,
    90: RetentionDays.THREE_MONTHS,
    180: RetentionDays.SIX_MONTHS,
    365: RetentionDays.ONE_YEAR,
    731: RetentionDays.TWO_YEARS,
}
