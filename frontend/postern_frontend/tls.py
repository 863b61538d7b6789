"""TLS for every listener: contexts of TLS 1.2 and 1.3 (RFC 9325), made anew when the certificate changes."""

from __future__ import annotations

import asyncio
import logging
import ssl
import tempfile
from asyncio import sslproto
from dataclasses import dataclass
from pathlib import Path

from postern.model import TlsParameters
from postern.ports import CertificateSource, KeyMaterial, Unavailable

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:!aNULL"
"""Forward secrecy and authenticated encryption under TLS 1.2 (RFC 9325 §4.2); TLS 1.3 has its own."""

TLS_BUFFER_OCTETS = 32 * 1024
"""What asyncio sets aside for each connection under TLS: two records of the largest size instead of its own 256 KiB,
which a thousand idle sessions would fill half of a small task's memory with."""

sslproto.SSLProtocol.max_size = TLS_BUFFER_OCTETS

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """A certificate and key in two PEM files."""

    certificate: Path
    key: Path

    def read(self) -> KeyMaterial:
        """Read both files."""
        try:
            return KeyMaterial(self.certificate.read_bytes(), self.key.read_bytes())
        except OSError as error:
            raise Unavailable(f"cannot read {self.certificate} and {self.key}") from error


def make_context(material: KeyMaterial) -> ssl.SSLContext:
    """A server context for this certificate. Raises `ssl.SSLError` when certificate and key are no pair."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    # The ssl module loads keys only from files; this one exists, readable by us alone, for that moment.
    with tempfile.NamedTemporaryFile(prefix="postern-") as file:
        file.write(material.private_key.rstrip() + b"\n" + material.certificate_chain)
        file.flush()
        context.load_cert_chain(file.name)
    return context


def agreed_parameters(transport: asyncio.BaseTransport) -> TlsParameters | None:
    """What the handshake of a transport agreed on; `None` without TLS."""
    tls = transport.get_extra_info("ssl_object")
    if tls is None:
        return None
    cipher = tls.cipher()
    return TlsParameters(tls.version() or "", cipher[0] if cipher else "")


class Certificates:
    """The context for new handshakes; `None` until a certificate was read."""

    def __init__(self, source: CertificateSource | None) -> None:
        self.context: ssl.SSLContext | None = None
        self._source = source
        self._material: KeyMaterial | None = None

    @property
    def private_key(self) -> bytes:
        """The key in use, PEM; empty until one was read. All front ends have the same."""
        return self._material.private_key if self._material else b""

    async def refresh(self) -> None:
        """Read the source; when the certificate changed, new handshakes use it. What cannot be used is reported."""
        if self._source is None:
            return
        try:
            material = await asyncio.to_thread(self._source.read)
            if material != self._material:
                self.context = make_context(material)
                self._material = material
                _log.info("certificate loaded")
        except (Unavailable, ssl.SSLError) as error:
            _log.warning("certificate cannot be loaded", exc_info=error)

    async def keep_fresh(self, seconds: float) -> None:
        """Refresh for ever."""
        while True:
            await asyncio.sleep(seconds)
            await self.refresh()
