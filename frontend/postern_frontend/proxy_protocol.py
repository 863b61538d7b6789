"""The PROXY protocol, versions 1 and 2, as an incremental parser (haproxy.org, proxy-protocol.txt).

The parser says how many octets belong to the header, so that a listener can take exactly those from the
socket and leave the TLS handshake or the first command where it is.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from dataclasses import dataclass

from postern_frontend.client_address import canonical_ip

V2_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
MAX_V1_OCTETS = 107
MAX_V2_PAYLOAD = 2048
"""Addresses take 36 octets (216 for a Unix socket); the rest are TLVs, which we skip."""

_V1_PREFIX = b"PROXY "
_V2_FIXED = struct.Struct("!12sBBH")
_V2_LOCAL, _V2_PROXY = 0x20, 0x21
_TCP_OVER_IPV4, _TCP_OVER_IPV6 = 0x11, 0x21
_PORT = re.compile(r"0|[1-9][0-9]{0,4}")


class ProxyProtocolError(ValueError):
    """What the peer sent is no PROXY header; the connection cannot be trusted and is closed."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """Whom the balancer speaks for.

    `client_ip` is `None` when the balancer does not say (v1 UNKNOWN, v2 UNSPEC); `is_local` marks a connection
    of the balancer's own, such as a health check.
    """

    client_ip: str | None
    client_port: int = 0
    is_local: bool = False


class ProxyHeaderParser:
    """Takes octets until one header is complete; `header` is set then."""

    def __init__(self) -> None:
        self.header: ProxyHeader | None = None
        self._buffer = b""

    def feed(self, data: bytes) -> int:
        """Take what belongs to the header from the front of `data` and return how many octets that was.

        Raises ProxyProtocolError as soon as the octets cannot become a header.
        """
        if self.header is not None:
            return 0
        before = len(self._buffer)
        self._buffer += data[: _V2_FIXED.size + MAX_V2_PAYLOAD - before]
        length = self._header_length()
        if length is None:
            return len(self._buffer) - before
        self.header = _parse(self._buffer[:length])
        return length - before

    def _header_length(self) -> int | None:
        buffer = self._buffer
        if buffer.startswith(V2_SIGNATURE[: len(buffer)]):
            return _v2_length(buffer)
        if buffer.startswith(_V1_PREFIX[: len(buffer)]):
            return _v1_length(buffer)
        raise ProxyProtocolError("no PROXY header")


def _v1_length(buffer: bytes) -> int | None:
    end = buffer.find(b"\n", 0, MAX_V1_OCTETS)
    if end >= 0:
        return end + 1
    if len(buffer) >= MAX_V1_OCTETS:
        raise ProxyProtocolError("version 1 header too long")
    return None


def _v2_length(buffer: bytes) -> int | None:
    if len(buffer) < _V2_FIXED.size:
        return None
    payload = _V2_FIXED.unpack_from(buffer)[3]
    if payload > MAX_V2_PAYLOAD:
        raise ProxyProtocolError("version 2 header too long")
    length: int = _V2_FIXED.size + payload
    return length if len(buffer) >= length else None


def _parse(octets: bytes) -> ProxyHeader:
    return _parse_v1(octets) if octets.startswith(_V1_PREFIX) else _parse_v2(octets)


def _parse_v1(line: bytes) -> ProxyHeader:
    if not line.endswith(b"\r\n"):
        raise ProxyProtocolError("version 1 header without CRLF")
    words = line[:-2].decode("latin-1").split(" ")
    if words[1] == "UNKNOWN":
        return ProxyHeader(client_ip=None)
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise ProxyProtocolError("malformed version 1 header")
    version = 4 if words[1] == "TCP4" else 6
    client_ip, _ = _v1_address(words[2], version), _v1_address(words[3], version)
    client_port, _ = _v1_port(words[4]), _v1_port(words[5])
    return ProxyHeader(client_ip, client_port)


def _v1_address(word: str, version: int) -> str:
    try:
        address = ipaddress.ip_address(word)
    except ValueError as error:
        raise ProxyProtocolError("malformed address") from error
    if address.version != version or "%" in word:
        raise ProxyProtocolError("address of another family")
    return canonical_ip(word)


def _v1_port(word: str) -> int:
    if not _PORT.fullmatch(word) or int(word) > 65535:
        raise ProxyProtocolError("malformed port")
    return int(word)


def _parse_v2(octets: bytes) -> ProxyHeader:
    _, version_and_command, family, length = _V2_FIXED.unpack_from(octets)
    if version_and_command == _V2_LOCAL:
        return ProxyHeader(client_ip=None, is_local=True)
    if version_and_command != _V2_PROXY:
        raise ProxyProtocolError("unknown version or command")
    size = {_TCP_OVER_IPV4: 4, _TCP_OVER_IPV6: 16}.get(family)
    if size is None:
        return ProxyHeader(client_ip=None)
    if length < 2 * size + 4:
        raise ProxyProtocolError("version 2 header too short for its addresses")
    start = _V2_FIXED.size
    client_ip = canonical_ip(str(ipaddress.ip_address(octets[start : start + size])))
    (client_port,) = struct.unpack_from("!H", octets, start + 2 * size)
    return ProxyHeader(client_ip, client_port)
