"""The composition root over the embedded AWS: it starts with nothing configured, defers, then receives, and ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from postern_aws import clients
from postern_aws.settings import RelaySettings, read_settings
from postern_frontend import main
from postern_frontend.main import FrontEnd
from postern_frontend.settings import ReceiverSettings
from tests.dialogue.client import CERTIFICATE, ENVELOPE, hear_until
from tests.dialogue.submitting import ask, plain, under_tls
from tests.dialogue.transcript import connected, hear_line
from tests.unit.frontend.test_settings import REQUIRED

RELAYING = {
    "POSTERN_QUARANTINE_TABLE": "Quarantine",
    "POSTERN_RELAY_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/123456789012/relay",
    "POSTERN_NOTICE_TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:notices",
}
LOCAL = {"POSTERN_LISTEN_ADDRESS": "127.0.0.1", "POSTERN_SMTP_PORT": "0", "POSTERN_HEALTH_PORT": "0"}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReceiverSettings]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        _forget_clients()
        boto3.client("s3").create_bucket(
            Bucket="messages", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        material = CERTIFICATE
        secret = boto3.client("secretsmanager").create_secret(
            Name="tls",
            SecretString=json.dumps(
                {"certificate": material.certificate_chain.decode(), "key": material.private_key.decode()}
            ),
        )
        yield read_settings(ReceiverSettings, REQUIRED | LOCAL | {"POSTERN_TLS_SECRET_ARN": secret["ARN"]})
    _forget_clients()


def _forget_clients() -> None:
    for make in (clients.s3, clients.dynamodb, clients.state_machine, clients.secrets, clients.sns, clients.sqs):
        make.cache_clear()


def ask_health(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def test_it_starts_without_policy_and_defers_until_there_is_one(settings: ReceiverSettings) -> None:
    async def session() -> None:
        front_end = FrontEnd(settings)
        await front_end.start()
        assert await asyncio.to_thread(ask_health, front_end.health_port) == 200
        async with connected(front_end.smtp_port) as (reader, writer):
            writer.write(b"EHLO client.example.org\r\n" + ENVELOPE)
            assert await hear_line(reader) == "220 mx.example.com ESMTP Postern"
            await hear_until(reader, "250 STARTTLS")
            assert (await hear_until(reader, "451")).startswith("451 4.3.0 Recipients cannot be looked up now")
        await front_end.stop()

    asyncio.run(session())


def test_it_listens_for_submission_where_it_is_told_a_port_and_defers_logins_it_cannot_check(
    settings: ReceiverSettings,
) -> None:
    async def session() -> None:
        front_end = FrontEnd(replace(settings, submission_port=0, submissions_port=0))
        await front_end.start()
        assert front_end.submission_port
        assert front_end.submissions_port
        async with connected(front_end.submission_port) as (reader, writer):
            await hear_line(reader)
            writer.write(b"EHLO pc.example.com\r\nMAIL FROM:<>\r\n")
            await hear_until(reader, "530 5.7.0 Send STARTTLS first")
        async with under_tls(front_end.submissions_port) as streams:
            await hear_line(streams[0])
            heard = await ask(streams, "EHLO pc.example.com", f"AUTH PLAIN {plain('ann@example.com', 'secret')}")
            assert heard == ["250 AUTH PLAIN LOGIN", "454 4.7.0 Logins cannot be checked now; try again later"]
        await front_end.stop()

    asyncio.run(session())


def test_sigterm_ends_it(settings: ReceiverSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[FrontEnd] = []
    start = FrontEnd.start

    async def note(front_end: FrontEnd) -> None:
        await start(front_end)
        started.append(front_end)

    monkeypatch.setattr(FrontEnd, "start", note)

    async def session() -> None:
        relaying = read_settings(RelaySettings, REQUIRED | RELAYING)
        serving = asyncio.create_task(main.serve(settings, relaying))
        async with asyncio.timeout(10):
            while not started:  # noqa: ASYNC110 - the front end has no event for a test
                await asyncio.sleep(0.01)
            async with connected(started[0].smtp_port) as (reader, writer):
                await hear_line(reader)
                writer.write(b"HELO client.example.org\r\nMAIL FROM:<>\r\n")
                await hear_until(reader, "250 2.1.0")
                os.kill(os.getpid(), signal.SIGTERM)
                while await asyncio.to_thread(ask_health, started[0].health_port) != 503:
                    pass
                writer.write(b"RSET\r\n")
                await hear_until(reader, "421 4.3.2")
            await serving

    asyncio.run(session())


def test_a_wrong_environment_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*REQUIRED, *RELAYING, *LOCAL):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(SystemExit, match=r"the front end cannot start: .*POSTERN_HOSTNAME is missing"):
        main.main()


def test_the_image_only_copies() -> None:
    dockerfile = Path(__file__).parents[3] / "frontend" / "Dockerfile"
    words = {line.split(" ")[0] for line in dockerfile.read_text().splitlines() if line[:1].isupper()}
    assert words == {"FROM", "COPY", "ENV", "USER", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT"}
