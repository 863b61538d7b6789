"""What `bench.cost_units` measures besides incoming mail: people sending, and the filter learning."""

from __future__ import annotations

import json
import re
import smtplib
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from bench.labelled_mail import LabelledMail, read_labelled
from postern.bayes.requests import Label, LearnRequest
from postern.dkim.key_set import KeySet
from postern_aws import clients
from postern_aws.dkim_keys import DkimSecrets
from postern_aws.key_making import new_private_key
from postern_aws.learn_queue import LearnQueue
from postern_aws.message_store import S3MessageStore
from postern_frontend.passwords import hash_password
from postern_local.certificates import local_certificate
from postern_local.demonstration import HOSTED, PASSWORD, SELECTORS, outgoing_policy

ACCOUNT = f"ann@{HOSTED}"
ELSEWHERE = "carol@remote.example"
AT_ONCE = 20
"""Messages of one request to learn; as many make a new snapshot worth its price while the set is small."""

_AUTHOR = re.compile(rb"^(?:from|sender|reply-to):[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE)
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")


def account_row() -> Mapping[str, object]:
    """Somebody who can log in."""
    return {"address": ACCOUNT, "password": hash_password(PASSWORD)}


def enable_sending(outputs: Mapping[str, str], directory: Path) -> None:
    """What sending needs beside policy: a certificate, and a key of each kind that signs."""
    made = local_certificate(directory / "tls", "localhost")
    boto3.client("secretsmanager").put_secret_value(
        SecretId=outputs["TlsSecretArn"], SecretString=json.dumps({"certificate": made.certificate, "key": made.key})
    )
    now, keys = datetime.now(UTC), KeySet(HOSTED)
    for selector, kind in SELECTORS.items():
        keys = keys.with_new(selector, new_private_key(kind), kind, now).switched_to(selector, now)
    DkimSecrets(clients.secrets()).write(keys)


def sending_policy(remote_port: int) -> dict[str, Mapping[str, object]]:
    """One server takes all mail for other sites; an account may send more than people do, and is counted."""
    return {"outgoing": outgoing_policy(remote_port), "hijack": {"messages": 1_000_000, "recipients": 1_000_000}}


def own(raw: bytes, number: int) -> bytes:
    """A message as the account writes it; its number makes it differ from every other."""
    end = _END_OF_HEADER.search(raw)
    header, rest = (raw[: end.start() + 1], raw[end.start() + 1 :]) if end else (raw + b"\n", b"\n")
    return f"From: Ann <{ACCOUNT}>\r\nX-Number: {number}\r\n".encode() + _AUTHOR.sub(b"", header) + rest


def submit(program: smtplib.SMTP, raw: bytes, number: int) -> int:
    """Send a message to somebody elsewhere, as a mail program does; the code of the reply to DATA."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with program:
        program.starttls(context=context)
        program.login(ACCOUNT, PASSWORD)
        try:
            program.sendmail(ACCOUNT, ELSEWHERE, own(raw, number))
        except smtplib.SMTPDataError as refused:
            return refused.smtp_code
    return 250


def labelled(corpus: Path, number: int, max_octets: int) -> list[LabelledMail]:
    """As much ham as spam, spread over the corpus."""
    found = [one for one in read_labelled(corpus) if len(one.raw) <= max_octets]
    kinds = [[one for one in found if one.spam is spam] for spam in (False, True)]
    return [one for kind in kinds for one in kind[:: max(1, 2 * len(kind) // number)][: number // 2]]


def teach(outputs: Mapping[str, str], mail: list[LabelledMail]) -> None:
    """Upload messages and ask for them to be learnt, as `postern learn` does."""
    store = S3MessageStore(boto3.client("s3"), outputs["MessageBucket"])
    queue = LearnQueue(boto3.client("sqs"), outputs["LearnQueueUrl"])
    for label in (Label.HAM, Label.SPAM):
        some = [one for one in mail if one.spam is (label is Label.SPAM)]
        stored = [store.put_copy(f"learning/uploads/{one.name}", one.raw) for one in some]
        portions: Any = (tuple(stored[at : at + AT_ONCE]) for at in range(0, len(stored), AT_ONCE))
        queue.send(LearnRequest(label, one, 1_000, "cli") for one in portions)
