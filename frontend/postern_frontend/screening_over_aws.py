"""The screen of a front end over its table and topics."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from postern.ports import SiteSource
from postern.session.screening import Screener
from postern.session.screening_policy import ScreeningPolicy
from postern_aws import clients
from postern_aws.notices import SnsNotices
from postern_aws.policy_snapshot import S3SnapshotReader, SnapshotSection
from postern_aws.screening import DynamoScreening
from postern_aws.screening_notices import SnsScreeningNotices
from postern_aws.settings import FrontEndSettings
from postern_frontend.pools import Runner
from postern_frontend.screening.screen import Screen, ScreeningEffects


def screen(
    settings: FrontEndSettings,
    snapshots: S3SnapshotReader,
    sites: SiteSource,
    run: Runner,
    shared_key: Callable[[], bytes],
) -> Screen:
    """The screen. `shared_key` is a secret that all front ends have; until there is one, an own one must do."""
    own_key = secrets.token_bytes(32)
    notices = SnsScreeningNotices(
        SnsNotices(clients.sns(), settings.notice_topic_arn), SnsNotices(clients.sns(), settings.security_topic_arn)
    )
    return Screen(
        ScreeningEffects(
            screener=Screener(DynamoScreening(clients.dynamodb(), settings.screening_table)),
            notices=notices,
            policy=SnapshotSection(snapshots, "screening", ScreeningPolicy),
            sites=sites,
            run=run,
            secret=lambda: shared_key() or own_key,
        )
    )
