"""The message bucket: what is read is what was stored."""

from __future__ import annotations

import hashlib
import io
import tempfile
from dataclasses import replace

import pytest

from postern.model import MessageReference
from postern.ports import Unavailable
from postern_aws import clients
from postern_aws.message_store import MAX_MESSAGE_OCTETS, S3MessageStore, mail_key, quarantine_key
from tests.embedded_aws import BUCKET

pytestmark = pytest.mark.usefixtures("aws")
CONTENT = b"Subject: x\r\n\r\n" + b"y" * 100_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def store() -> S3MessageStore:
    return S3MessageStore(clients.s3(), BUCKET)


def test_a_spooled_message_is_stored_from_its_start_and_read_back() -> None:
    with tempfile.SpooledTemporaryFile(max_size=1024) as spool:
        spool.write(CONTENT)
        reference = store().put("t1", spool, size=len(CONTENT), sha256=SHA256)
    assert reference == MessageReference("incoming/t1", len(CONTENT), SHA256)
    assert store().read(reference) == CONTENT


def test_what_was_changed_or_grew_is_not_taken_for_the_message() -> None:
    reference = store().put("t1", io.BytesIO(CONTENT), size=len(CONTENT), sha256=SHA256)
    for other in (CONTENT + b"z", CONTENT[:-1], CONTENT.replace(b"y", b"n")):
        clients.s3().put_object(Bucket=BUCKET, Key=reference.key, Body=other)
        with pytest.raises(Unavailable):
            store().read(reference)


def test_nothing_is_read_that_is_said_to_be_larger_than_any_message() -> None:
    with pytest.raises(Unavailable, match="octets"):
        store().read(MessageReference("incoming/t1", MAX_MESSAGE_OCTETS + 1, SHA256))


def test_trouble_with_the_bucket_is_unavailable() -> None:
    lost = replace(store(), bucket="nowhere")
    with pytest.raises(Unavailable):
        lost.put("t1", io.BytesIO(CONTENT), size=len(CONTENT), sha256=SHA256)
    with pytest.raises(Unavailable):
        store().read(MessageReference("incoming/none", 3, SHA256))


def test_a_copy_is_stored_once_however_often() -> None:
    first = store().put_copy("mail/a/t1", b"copy")
    assert store().put_copy("mail/a/t1", b"copy") == first
    store().delete("mail/a/t1")
    store().delete("mail/a/t1")
    assert "Contents" not in clients.s3().list_objects_v2(Bucket=BUCKET)


def test_an_address_is_one_segment_of_a_key_whatever_it_holds() -> None:
    assert mail_key("ann@example.com", "t1") == "mail/ann@example.com/t1"
    assert quarantine_key('"../a b"@example.com', "t1") == "quarantine/%22..%2Fa%20b%22@example.com/t1"
    assert mail_key("ü@example.com", "t1").isascii()
