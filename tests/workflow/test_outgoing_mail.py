"""Outgoing mail through the deployed state machine, the commit and delivery: signed as it leaves, for any verifier."""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from postern.backscatter.keys import KeyRing
from postern.backscatter.tags import TagResult, verify
from postern.dkim.algorithms import KeyType
from postern.dkim.key_set import KeySet
from postern.dkim.publication import record_name, record_text
from postern.dkim.signing import SigningKey
from postern.dkim.verification import verify_signatures
from postern.exchange import Answer
from postern.message import parse_message
from postern.model import (
    Direction,
    Envelope,
    Recipient,
    ResultWord,
    Route,
    Session,
    Site,
    Transaction,
)
from postern.ports import Unavailable
from postern.zone import ZoneResolver
from postern_aws.batv_keys import SecretKeyRing
from postern_aws.dkim_keys import PREFIX, DkimSecrets
from postern_aws.filter_machine import MachineFilter
from postern_aws.items import from_item, to_item
from postern_aws.message_store import S3MessageStore
from postern_aws.outbox import DynamoOutbox
from postern_aws.policy_snapshot import S3SnapshotReader
from tests.infra.template import synthesized
from tests.workflow.embedded import HOSTNAME, Embedded, embedded
from tests.workflow.test_embedded_workflow import seed

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]

