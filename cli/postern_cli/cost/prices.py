"""AWS's list prices, dated. Dollars, in us-east-1 (N. Virginia), without free tiers, discounts or tax.

Other regions cost up to a third more. Nothing else in the program knows a price.
"""

from __future__ import annotations

from dataclasses import dataclass

REGION = "us-east-1"
LOOKED_UP = "2026-11-22"

HOURS_PER_MONTH = 730


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Dollars per unit; the unit is in the name. Where AWS has tiers, the first one."""

    lambda_request: float = 0.20e-6
    lambda_gb_second: float = 0.0000133334
    """On arm64. The time of a cold start counts as well, since August 2025."""
    workflow_request: float = 1.00e-6
    workflow_gb_second: float = 0.06 / 3600
    """Express; memory in steps of 64 MB, time in steps of 100 ms."""
    table_write_unit: float = 0.625e-6
    table_read_unit: float = 0.125e-6
    table_gb_month: float = 0.25
    table_backup_gb_month: float = 0.20
    """Point-in-time recovery."""
    object_put: float = 0.005 / 1000
    object_get: float = 0.0004 / 1000
    object_gb_month: float = 0.023
    queue_request: float = 0.40e-6
    notice: float = 0.50e-6
    log_gb: float = 0.50
    """CloudWatch Logs, standard class, taken in."""
    metric_month: float = 0.30
    alarm_month: float = 0.10
    dashboard_month: float = 3.00
    secret_month: float = 0.40
    balancer_hour: float = 0.0225
    balancer_unit_hour: float = 0.006
    """One unit is 1 GB in an hour, or 800 new connections a second."""
    public_address_hour: float = 0.005
    task_cpu_hour: float = 0.03238
    task_gb_hour: float = 0.00356
    """Fargate on arm64."""


PRICES = Prices()
