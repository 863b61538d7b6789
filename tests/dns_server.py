"""A real name server on loopback that serves a zone written as data, over UDP and TCP.

The zone is that of `postern.zone`. `"TIMEOUT"` is never answered, `"SERVFAIL"` is. A UDP answer that is larger than
the client's buffer, or any when the server was told so, is truncated, so that the client comes again over TCP.
"""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TXT
import dns.rrset

from postern.zone import Zone

MAX_CHAIN = 12
NAME_TYPES = ("PTR", "CNAME", "NS")


@dataclass
class DnsServer:
    """The zone, how it is served, and every question that came: (name, type, transport)."""

    zone: Zone
    truncate: bool = False
    ttl: int = 300
    questions: list[tuple[str, str, str]] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self.names = {_labels(name): types for name, types in self.zone.items()}
        self.ancestors = {name[at:] for name in self.names for at in range(1, len(name))}

    def respond(self, wire: bytes, transport: str) -> bytes | None:
        """The response to a request, or `None` for silence."""
        request = dns.message.from_wire(wire)
        question = request.question[0]
        rdtype = dns.rdatatype.to_text(question.rdtype)
        self.questions.append((question.name.to_text(omit_final_dot=True), rdtype, transport))
        response = dns.message.make_response(request, recursion_available=True)
        if not self._answer(response, question.name, rdtype):
            return None
        return self._packed(response, request, transport)

    def _packed(self, response: dns.message.Message, request: dns.message.Message, transport: str) -> bytes:
        limit = 65535 if transport == "tcp" else max(512, request.payload)
        if transport == "tcp" or not self.truncate:
            try:
                return response.to_wire(max_size=limit)
            except dns.exception.TooBig:
                pass
        response.flags |= dns.flags.TC
        response.answer.clear()
        return response.to_wire(max_size=limit)

    def _answer(self, response: dns.message.Message, name: dns.name.Name, rdtype: str) -> bool:
        for _ in range(MAX_CHAIN):
            types = self.names.get(_key(name))
            if types is None:
                missing = _key(name) not in self.ancestors
                return self._negative(response, dns.rcode.NXDOMAIN if missing else dns.rcode.NOERROR)
            found: Any = types.get(rdtype, types.get("*", ()) if "CNAME" not in types else ())
            if found == "TIMEOUT":
                return False
            if found == "SERVFAIL":
                response.set_rcode(dns.rcode.SERVFAIL)
                return True
            if found:
                response.answer.append(self._rrset(name, rdtype, found))
                return True
            aliases = types.get("CNAME", ())
            if not aliases:
                return self._negative(response, dns.rcode.NOERROR)
            response.answer.append(self._rrset(name, "CNAME", aliases))
            name = _name(aliases[0])
        response.set_rcode(dns.rcode.SERVFAIL)
        return True

    def _negative(self, response: dns.message.Message, rcode: dns.rcode.Rcode) -> bool:
        response.set_rcode(rcode)
        soa = f"ns.invalid. hostmaster.invalid. 1 3600 600 86400 {self.ttl}"
        response.authority.append(dns.rrset.from_text(".", self.ttl, "IN", "SOA", soa))
        return True

    def _rrset(self, name: dns.name.Name, rdtype: str, records: Any) -> dns.rrset.RRset:
        return dns.rrset.from_rdata_list(name, self.ttl, [_rdata(rdtype, record) for record in records])


def _labels(name: str) -> tuple[bytes, ...]:
    return tuple(label.encode("latin-1").lower() for label in name.rstrip(".").split("."))


def _key(name: dns.name.Name) -> tuple[bytes, ...]:
    return tuple(label.lower() for label in name.labels if label)


def _name(text: str) -> dns.name.Name:
    return dns.name.Name([*(label for label in _labels(text) if label), b""])


def _rdata(rdtype: str, record: str) -> dns.rdata.Rdata:
    kind = dns.rdatatype.from_text(rdtype)
    if rdtype == "TXT":
        octets = record.encode("utf-8", "surrogateescape")
        strings = [octets[at : at + 255] for at in range(0, len(octets), 255)] or [b""]
        return dns.rdtypes.ANY.TXT.TXT(dns.rdataclass.IN, kind, strings)
    if rdtype == "MX":
        preference, _, exchange = record.partition(" ")
        return dns.rdata.from_text(dns.rdataclass.IN, kind, f"{preference} {_name(exchange).to_text()}")
    if rdtype in NAME_TYPES:
        return dns.rdata.from_text(dns.rdataclass.IN, kind, _name(record).to_text())
    return dns.rdata.from_text(dns.rdataclass.IN, kind, record)


@contextmanager
def serve(server: DnsServer) -> Iterator[DnsServer]:
    """Serve over UDP and TCP on one free port of 127.0.0.1 while the context is open."""

    class Datagrams(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, sock = self.request
            response = server.respond(wire, "udp")
            if response is not None:
                sock.sendto(response, self.client_address)

    class Streams(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            (length,) = struct.unpack("!H", _exactly(self.request, 2))
            response = server.respond(_exactly(self.request, length), "tcp")
            if response is not None:
                self.request.sendall(struct.pack("!H", len(response)) + response)

    with _bound(Datagrams, Streams) as (port, servers):
        server.port = port
        threads = [threading.Thread(target=one.serve_forever, args=(0.05,), daemon=True) for one in servers]
        for thread in threads:
            thread.start()
        try:
            yield server
        finally:
            for one in servers:
                one.shutdown()
            for thread in threads:
                thread.join()


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    max_packet_size = 65535


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def _bound(
    datagrams: type[socketserver.BaseRequestHandler], streams: type[socketserver.BaseRequestHandler]
) -> Iterator[tuple[int, tuple[socketserver.BaseServer, ...]]]:
    """A UDP and a TCP server on the same port; a port that only one of them can have is given back."""
    for _ in range(20):
        with _TcpServer(("127.0.0.1", 0), streams) as tcp:
            port = tcp.server_address[1]
            try:
                udp = _UdpServer(("127.0.0.1", port), datagrams)
            except OSError:
                continue
            with udp:
                yield port, (tcp, udp)
                return
    raise OSError("no free port for UDP and TCP")


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = connection.recv(size - len(received))
        if not piece:
            raise ConnectionError("the client went away")
        received += piece
    return received
