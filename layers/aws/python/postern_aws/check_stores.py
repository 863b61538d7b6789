"""The stores that checks may need, each made when a check first asks for it: a function pays for what it uses."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from postern.contract import Needs
from postern.ports import (
    BatvKeys,
    Correspondents,
    Greylist,
    RuleSets,
    SenderLists,
    SentMessages,
    SiteModel,
    Unavailable,
)
from postern_aws.settings import RunChecksSettings

if TYPE_CHECKING:
    from postern_aws.message_store import S3MessageStore

STORES = frozenset(
    {
        Needs.SENDER_LISTS,
        Needs.GREYLIST,
        Needs.CORRESPONDENTS,
        Needs.BATV_KEYS,
        Needs.SENT_MESSAGES,
        Needs.RULES,
        Needs.SITE_MODEL,
    }
)
"""What is a store: `CheckStores` has an attribute of the need's name."""


class CheckStores:
    """The stores of one function. An attribute raises `Unavailable` when the function was not told where to find it."""

    def __init__(self, settings: RunChecksSettings) -> None:
        self._settings = settings

    def get(self, need: Needs) -> Any:
        """The store of that name. Raises `Unavailable`."""
        return getattr(self, need.value)

    def prepare(self, need: Needs) -> None:
        """Make what this function will be asked for, while the cold start's full processor is ours."""
        try:
            if need is Needs.MESSAGE:
                _ = self.messages
            elif need in STORES:
                self.get(need)
        except Unavailable:
            return  # the check that asks for it says so

    @cached_property
    def messages(self) -> S3MessageStore:
        """Where messages are read from."""
        from postern_aws import clients  # noqa: PLC0415 - a check without the message does not pay for boto3
        from postern_aws.message_store import S3MessageStore  # noqa: PLC0415 - as above

        bucket = self._named("message_bucket")
        return S3MessageStore(clients.s3(), bucket)

    @cached_property
    def sender_lists(self) -> SenderLists:
        """The sender lists."""
        from postern_aws import clients  # noqa: PLC0415 - a check without lists does not pay for boto3
        from postern_aws.policy_snapshot import S3SnapshotReader  # noqa: PLC0415 - as above
        from postern_aws.sender_lists import DynamoSenderLists  # noqa: PLC0415 - as above

        table, bucket = self._named("sender_lists_table"), self._named("message_bucket")
        return DynamoSenderLists(clients.dynamodb(), table, S3SnapshotReader(clients.s3(), bucket))

    @cached_property
    def greylist(self) -> Greylist:
        """The greylist."""
        from postern_aws import clients  # noqa: PLC0415 - a check without tables does not pay for boto3
        from postern_aws.greylist import DynamoGreylist  # noqa: PLC0415 - as above

        table = self._named("greylist_table")
        return DynamoGreylist(clients.dynamodb(), table)

    @cached_property
    def correspondents(self) -> Correspondents:
        """Who wrote to whom."""
        from postern_aws import clients  # noqa: PLC0415 - a check without tables does not pay for boto3
        from postern_aws.correspondents import DynamoCorrespondents  # noqa: PLC0415 - as above

        table = self._named("correspondents_table")
        return DynamoCorrespondents(clients.dynamodb(), table)

    @cached_property
    def batv_keys(self) -> BatvKeys:
        """The keys of bounce address tags."""
        from postern_aws import clients  # noqa: PLC0415 - a check without secrets does not pay for boto3
        from postern_aws.batv_keys import SecretKeyRing  # noqa: PLC0415 - as above

        secret = self._named("batv_secret_arn")
        return SecretKeyRing(clients.secrets(), secret)

    @cached_property
    def sent_messages(self) -> SentMessages:
        """The ledger of sent messages."""
        from postern_aws import clients  # noqa: PLC0415 - a check without tables does not pay for boto3
        from postern_aws.sent_messages import DynamoSentMessages  # noqa: PLC0415 - as above

        table = self._named("sent_messages_table")
        return DynamoSentMessages(clients.dynamodb(), table)

    @cached_property
    def rules(self) -> RuleSets:
        """The stored rules."""
        from postern_aws import clients  # noqa: PLC0415 - a check without stored rules does not pay for boto3
        from postern_aws.rule_sets import S3RuleSetReader  # noqa: PLC0415 - as above

        bucket = self._named("message_bucket")
        return S3RuleSetReader(clients.s3(), bucket)

    @cached_property
    def site_model(self) -> SiteModel:
        """What the site has learnt."""
        from postern_aws import clients  # noqa: PLC0415 - only who judges by it loads NumPy
        from postern_aws.learnt_snapshots import S3LearntSnapshots  # noqa: PLC0415 - as above
        from postern_aws.site_model import S3SiteModel  # noqa: PLC0415 - as above

        return S3SiteModel(S3LearntSnapshots(clients.s3(), self._named("message_bucket")))

    def _named(self, setting: str) -> str:
        """The name of a table, bucket or secret."""
        name: str | None = getattr(self._settings, setting)
        if not name:
            raise Unavailable(f"this function was not told its {setting}")
        return name
