"""From what arrives to the reports in it: a message, a gzip or zip file, or the document itself.

Everything is bounded: files of an archive, octets that come out, layers around a document.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator

from postern.dmarc_reports.aggregate_reading import read_aggregate
from postern.dmarc_reports.received import Feedback, ReportError
from postern.dmarc_reports.tls_reading import read_tls
from postern.dmarc_reports.xml_tree import MAX_OCTETS
from postern.message import Message, parse_message

MAX_FILES = 10
"""Files of one archive, and attachments of one message, that are looked into."""
MAX_LAYERS = 3

_GZIP, _ZIP, _EMPTY_ZIP = b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_GZIP_WINDOW = 31
_FAILURE_REPORT = "message/feedback-report"
_PACKED = ("gzip", "zip", "xml", "json", "octet-stream")


def read_reports(content: bytes) -> tuple[Feedback, ...]:
    """Every report in a file or message. Raises `ReportError`, also when there is none."""
    found = tuple(feedback for document in _documents(content, MAX_LAYERS) for feedback in _read(document))
    if not found:
        raise ReportError("no report is in it")
    return found


def _read(document: bytes) -> tuple[Feedback, ...]:
    if document.startswith(b"{"):
        return read_tls(document)
    return (read_aggregate(document),)


def _documents(content: bytes, layers: int) -> Iterator[bytes]:
    """The XML and JSON documents in `content`."""
    if layers < 0:
        raise ReportError("packed into too many layers")
    if content.startswith(_GZIP):
        yield from _documents(_gunzipped(content), layers - 1)
    elif content.startswith((_ZIP, _EMPTY_ZIP)):
        for member in _unzipped(content):
            yield from _documents(member, layers - 1)
    elif (text := content.removeprefix(_BYTE_ORDER_MARK).lstrip()).startswith((b"<", b"{")):
        yield text
    elif layers == MAX_LAYERS:
        yield from _attached(parse_message(content))
    else:
        raise ReportError("neither XML nor JSON is in it")


def _attached(message: Message) -> Iterator[bytes]:
    """The documents that a message carries. Reports are found by their content; media types are often wrong."""
    leaves = [part for part in message.parts() if not part.children]
    if any(part.content_type == _FAILURE_REPORT for part in leaves):
        raise ReportError("a report on the failure of one message (RFC 9991); only aggregate and TLS reports are read")
    likely = [part for part in leaves if any(word in part.content_type for word in (*_PACKED, "tlsrpt"))]
    for part in likely[:MAX_FILES]:
        content = part.content()
        if len(content) > MAX_OCTETS:
            raise ReportError(f"an attachment is larger than {MAX_OCTETS} octets")
        if content.lstrip().startswith((_GZIP, _ZIP, b"<", b"{", _BYTE_ORDER_MARK)):
            yield from _documents(content, MAX_LAYERS - 1)


def _gunzipped(content: bytes) -> bytes:
    """The first member of a gzip file. Rubbish after it, which one large reporter appends, is ignored."""
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    try:
        unpacked = unpacker.decompress(content, MAX_OCTETS + 1)
    except zlib.error as wrong:
        raise ReportError(f"the gzip file is damaged: {wrong}") from wrong
    if not unpacker.eof and len(unpacked) <= MAX_OCTETS:
        raise ReportError("the gzip file is cut short")
    return _bounded(unpacked)


def _unzipped(content: bytes) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            if len(members) > MAX_FILES:
                raise ReportError(f"the zip file holds more than {MAX_FILES} files")
            for info in members:
                with archive.open(info) as member:
                    yield _bounded(member.read(MAX_OCTETS + 1))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error) as wrong:
        # RuntimeError and NotImplementedError are how zipfile speaks of passwords and unknown methods.
        raise ReportError(f"the zip file cannot be unpacked: {wrong}") from wrong


def _bounded(unpacked: bytes) -> bytes:
    if len(unpacked) > MAX_OCTETS:
        raise ReportError(f"unpacked it is larger than {MAX_OCTETS} octets")
    return unpacked
