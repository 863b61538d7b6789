"""TLS and the PROXY protocol on a running receiver."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from postern.ports import KeyMaterial
from postern_frontend.listener import Endpoint
from postern_frontend.tls import Certificates
from tests.dialogue.client import (
    BANNER,
    CERTIFICATE,
    LOCAL,
    hear_until,
    hold,
    send_message,
    trusting,
    until,
)
from tests.dialogue.harness import HOSTNAME, FixedCertificate, World, make_certificate, running
from tests.dialogue.transcript import connected, hear_line


def test_starttls_protects_the_session_and_the_transaction_knows() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await hear_line(reader) == BANNER
        writer.write(b"EHLO client.example.org\r\nSTARTTLS\r\n")
        await hear_until(reader, "250 STARTTLS")
        assert await hear_line(reader) == "220 2.0.0 Ready to start TLS"
        await writer.start_tls(trusting())
        assert (await send_message(reader, writer)).startswith("250 2.0.0 Accepted")

    world = World()
    hold(world, client, material=CERTIFICATE)
    session = world.ledger.transactions[0].session
    assert session is not None
    assert session.tls is not None
    assert session.tls.version == "TLSv1.3"


def test_plaintext_sent_ahead_of_the_handshake_is_dropped() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hear_line(reader)
        writer.write(
            b"EHLO client.example.org\r\nSTARTTLS\r\nRSET\r\nHELO injected\r\nMAIL FROM:<evil@example.org>\r\n"
        )
        await hear_until(reader, "220 2.0.0")
        await writer.start_tls(trusting())
        writer.write(b"NOOP\r\nMAIL FROM:<ben@example.org>\r\n")
        assert await hear_line(reader) == "250 2.0.0 OK"
        assert await hear_line(reader) == "503 5.5.1 Say EHLO or HELO first"

    hold(World(), client, material=CERTIFICATE)


def test_a_command_that_comes_with_the_end_of_the_handshake_is_heard() -> None:
    """A client of TLS 1.3 may send its Finished and its first command in one segment."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hear_line(reader)
        writer.write(b"EHLO client.example.org\r\nSTARTTLS\r\n")
        await hear_until(reader, "220 2.0.0")
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = trusting().wrap_bio(incoming, outgoing)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                incoming.write(await reader.read(65_536))
        tls.write(b"EHLO again.example.org\r\n")
        writer.write(outgoing.read())
        text = b""
        while b"250 ENHANCEDSTATUSCODES" not in text:
            incoming.write(await reader.read(65_536))
            try:
                text += tls.read(65_536)
            except ssl.SSLWantReadError:
                continue
        assert text.startswith(f"250-{HOSTNAME}".encode())

    hold(World(), client, material=CERTIFICATE)


def test_implicit_tls_greets_under_tls_and_offers_no_starttls() -> None:
    async def session() -> None:
        endpoint = Endpoint(0, "127.0.0.1", implicit_tls=True)
        async with running(World(), endpoint, material=CERTIFICATE) as receiver:
            reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port, ssl=trusting())
            assert await hear_line(reader) == BANNER
            writer.write(b"EHLO client.example.org\r\nSTARTTLS\r\n")
            await hear_until(reader, "250 ENHANCEDSTATUSCODES")
            assert await hear_line(reader) == "503 5.5.1 TLS is already active"
            writer.close()
            await writer.wait_closed()

    asyncio.run(session())


