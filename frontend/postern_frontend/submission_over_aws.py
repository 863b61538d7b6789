"""Submission over the table of accounts and the compiled policy."""

from __future__ import annotations

import logging

from postern.accounts import AccountError
from postern.ports import SiteSource
from postern.submission.policy import SubmissionPolicy
from postern_aws import clients
from postern_aws.accounts import DynamoAccounts
from postern_aws.policy_snapshot import S3SnapshotReader, SnapshotSection
from postern_aws.settings import FrontEndSettings
from postern_frontend.login import Logins
from postern_frontend.passwords import PasswordVerifier
from postern_frontend.pools import Runner
from postern_frontend.submission import Submission

_log = logging.getLogger("postern.frontend")


def submission(
    settings: FrontEndSettings, snapshots: S3SnapshotReader, sites: SiteSource, run: Runner, run_verify: Runner
) -> Submission:
    """What submission listeners share. `run` reads and writes accounts, `run_verify` verifies passwords."""
    accounts = DynamoAccounts(clients.dynamodb(), settings.accounts_table, _report_malformed)
    return Submission(
        logins=Logins(accounts, PasswordVerifier(), run, run_verify),
        run=run,
        policy=SnapshotSection(snapshots, "submission", SubmissionPolicy),
        sites=sites,
    )


def _report_malformed(address: str, trouble: AccountError) -> None:
    _log.warning("the row of account %s cannot be used: %s", address, trouble)
