"""Raw messages and stamped copies as objects in the message bucket.

incoming/<transaction_id>                 as received, for some days
mail/<mailbox>/<transaction_id>           a stamped copy that a mailbox or the relay worker owns
quarantine/<mailbox>/<transaction_id>     a stamped copy that is held
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError

from postern.model import MessageReference
from postern.ports import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_MESSAGE_OCTETS = 64 * 1024 * 1024
"""Nothing larger is read back: the receiver takes 50 MiB, stamping adds little."""

_MEDIA_TYPE = "message/rfc822"


@dataclass(frozen=True, slots=True)
class S3MessageStore:
    """The message bucket. Implements `ports.MessageStore` and `ports.MessageSource`."""

    client: S3Client
    bucket: str

    def put(self, transaction_id: str, body: IO[bytes], *, size: int, sha256: str) -> MessageReference:
        """Store a message as received, from the start of its seekable `body`.

        S3 compares the checksum and refuses a body that differs. Raises `Unavailable`.
        """
        reference = MessageReference(f"incoming/{transaction_id}", size, sha256)
        body.seek(0)
        self._put(reference, body)
        return reference

    def put_copy(self, key: str, content: bytes) -> MessageReference:
        """Store a stamped copy; the same content at the same key is the same copy. Raises `Unavailable`."""
        reference = MessageReference(key, len(content), hashlib.sha256(content).hexdigest())
        self._put(reference, content)
        return reference

    def read(self, reference: MessageReference) -> bytes:
        """The message, as long and with the hash that the reference says. Raises `Unavailable`."""
        if reference.size > MAX_MESSAGE_OCTETS:
            raise Unavailable(f"{reference.key} is said to have {reference.size} octets, more than is ever read")
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=reference.key)
            content: bytes = answer["Body"].read(reference.size + 1)
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable(f"{reference.key} cannot be read") from trouble
        if hashlib.sha256(content).hexdigest() != reference.sha256:
            raise Unavailable(f"{reference.key} is not what was stored")
        return content

    def delete(self, key: str) -> None:
        """Remove a copy; one that is gone already is no trouble. Raises `Unavailable`."""
        try:
            self.client.delete_object(Bucket=self.bucket, Key=key)
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable(f"{key} cannot be deleted") from trouble

    def _put(self, reference: MessageReference, body: IO[bytes] | bytes) -> None:
        checksum = base64.b64encode(bytes.fromhex(reference.sha256)).decode("ascii")
        try:
            self.client.put_object(
                Bucket=self.bucket,
                Key=reference.key,
                Body=body,
                ContentLength=reference.size,
                ContentType=_MEDIA_TYPE,
                ChecksumSHA256=checksum,
            )
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable(f"{reference.key} cannot be stored") from trouble


def mail_key(mailbox: str, transaction_id: str) -> str:
    """The key of a copy that a mailbox or the relay worker owns."""
    return f"mail/{_path_segment(mailbox)}/{transaction_id}"


def quarantine_key(mailbox: str, transaction_id: str) -> str:
    """The key of a copy that is held."""
    return f"quarantine/{_path_segment(mailbox)}/{transaction_id}"


def _path_segment(address: str) -> str:
    """An address as one segment of a key: anything a client may put into a local part is quoted."""
    return quote(address, safe="@+=_-.")
