"""The account that the embedded AWS plays: its number, its region, credentials that are worth nothing."""

from __future__ import annotations

from collections.abc import Mapping

ACCOUNT = "123456789012"
REGION = "us-east-1"
STACK = "Postern"

CLIENT_ENVIRONMENT: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": REGION,
    # botocore would call sync-127.0.0.1 for StartSyncExecution.
    "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
}
"""What a client of boto3 needs beside the endpoint, here and in other processes."""
