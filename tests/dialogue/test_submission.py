"""Submission over a socket: who may log in, what an account may send, what its messages become."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

import pytest

from postern.model import Direction, Route
from postern.received_field import received_field
from postern.submission.policy import OwnAddress, SubmissionPolicy
from tests.dialogue.harness import World
from tests.dialogue.submitting import (
    ANN,
    APP_PASSWORD,
    BOB,
    IDA,
    PASSWORD,
    Accounts,
    Office,
    Ports,
    Streams,
    ask,
    hear_reply,
    logged_in,
    plain,
    send,
    submitting,
    under_tls,
)
from tests.dialogue.transcript import CLOSED, hear_line
from tests.screens import Screened

GOOD = f"From: Ann <{ANN}>\r\nDate: Sun, 22 Nov 2026 18:00:00 +0000\r\nMessage-ID: <1@pc.example>\r\n\r\nHello"
EHLO = "EHLO pc.example.com"
WRONG = "535 5.7.8 Name or password is wrong"


def hold(office: Office, talk: Callable[[Ports], Awaitable[None]]) -> None:
    async def session() -> None:
        async with submitting(office) as ports:
            await talk(ports)

    asyncio.run(session())


def converse(office: Office, talk: Callable[[Streams], Awaitable[None]]) -> None:
    """One client under TLS."""

    async def session(ports: Ports) -> None:
        async with under_tls(ports.implicit) as streams:
            await talk(streams)

    hold(office, session)


def test_a_message_goes_out_as_the_account_that_logged_in() -> None:
    async def talk(streams: Streams) -> None:
        await logged_in(streams)
        reply = await send(streams, GOOD, to=("bob@example.com", "carla@elsewhere.example"))
        assert reply.startswith("250 2.0.0 Accepted")

    office = Office()
    converse(office, talk)
    (sent,) = office.world.ledger.transactions
    assert sent.direction is Direction.OUTBOUND
    assert sent.session is not None
    assert sent.session.authenticated_as == ANN
    assert [(one.address, one.route) for one in sent.recipients] == [
        (BOB, Route.MAILBOX),
        ("carla@elsewhere.example", Route.REMOTE),
    ]
    assert office.world.stored == [f"{GOOD}\r\n".encode()]
    assert sent.observations == ()


def test_the_trace_says_who_handed_it_over_but_not_from_where() -> None:
    async def talk(streams: Streams) -> None:
        await logged_in(streams)
        await send(streams, GOOD)

    office = Office()
    converse(office, talk)
    field = received_field(office.world.ledger.transactions[0])
    assert "with ESMTPSA" in field.value
    assert field.value.startswith("by mx.example.com ")
    assert "127.0.0.1" not in field.value
    assert "pc.example.com" not in field.value


# --- logging in -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "password", "reply"),
    [
        (ANN, PASSWORD, "235 2.7.0 Logged in"),
        ("Ann@Example.COM", PASSWORD, "235 2.7.0 Logged in"),
        (ANN, APP_PASSWORD, "235 2.7.0 Logged in"),
        (ANN, "tele-else", WRONG),
        (ANN, "wrong", WRONG),
        ("ann", PASSWORD, WRONG),
        ("nobody@example.com", PASSWORD, WRONG),
        (IDA, PASSWORD, WRONG),
        (BOB, "wrong", WRONG),
        (BOB, PASSWORD, "525 5.7.13 This account is disabled; ask the postmaster"),
    ],
)
def test_who_logs_in_with_what(name: str, password: str, reply: str) -> None:
    async def talk(streams: Streams) -> None:
        await hear_reply(streams[0])
        assert (await ask(streams, EHLO, f"AUTH PLAIN {plain(name, password)}"))[1] == reply

    converse(Office(), talk)


@pytest.mark.parametrize(("authorization", "good"), [(ANN, True), ("ANN@example.com", True), (BOB, False)])
def test_nobody_acts_as_somebody_else(authorization: str, good: bool) -> None:
    async def talk(streams: Streams) -> None:
        await hear_reply(streams[0])
        heard = await ask(streams, EHLO, f"AUTH PLAIN {plain(ANN, PASSWORD, authorization)}")
        assert heard[1] == ("235 2.7.0 Logged in" if good else WRONG)

    converse(Office(), talk)


def test_the_use_of_an_app_password_is_noted() -> None:
    async def talk(streams: Streams) -> None:
        await logged_in(streams, password=APP_PASSWORD)

    office = Office()
    converse(office, talk)
    assert office.accounts.used == [(ANN, "phone")]


def test_accounts_that_cannot_be_read_are_a_temporary_trouble() -> None:
    async def talk(streams: Streams) -> None:
        await hear_reply(streams[0])
        heard = await ask(streams, EHLO, *[f"AUTH PLAIN {plain(ANN, PASSWORD)}"] * 5)
        assert heard[1:] == ["454 4.7.0 Logins cannot be checked now; try again later"] * 5

    converse(Office(accounts=Accounts(broken=True)), talk)


def test_three_wrong_passwords_are_answered_and_the_fourth_ends_the_session() -> None:
    async def talk(streams: Streams) -> None:
        await hear_reply(streams[0])
        heard = await ask(streams, EHLO, *[f"AUTH PLAIN {plain(ANN, 'wrong')}"] * 4)
        assert heard[1:] == [WRONG] * 3 + ["421 4.7.0 Too many failed logins"]
        assert await hear_line(streams[0]) == CLOSED

    converse(Office(), talk)


def test_a_login_takes_as_long_whether_the_account_is_there_or_not() -> None:
    """The medians of both are compared; every attempt verifies one hash with the same parameters."""
    seconds: dict[str, list[float]] = {ANN: [], "nobody@example.com": [], IDA: []}

    async def talk(ports: Ports) -> None:
        for _ in range(5):
            for name, taken in seconds.items():
                async with under_tls(ports.implicit) as streams:
                    await hear_reply(streams[0])
                    await ask(streams, EHLO)
                    started = time.perf_counter()
                    assert (await ask(streams, f"AUTH PLAIN {plain(name, 'wrong')}"))[0] == WRONG
                    taken.append(time.perf_counter() - started)

    hold(Office(), talk)
    medians = [sorted(taken)[2] for taken in seconds.values()]
    assert max(medians) < 3 * min(medians)


# --- whom an account may send as --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reverse_path", "good"),
    [
        (ANN, True),
        ("", True),
        ("Ann+list@Example.com", True),
        ("sales@example.com", True),
        ("anything@shop.example", True),
        (BOB, False),
        ("ann@example.net", False),
        ("sales@shop.example.com", False),
        ("ann@elsewhere.example", False),
        ("+x@example.com", False),
    ],
)
def test_the_reverse_path_belongs_to_the_account(reverse_path: str, good: bool) -> None:
    async def talk(streams: Streams) -> None:
        await logged_in(streams)
        (reply,) = await ask(streams, f"MAIL FROM:<{reverse_path}>")
        assert reply == (
            "250 2.1.0 Reverse-path accepted"
            if good
            else "550 5.7.1 This reverse-path is no address of the account you are logged in as"
        )

    converse(Office(), talk)


NOT_OWN = "550 5.7.1 The address in From is none of the account you are logged in as"
NO_AUTHOR = "550 5.7.1 The message needs a From field with one address that is yours"


@pytest.mark.parametrize(
    ("author", "reply"),
    [
        ("From: Ann <ann@example.com>\r\n", "250 2.0.0 Accepted"),
        ("From: ann+news@example.com\r\n", "250 2.0.0 Accepted"),
        ("From: Sales <sales@example.com>\r\n", "250 2.0.0 Accepted"),
        ("From: ann\r\n", "250 2.0.0 Accepted"),
        ("From: Bob <bob@example.com>\r\n", NOT_OWN),
        ('From: "ann@example.com" <bob@example.com>\r\n', NOT_OWN),
        ("From: ann@example.com <bob@example.com>\r\n", NO_AUTHOR),
        ("From: bob\r\n", NOT_OWN),
        ("From: ann@example.com, bob@example.com\r\n", NO_AUTHOR),
        ("From: ann@example.com\r\nFrom: bob@example.com\r\n", NO_AUTHOR),
        ("From: ann@example.com\r\nFrom : bob@example.com\r\n", NO_AUTHOR),
        ("From:\r\n", NO_AUTHOR),
        ("Subject: no author\r\n", NO_AUTHOR),
        ("\r\nFrom: ann@example.com\r\n", NO_AUTHOR),
    ],
)
def test_the_author_belongs_to_the_account(author: str, reply: str) -> None:
    async def talk(streams: Streams) -> None:
        await logged_in(streams)
        assert (await send(streams, f"{author}\r\nHello")).startswith(reply)

    office = Office()
    converse(office, talk)
    assert len(office.world.stored) == reply.startswith("250")


def test_policy_may_let_another_author_pass_and_the_receipt_says_so() -> None:
    async def talk(streams: Streams) -> None:
        await logged_in(streams)
        assert (await send(streams, GOOD.replace(ANN, BOB))).startswith("250 ")

    office = Office(policy=SubmissionPolicy(author=OwnAddress.OBSERVE))
    converse(office, talk)
    assert office.world.ledger.transactions[0].observations == ("SUBMISSION_AUTHOR_NOT_OWN",)


# --- what is completed ------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["Hello", "x" * 900 + "\r\n" + "y" * 200_000], ids=["in memory", "in a file"])
def test_what_is_missing_is_added_and_nothing_else_changes(body: str) -> None:
    async def talk(streams: Streams) -> None:
        await logged_in(streams)
        text = f"Received: x\r\nfrom :\tann \r\nBcc: carla@elsewhere.example\r\n\r\n{body}"
        assert (await send(streams, text)).startswith("250 ")

    office = Office()
    converse(office, talk)
    (stored,), (sent,) = office.world.stored, office.world.ledger.transactions
    added, _, rest = stored.partition(b"Received: x\r\n")
    date, message_id = added.split(b"\r\n")[:2]
    assert date == b"Date: Sun, 22 Nov 2026 18:00:00 +0000"
    assert re.fullmatch(rb"Message-ID: <\w+@mx\.example\.com>", message_id)
    assert rest == b"from :\tann@example.com \r\nBcc: carla@elsewhere.example\r\n\r\n" + body.encode() + b"\r\n"
    assert sent.observations[-3:] == (
        "SUBMISSION_DATE_ADDED",
        "SUBMISSION_MESSAGE_ID_ADDED",
        "SUBMISSION_AUTHOR_DOMAIN_ADDED",
    )


@pytest.mark.parametrize("field", ["X-Long: y\r\n", "a:\r\n"])
def test_a_long_header_is_read_all_the_same(field: str) -> None:
    async def talk(streams: Streams) -> None:
        await logged_in(streams)
        assert (await send(streams, f"{field * 19_000}From: {ANN}\r\n\r\nHello")).startswith("250 ")
        assert (await send(streams, f"{field * 19_000}From: {BOB}\r\n\r\nHello")) == NOT_OWN
        assert (await send(streams, f"{field * 21_000}From: {ANN}\r\n\r\nHello")) == NO_AUTHOR

    converse(Office(), talk)


def test_completing_can_be_switched_off() -> None:
    async def talk(streams: Streams) -> None:
        await logged_in(streams)
        await send(streams, f"From: {ANN}\r\n\r\nHello")

    office = Office(policy=SubmissionPolicy(complete=False))
    converse(office, talk)
    assert office.world.stored == [f"From: {ANN}\r\n\r\nHello\r\n".encode()]


def test_a_message_sent_twice_goes_once_if_it_says_when_it_was_written() -> None:
    dated = f"From: {ANN}\r\nDate: Sun, 22 Nov 2026 18:00:00 +0000\r\n\r\nHello"

    async def talk(streams: Streams) -> None:
        await logged_in(streams)
        for text in (dated, dated, f"From: {ANN}\r\n\r\nDisk full", f"From: {ANN}\r\n\r\nDisk full"):
            assert (await send(streams, text)).startswith("250 ")

    office = Office()
    converse(office, talk)
    assert len(office.world.ledger.transactions) == 3


def test_a_message_that_finds_no_room_when_it_is_completed_is_put_off() -> None:
    async def talk(streams: Streams) -> None:
        await logged_in(streams)
        assert (await send(streams, f"From: {ANN}\r\n\r\n{'x' * 500}")).startswith("452 4.3.1")

    office = Office()
    office.world.spool_octets = 800
    converse(office, talk)


# --- notices to the sender --------------------------------------------------------------------------------


def test_what_the_client_says_of_notices_is_kept() -> None:
    async def talk(streams: Streams) -> None:
        await logged_in(streams)
        heard = await ask(
            streams,
            f"MAIL FROM:<{ANN}> RET=hdrs ENVID=QQ+2B314 AUTH=<>",
            f"RCPT TO:<{BOB}> NOTIFY=success,FAILURE ORCPT=RFC822;Bob+2Bx@example.com",
            "RCPT TO:<carla@elsewhere.example> NOTIFY=NEVER",
            "DATA",
            f"{GOOD}\r\n.",
        )
        assert [reply[:3] for reply in heard] == ["250", "250", "250", "354", "250"]

    office = Office()
    converse(office, talk)
    (sent,) = office.world.ledger.transactions
    assert sent.envelope is not None
    assert (sent.envelope.returned, sent.envelope.envelope_id) == ("HDRS", "QQ+314")
    assert [(one.notify, one.original_recipient) for one in sent.recipients] == [
        (("SUCCESS", "FAILURE"), "rfc822;Bob+x@example.com"),
        (("NEVER",), ""),
    ]


def test_who_has_logged_in_may_mistype_recipients() -> None:
    it = Screened()

    async def talk(streams: Streams) -> None:
        await logged_in(streams)
        await ask(streams, f"MAIL FROM:<{ANN}>")
        heard = await ask(streams, *(f"RCPT TO:<nobody{number}@example.com>" for number in range(20)))
        assert set(heard) == {"550 5.1.1 No such recipient here"}

    async def session() -> None:
        async with (
            submitting(Office(World(screen=it.screen)), proxy=True) as ports,
            under_tls(ports.implicit, "203.0.113.9") as streams,
        ):
            await talk(streams)

    asyncio.run(session())
    assert not it.table.banned