def test_a_failed_handshake_ends_the_connection_and_frees_its_place() -> None:
    async def session() -> None:
        world = World(per_client=1)
        async with running(world, material=CERTIFICATE) as receiver:
            async with connected(receiver.port) as (reader, writer):
                await hear_line(reader)
                writer.write(b"EHLO x\r\nSTARTTLS\r\n")
                await hear_until(reader, "220 2.0.0")
                writer.write(b"this is no handshake\r\n")
                # An alert may come before the end.
                while await reader.read(65_536):
                    pass
            await until(lambda: len(receiver.server.connections) == 0)
            async with connected(receiver.port) as (reader, _):
                assert await hear_line(reader) == BANNER

    asyncio.run(session())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_of_tls_are_not_spoken(version: ssl.TLSVersion) -> None:
    async def session() -> None:
        context = trusting()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = version
        context.maximum_version = version
        endpoint = Endpoint(0, "127.0.0.1", implicit_tls=True)
        async with running(World(), endpoint, material=CERTIFICATE) as receiver:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.open_connection("127.0.0.1", receiver.port, ssl=context)

    asyncio.run(session())


def test_a_new_certificate_is_used_without_a_restart() -> None:
    async def session() -> None:
        certificates = Certificates(FixedCertificate(CERTIFICATE))
        await certificates.refresh()
        first = certificates.context
        await certificates.refresh()
        assert certificates.context is first
        certificates._source = FixedCertificate(make_certificate("other.example.com"))
        await certificates.refresh()
        assert certificates.context not in (None, first)
        second = certificates.context
        certificates._source = FixedCertificate(KeyMaterial(b"no certificate", b"no key"))
        await certificates.refresh()
        assert certificates.context is second

    asyncio.run(session())


def test_without_a_certificate_yet_starttls_is_temporarily_unavailable() -> None:
    async def session() -> None:
        world = World()
        async with running(world) as receiver:
            service = world.service(starttls=True)
            port = receiver.server.listen_for_mail([LOCAL], service)[0]
            async with connected(port) as (reader, writer):
                await hear_line(reader)
                writer.write(b"EHLO x\r\nSTARTTLS\r\nNOOP\r\n")
                assert await hear_until(reader, "454") == "454 4.7.0 TLS is not available now"
                assert await hear_line(reader) == "250 2.0.0 OK"

    asyncio.run(session())


PROXY_V2 = (
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + socket.inet_aton("203.0.113.9") + socket.inet_aton("192.0.2.1")
) + b"\x9c\x40\x00\x19"


@pytest.mark.parametrize(
    "header", [b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 25\r\n", PROXY_V2], ids=["version 1", "version 2"]
)
@pytest.mark.parametrize("octets_at_once", [1, 10_000])
def test_the_client_is_who_the_proxy_header_says_also_after_starttls(header: bytes, octets_at_once: int) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for start in range(0, len(header), octets_at_once):
            writer.write(header[start : start + octets_at_once])
            await writer.drain()
            await asyncio.sleep(0)
        assert await hear_line(reader) == BANNER
        writer.write(b"EHLO client.example.org\r\nSTARTTLS\r\n")
        await hear_until(reader, "220 2.0.0")
        await writer.start_tls(trusting())
        assert (await send_message(reader, writer)).startswith("250 2.0.0 Accepted")

    world = World()
    hold(world, client, Endpoint(0, "127.0.0.1", proxy=True), material=CERTIFICATE)
    session = world.ledger.transactions[0].session
    assert session is not None
    assert (session.client_ip, session.client_port) == ("203.0.113.9", 40000)


def test_a_proxy_header_stands_before_implicit_tls() -> None:
    async def session() -> None:
        endpoint = Endpoint(0, "127.0.0.1", proxy=True, implicit_tls=True)
        world = World()
        async with (
            running(world, endpoint, material=CERTIFICATE) as receiver,
            connected(receiver.port) as (
                reader,
                writer,
            ),
        ):
            writer.write(PROXY_V2)
            await writer.start_tls(trusting())
            assert await hear_line(reader) == BANNER
            assert (await send_message(reader, writer)).startswith("250 2.0.0 Accepted")
        assert world.ledger.transactions[0].client_ip == "203.0.113.9"

    asyncio.run(session())


def test_without_the_demanded_proxy_header_nothing_is_said() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"EHLO client.example.org\r\n")
        assert await hear_line(reader) == "<closed>"

    hold(World(), client, Endpoint(0, "127.0.0.1", proxy=True))
