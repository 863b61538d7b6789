"""Notices of screening: accounts concern the postmaster, attacks whoever looks after security."""

from __future__ import annotations

from dataclasses import dataclass

from postern.session.screening_notices import Audience, ScreeningNotice
from postern_aws.notices import Notice, SnsNotices


@dataclass(frozen=True, slots=True)
class SnsScreeningNotices:
    """Both topics. Implements `postern.session.screening_notices.ScreeningNotices`."""

    postmaster: SnsNotices
    security: SnsNotices

    def tell(self, notice: ScreeningNotice) -> None:
        """Publish to the topic of its audience. Raises `Unavailable`."""
        topic = self.postmaster if notice.audience is Audience.POSTMASTER else self.security
        topic.tell(Notice(notice.event, notice.subject, notice.text, notice.facts, notice.attributes))