ANN, BOB, STRANGER = "ann@example.com", "bob@example.com", "carol@elsewhere.example"
HEADER = (
    b"From: Ann <ann@example.com>\r\nTo: carol@elsewhere.example\r\nSubject: the gate\r\n"
    b"Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@example.com>\r\nMIME-Version: 1.0\r\n"
)
PLAIN = HEADER + b"\r\nIt stands open until four o'clock.\r\n"
SHAPES = {
    "plain": PLAIN,
    "long lines": HEADER + b"X-Long: " + b"word " * 300 + b"\r\n\r\n" + b"x" * 5_000 + b"\r\n",
    "8 bit": HEADER + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"Das Tor ist bis f\xc3\xbcnf Uhr ge\xc3\xb6ffnet.\r\n",
    "same names": b"Received: from a by b; Sun, 22 Nov 2026 11:00:00 +0000\r\n"
    b"Comments: one\r\nComments: two\r\nCc: dave@elsewhere.example\r\nCc: erin@elsewhere.example\r\n" + PLAIN,
    "blanks at ends": HEADER + b"\r\n two  blanks \t\r\n\r\n\r\n",
    "no body": HEADER + b"\r\n",
    "no end of line": HEADER + b"\r\nthe end",
    "folded": HEADER.replace(b"Subject: the gate", b"Subject: the\r\n\t gate\r\n  is open") + b"\r\nbody\r\n",
    "our own marks forged": b"X-Spam-Status: No\r\nAuthentication-Results: mx.example.com; dkim=pass\r\n" + PLAIN,
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """An embedded AWS with the demonstration's rows, and keys for example.com."""
    with embedded(synthesized().assembly, tmp_path_factory.mktemp("outgoing")) as one:
        protected = {"domain": "example.com", "signing_since": "2026-01-01"}
        vouched = {"scope": "domain:example.com", "section": "vbr_info", "certifiers": ["vouch.example"]}
        for row in ({"scope": "global", "section": "backscatter", "domains": [protected]}, vouched):
            one.client("dynamodb").put_item(TableName=one.outputs["PolicyTable"], Item=to_item(row))
        seed(one)
        DkimSecrets(one.client("secretsmanager")).write(KEYS)
        SecretKeyRing(one.client("secretsmanager"), one.outputs["BatvSecretArn"]).write(RING)
        yield one


def pem(private: Any) -> str:
    text: bytes = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text.decode("ascii")


def key_set(domain: str) -> KeySet:
    now = datetime.now(UTC)
    keys = KeySet(domain)
    keys = keys.with_new("r1", pem(generate_private_key(65537, 2048)), KeyType.RSA, now).switched_to("r1", now)
    return keys.with_new("e1", pem(Ed25519PrivateKey.generate()), KeyType.ED25519, now).switched_to("e1", now)


KEYS = key_set("example.com")
RING = KeyRing().rotated(b"s" * 32, datetime.now(UTC))


def filter_of(aws: Embedded) -> MachineFilter:
    snapshots = S3SnapshotReader(aws.client("s3"), aws.outputs["MessageBucket"])
    return MachineFilter(aws.client("stepfunctions"), aws.outputs["OutboundStateMachineArn"], snapshots)


def submitted(
    aws: Embedded, raw: bytes, name: str, *, mail_from: str = ANN, to: tuple[Recipient, ...] = ()
) -> Transaction:
    """A message that Ann has submitted, as the front end stores it."""
    store = S3MessageStore(aws.client("s3"), aws.outputs["MessageBucket"])
    now = datetime.now(UTC)
    stored = store.put(name, io.BytesIO(raw), size=len(raw), sha256=hashlib.sha256(raw).hexdigest())
    return Transaction(
        transaction_id=name,
        received_at=now,
        deadline=now + timedelta(seconds=50),
        session=Session("session", "192.0.2.44", "laptop", authenticated_as=ANN),
        envelope=Envelope(mail_from),
        recipients=to or (Recipient(STRANGER, STRANGER, Route.REMOTE), Recipient(BOB, BOB)),
        message=stored,
        site=Site(HOSTNAME, HOSTNAME, ("example.com", "relayed.example")),
        direction=Direction.OUTBOUND,
    )


def delivered(aws: Embedded, transaction: Transaction, answer: Answer) -> tuple[dict[str, Any], bytes]:
    """The relay row and the octets of the stranger's copy, after the commit went through the stream."""
    outbox = DynamoOutbox(aws.client("dynamodb"), aws.outputs["OutboxTable"])
    outbox.commit(transaction, answer.decision, f"mark-{transaction.transaction_id}")
    key = to_item({"id": transaction.transaction_id, "part": STRANGER})
    until = time.monotonic() + 20
    while time.monotonic() < until:
        item = aws.client("dynamodb").get_item(TableName=aws.outputs["OutboxTable"], Key=key).get("Item")
        if item:
            row = from_item(item)
            body = aws.client("s3").get_object(Bucket=aws.outputs["MessageBucket"], Key=row["key"])["Body"]
            return row, body.read()
        time.sleep(0.1)
    raise AssertionError("the copy was not queued")


def zone(keys: tuple[SigningKey, ...]) -> dict[str, str]:
    return {record_name(key): record_text(key) for key in keys}


def verdicts(raw: bytes, records: dict[str, str]) -> list[ResultWord]:
    resolver = ZoneResolver({name: {"TXT": [text]} for name, text in records.items()})
    return [one.result for one in verify_signatures(parse_message(raw), resolver, datetime.now(UTC))]


def dkimpy_verifies(raw: bytes, records: dict[str, str]) -> bool:
    """What another implementation says of the RSA signature; for Ed25519 it wants a library that we do not have."""

    def ask(name: bytes, timeout: int = 5) -> bytes | None:
        text = records.get(name.decode().rstrip("."))
        return text.encode() if text else None

    signatures = [field.unfolded for field in parse_message(raw).fields("dkim-signature")]
    (rsa,) = [at for at, value in enumerate(signatures) if "a=rsa-sha256" in value]
    verified: bool = dkim.DKIM(raw).verify(idx=rsa, dnsfunc=ask)
    return verified


@pytest.mark.parametrize("shape", list(SHAPES))
def test_the_octets_that_leave_carry_signatures_that_everybody_verifies(aws: Embedded, shape: str) -> None:
    transaction = submitted(aws, SHAPES[shape], f"shape-{shape.replace(' ', '-')}")
    _, copy = delivered(aws, transaction, filter_of(aws).ask(transaction))
    records = zone(KEYS.signing())
    assert verdicts(copy, records) == [ResultWord.PASS, ResultWord.PASS]
    assert dkimpy_verifies(copy, records)
    assert copy.endswith(SHAPES[shape].partition(b"\r\n\r\n")[2])
    assert b"X-Spam" not in copy
    assert b"Authentication-Results" not in copy


def test_the_fields_stand_in_their_order_and_the_reverse_path_is_tagged(aws: Embedded) -> None:
    transaction = submitted(aws, PLAIN, "order")
    answer = filter_of(aws).ask(transaction)
    row, copy = delivered(aws, transaction, answer)
    names = [field.name for field in parse_message(copy).header_fields[:4]]
    assert names == ["DKIM-Signature", "DKIM-Signature", "VBR-Info", "Received"]
    signature = parse_message(copy).value("dkim-signature")
    assert "VBR-Info" in signature
    assert verify(row["reverse_path"], [ANN], RING, datetime.now(UTC)) is TagResult.PASS
    assert answer.results["signing"]["result"] == "pass"
    assert answer.results["rules"]["result"] == "skipped"


def test_a_local_recipient_gets_the_signed_copy_under_the_plain_reverse_path(aws: Embedded) -> None:
    transaction = submitted(aws, PLAIN, "local-too")
    delivered(aws, transaction, filter_of(aws).ask(transaction))
    body = aws.client("s3").get_object(Bucket=aws.outputs["MessageBucket"], Key=f"mail/{BOB}/local-too")["Body"]
    copy = body.read()
    assert parse_message(copy).value("return-path") == f"<{ANN}>"
    assert verdicts(copy, zone(KEYS.signing())) == [ResultWord.PASS, ResultWord.PASS]


def test_a_domain_without_a_key_sends_unsigned_and_the_receipt_says_so(aws: Embedded) -> None:
    raw = PLAIN.replace(b"example.com>", b"relayed.example>")
    transaction = submitted(aws, raw, "keyless", mail_from="ann@relayed.example")
    answer = filter_of(aws).ask(transaction)
    assert answer.decision.reply.code == 250
    assert [field.name for field in answer.decision.headers] == ["Received"]
    assert answer.decision.reverse_path is None
    assert [one["symbol"] for one in answer.results["signing"]["findings"]] == ["OUTGOING_UNSIGNED"]
    assert "relayed.example has no key" in answer.results["signing"]["reason"]


def test_keys_that_cannot_be_read_defer_the_mail(aws: Embedded) -> None:
    broken = {"Name": f"{PREFIX}sub.example.com", "SecretString": "no JSON"}
    aws.client("secretsmanager").create_secret(**broken)
    raw = PLAIN.replace(b"ann@example.com", b"ann@sub.example.com")
    transaction = submitted(aws, raw, "broken")
    with pytest.raises(Unavailable, match="FAILED"):
        filter_of(aws).ask(transaction)


def test_outgoing_spam_is_refused_when_policy_asks_for_the_check(aws: Embedded) -> None:
    gtube = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    transaction = submitted(aws, PLAIN + gtube + b"\r\n", "gtube")
    assert filter_of(aws).ask(transaction).decision.reply.code == 250
    row = {"scope": "global", "section": "outgoing_filter", "checks": {"rules": "score"}}
    aws.client("dynamodb").put_item(TableName=aws.outputs["PolicyTable"], Item=to_item(row))
    compiled = aws.client("lambda").invoke(FunctionName=aws.outputs["CompilePolicyFunction"], Payload=b"{}")
    assert json.loads(compiled["Payload"].read())["problems"] == []
    answer = filter_of(aws).ask(transaction)
    assert answer.decision.reply.code == 550
    assert "signing" not in answer.results
