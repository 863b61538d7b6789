"""Mail that is taken under TLS only, by client, by reverse-path and by recipient; and on every port that begins in the
clear, that nothing said before the handshake counts after it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from postern.session.tls_policy import TlsPolicy
from postern_frontend.tls_rules import TlsRules
from tests.dialogue.client import CERTIFICATE, trusting
from tests.dialogue.harness import World, running
from tests.dialogue.submitting import (
    ANN,
    PASSWORD,
    Office,
    Ports,
    Streams,
    ask,
    hear_reply,
    plain,
    submitting,
    under_tls,
)
from tests.dialogue.transcript import connected, hear_line

EHLO = "EHLO client.example.org"
FIRST = "530 5.7.0 Send STARTTLS first"
DOMAIN = "530 5.7.10 Mail of or for this domain is taken under TLS only; send STARTTLS first"
OK, TAKEN = "250 2.1.0 Reverse-path accepted", "250 2.1.5 Recipient accepted"


def asking(**policy: object) -> World:
    """A world whose policy requires TLS so; `domains` names recipient domains that do."""
    domains = policy.pop("domains", ())
    assert isinstance(domains, tuple)
    site = TlsPolicy(**policy)  # type: ignore[arg-type]
    return World(tls_rules=TlsRules(lambda domain: TlsPolicy(require=True) if domain in domains else site))


def converse(world: World, talk: Callable[[Streams], Awaitable[None]], *, with_tls: bool = True) -> None:
    async def run() -> None:
        async with (
            running(world, material=CERTIFICATE if with_tls else None) as receiver,
            connected(receiver.port) as streams,
        ):
            await hear_reply(streams[0])
            await talk(streams)

    asyncio.run(run())


async def secured(streams: Streams) -> None:
    assert (await ask(streams, "STARTTLS"))[0].startswith("220")
    await streams[1].start_tls(trusting())


def test_a_network_brings_mail_under_tls_only() -> None:
    async def talk(streams: Streams) -> None:
        assert await ask(streams, EHLO, "MAIL FROM:<ben@example.org>", "MAIL FROM:<>") == ["250 STARTTLS", FIRST, FIRST]
        await secured(streams)
        assert (await ask(streams, EHLO, "MAIL FROM:<ben@example.org>"))[1] == OK

    converse(asking(require_from=("127.0.0.0/8",)), talk)


def test_another_network_does_as_it_likes() -> None:
    async def talk(streams: Streams) -> None:
        assert (await ask(streams, EHLO, "MAIL FROM:<ben@example.org>"))[1] == OK

    converse(asking(require_from=("192.0.2.0/24", "2001:db8::/32", "nonsense")), talk)


@pytest.mark.parametrize(
    ("reverse_path", "reply"),
    [
        ("ben@bank.example", DOMAIN),
        ("ben@BANK.example", DOMAIN),
        ("ben@mail.bank.example", DOMAIN),
        ("ben@riverbank.example", OK),
        ("ben@bank.example.org", OK),
        ("", OK),
    ],
)
def test_a_reverse_path_domain_comes_under_tls_only(reverse_path: str, reply: str) -> None:
    async def talk(streams: Streams) -> None:
        assert (await ask(streams, EHLO, f"MAIL FROM:<{reverse_path}>", "RSET"))[1] == reply
        await secured(streams)
        assert (await ask(streams, EHLO, f"MAIL FROM:<{reverse_path}>"))[1] == OK

    converse(asking(require_domains=("Bank.example",)), talk)


def test_a_recipient_domain_takes_mail_under_tls_only_and_others_of_the_transaction_do_not_mind() -> None:
    async def talk(streams: Streams) -> None:
        commands = ("RCPT TO:<ann@example.com>", "RCPT TO:<Postmaster>", "RCPT TO:<x@relayed.example>")
        heard = await ask(streams, EHLO, "MAIL FROM:<ben@example.org>", *commands)
        assert heard[2:] == [DOMAIN, DOMAIN, TAKEN]
        await ask(streams, "RSET")
        await secured(streams)
        heard = await ask(streams, EHLO, "MAIL FROM:<ben@example.org>", *commands)
        assert heard[2:] == [TAKEN] * 3

    converse(asking(domains=("example.com",)), talk)


def test_while_there_is_no_certificate_it_is_our_fault() -> None:
    async def talk(streams: Streams) -> None:
        assert (await ask(streams, EHLO, "MAIL FROM:<ben@example.org>"))[1].startswith("454 4.7.0")

    converse(asking(require_from=("127.0.0.0/8",)), talk, with_tls=False)


# --- every port -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Port:
    """A port that begins in the clear: its name, and how to find it."""

    name: str
    of: Callable[[Ports], int]


IN_THE_CLEAR = (Port("25", lambda ports: ports.receiver.port), Port("587", lambda ports: ports.starttls))
INJECTED = b"RSET\r\nEHLO injected\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<ann@example.com>\r\nDATA\r\n"


@pytest.mark.parametrize("port", IN_THE_CLEAR, ids=lambda port: port.name)
def test_what_is_injected_behind_starttls_is_never_heard(port: Port) -> None:
    async def run() -> None:
        async with submitting(Office()) as ports, connected(port.of(ports)) as streams:
            reader, writer = streams
            await hear_reply(reader)
            await ask(streams, EHLO)
            writer.write(b"STARTTLS\r\n" + INJECTED)
            assert (await hear_line(reader)).startswith("220")
            await writer.start_tls(trusting())
            writer.write(b"NOOP\r\nMAIL FROM:<ben@example.org>\r\n")
            assert await hear_line(reader) == "250 2.0.0 OK"
            assert (await hear_line(reader))[:4] in ("503 ", "530 ")

    asyncio.run(run())


@pytest.mark.parametrize("port", IN_THE_CLEAR, ids=lambda port: port.name)
def test_what_is_injected_after_our_220_spoils_the_handshake(port: Port) -> None:
    async def run() -> None:
        async with submitting(Office()) as ports, connected(port.of(ports)) as streams:
            reader, writer = streams
            await hear_reply(reader)
            assert (await ask(streams, EHLO, "STARTTLS"))[1].startswith("220")
            writer.write(INJECTED)
            heard = await reader.read()
            assert b"250" not in heard
            assert b"354" not in heard

    asyncio.run(run())


def test_implicit_tls_takes_nothing_in_the_clear() -> None:
    async def run() -> None:
        async with submitting(Office()) as ports, connected(ports.implicit) as (reader, writer):
            writer.write(b"EHLO client.example.org\r\nMAIL FROM:<ben@example.org>\r\n")
            assert await hear_line(reader) == "<closed>"

    asyncio.run(run())


@pytest.mark.parametrize("port", IN_THE_CLEAR, ids=lambda port: port.name)
def test_what_was_said_before_tls_is_forgotten(port: Port) -> None:
    async def run() -> None:
        async with submitting(Office()) as ports, connected(port.of(ports)) as streams:
            await hear_reply(streams[0])
            await ask(streams, EHLO)
            await secured(streams)
            assert (await ask(streams, "MAIL FROM:<ben@example.org>"))[0][:3] in ("503", "530")

    asyncio.run(run())


def test_a_login_is_asked_for_under_tls_only_and_offered_nowhere_else() -> None:
    async def run() -> None:
        async with submitting(Office()) as ports:
            async with connected(ports.starttls) as streams:
                await hear_reply(streams[0])
                streams[1].write(f"{EHLO}\r\n".encode())
                lines = [await hear_line(streams[0])]
                while lines[-1][3] == "-":
                    lines.append(await hear_line(streams[0]))
                assert not [line for line in lines if "AUTH" in line]
                assert (await ask(streams, f"AUTH PLAIN {plain(ANN, PASSWORD)}"))[0].startswith("538")
                await secured(streams)
                assert (await ask(streams, EHLO, f"AUTH PLAIN {plain(ANN, PASSWORD)}"))[1].startswith("235")
            async with under_tls(ports.implicit) as streams:
                await hear_reply(streams[0])
                assert (await ask(streams, EHLO, f"AUTH PLAIN {plain(ANN, PASSWORD)}"))[1].startswith("235")

    asyncio.run(run())


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_versions_get_no_handshake(version: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]

    async def run() -> None:
        async with submitting(Office()) as ports:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.open_connection("127.0.0.1", ports.implicit, ssl=context)

    asyncio.run(run())
