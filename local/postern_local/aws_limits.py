"""AWS's own limits, which the embedded one enforces too, so that what works here works there.

Octets of UTF-8 unless said otherwise; each with the page of AWS's documentation that states it.
"""

from __future__ import annotations

# Lambda, "Lambda quotas": invocation payload, request and response.
LAMBDA_SYNCHRONOUS_PAYLOAD = 6 * 1024 * 1024
LAMBDA_EVENT_PAYLOAD = 1024 * 1024
# Step Functions, "Quotas": input or result of a task, state or execution.
STATE_DATA = 262_144
# DynamoDB, "Service, account, and table quotas": an item, names of attributes included.
TABLE_ITEM = 400 * 1024
# SQS, "Amazon SQS message quotas".
QUEUE_MESSAGE = 1024 * 1024
