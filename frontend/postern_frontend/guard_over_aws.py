"""The guard of a front end over its tables, topics and the key of its links."""

from __future__ import annotations

from dataclasses import dataclass

from postern.ports import SiteSource
from postern.session.hijack import SendingWatch
from postern.session.hijack_policy import HijackPolicy
from postern_aws import clients
from postern_aws.accounts import DynamoAccounts
from postern_aws.correspondents import DynamoCorrespondents
from postern_aws.due_rows import DueRows
from postern_aws.mail_queue import MailQueue
from postern_aws.notices import SnsNotices
from postern_aws.policy_snapshot import S3SnapshotReader, SnapshotSection
from postern_aws.screening_notices import SnsScreeningNotices
from postern_aws.sending import DynamoSending
from postern_aws.settings import FrontEndSettings
from postern_aws.thaw_key import ThawKey
from postern_frontend.pools import Runner
from postern_frontend.sending_alarms import AlarmEffects, SendingAlarms
from postern_frontend.submission_guard import GuardEffects, SendingGuard


@dataclass(frozen=True, slots=True)
class Guarding:
    """The guard for sessions, and its alarms, which are stopped at the end."""

    guard: SendingGuard
    alarms: SendingAlarms


def guarding(settings: FrontEndSettings, snapshots: S3SnapshotReader, sites: SiteSource, run: Runner) -> Guarding:
    """The guard; `run` reads and writes tables."""
    tables = clients.dynamodb()
    watch = SendingWatch(
        DynamoSending(tables, settings.screening_table), DynamoAccounts(tables, settings.accounts_table)
    )
    alarms = SendingAlarms(_alarm_effects(settings, watch, sites, run))
    known = DynamoCorrespondents(tables, settings.correspondents_table) if settings.correspondents_table else None
    policy = SnapshotSection(snapshots, "hijack", HijackPolicy)
    return Guarding(
        SendingGuard(GuardEffects(watch=watch, policy=policy, alarms=alarms, run=run, correspondents=known)), alarms
    )


def _alarm_effects(settings: FrontEndSettings, watch: SendingWatch, sites: SiteSource, run: Runner) -> AlarmEffects:
    notices = SnsScreeningNotices(
        SnsNotices(clients.sns(), settings.notice_topic_arn), SnsNotices(clients.sns(), settings.security_topic_arn)
    )
    linked = settings.thaw_url and settings.thaw_secret_arn
    return AlarmEffects(
        watch=watch,
        mail=MailQueue(DueRows(clients.dynamodb(), settings.outbox_table)),
        notices=notices,
        sites=sites,
        run=run,
        thaw_url=settings.thaw_url or "" if linked else "",
        thaw_key=ThawKey(clients.secrets(), settings.thaw_secret_arn or ""),
    )
