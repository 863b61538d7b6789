from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern_frontend.proxy_protocol import (
    MAX_V2_PAYLOAD,
    V2_SIGNATURE,
    ProxyHeader,
    ProxyHeaderParser,
    ProxyProtocolError,
)


def version_2(command: int, family: int, payload: bytes) -> bytes:
    return V2_SIGNATURE + bytes([command, family]) + struct.pack("!H", len(payload)) + payload


IPV4 = socket.inet_aton("203.0.113.9") + socket.inet_aton("192.0.2.1") + struct.pack("!HH", 40000, 25)
IPV6 = (
    socket.inet_pton(socket.AF_INET6, "2001:db8::9")
    + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    + struct.pack("!HH", 40000, 25)
)
MAPPED = (
    socket.inet_pton(socket.AF_INET6, "::ffff:203.0.113.9")
    + socket.inet_pton(socket.AF_INET6, "::ffff:192.0.2.1")
    + struct.pack("!HH", 40000, 25)
)

GOOD = [
    (b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 25\r\n", ProxyHeader("203.0.113.9", 40000)),
    (b"PROXY TCP6 2001:db8::9 2001:db8::1 40000 25\r\n", ProxyHeader("2001:db8::9", 40000)),
    (b"PROXY TCP6 ::ffff:203.0.113.9 ::1 40000 25\r\n", ProxyHeader("203.0.113.9", 40000)),
    (b"PROXY UNKNOWN\r\n", ProxyHeader(None)),
    (b"PROXY UNKNOWN ffff:: ffff:: 65535 65535\r\n", ProxyHeader(None)),
    (version_2(0x21, 0x11, IPV4), ProxyHeader("203.0.113.9", 40000)),
    (version_2(0x21, 0x11, IPV4 + b"\x04\x00\x03abc"), ProxyHeader("203.0.113.9", 40000)),
    (version_2(0x21, 0x21, IPV6), ProxyHeader("2001:db8::9", 40000)),
    (version_2(0x21, 0x21, MAPPED), ProxyHeader("203.0.113.9", 40000)),
    (version_2(0x21, 0x00, b""), ProxyHeader(None)),
    (version_2(0x20, 0x11, IPV4), ProxyHeader(None, is_local=True)),
    (version_2(0x20, 0x00, b""), ProxyHeader(None, is_local=True)),
]

BAD = [
    b"EHLO client.example\r\n",
    b"\x16\x03\x01",
    b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 25\n",
    b"PROXY TCP4 203.0.113.9 192.0.2.1 40000\r\n",
    b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 99999\r\n",
    b"PROXY TCP4 203.0.113.9 192.0.2.1 040 25\r\n",
    b"PROXY TCP4 203.0.113.256 192.0.2.1 40000 25\r\n",
    b"PROXY TCP4 2001:db8::9 2001:db8::1 40000 25\r\n",
    b"PROXY TCP6 fe80::1%eth0 2001:db8::1 40000 25\r\n",
    b"PROXY UDP4 203.0.113.9 192.0.2.1 40000 25\r\n",
    b"PROXY " + b"x" * 120,
    version_2(0x31, 0x11, IPV4),
    version_2(0x22, 0x11, IPV4),
    version_2(0x21, 0x11, IPV4[:10]),
    V2_SIGNATURE + bytes([0x21, 0x11]) + struct.pack("!H", MAX_V2_PAYLOAD + 1),
]


@pytest.mark.parametrize(("octets", "header"), GOOD)
def test_reads_the_header_and_leaves_what_follows(octets: bytes, header: ProxyHeader) -> None:
    parser = ProxyHeaderParser()
    assert parser.feed(octets + b"EHLO x\r\n") == len(octets)
    assert parser.header == header


@pytest.mark.parametrize(("octets", "header"), GOOD)
def test_reads_the_header_octet_by_octet(octets: bytes, header: ProxyHeader) -> None:
    parser = ProxyHeaderParser()
    for index in range(len(octets)):
        assert parser.header is None
        assert parser.feed(octets[index : index + 1]) == 1
    assert parser.header == header
    assert parser.feed(b"EHLO x\r\n") == 0


@pytest.mark.parametrize("octets", BAD)
def test_refuses_what_is_no_header(octets: bytes) -> None:
    with pytest.raises(ProxyProtocolError):
        ProxyHeaderParser().feed(octets)


@given(st.binary(max_size=300), st.sampled_from([b"", V2_SIGNATURE, b"PROXY ", b"PROXY TCP4 "]))
def test_any_octets_give_a_header_or_the_error(octets: bytes, prefix: bytes) -> None:
    parser = ProxyHeaderParser()
    try:
        consumed = parser.feed(prefix + octets)
    except ProxyProtocolError:
        return
    assert 0 <= consumed <= len(prefix + octets)
    assert parser.header is not None or consumed == len(prefix + octets)
