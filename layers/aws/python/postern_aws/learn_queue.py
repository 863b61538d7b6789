"""The queue of what is to be learnt, as whoever asks for it sees it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from postern.bayes.requests import LearnRequest, write_request
from postern.ports import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class LearnQueue:
    """Sends requests, each as one message: 100 references have 25 KiB."""

    client: SQSClient
    url: str

    def send(self, requests: Iterable[LearnRequest]) -> None:
        """Ask for learning. Sending a request twice does no harm. Raises `Unavailable`."""
        for body in map(write_request, requests):
            try:
                self.client.send_message(QueueUrl=self.url, MessageBody=body)
            except (BotoCoreError, ClientError) as trouble:
                raise Unavailable("the learn queue does not answer") from trouble
