"""A channel of rules, as `sa-update` reads it: what is asked for where, and what may be believed.

The version stands in the DNS, as a number in the TXT record of `<reversed version of the language>.<channel>`. A list
of mirrors stands in the TXT record of `mirrors.<channel>` by its address; each mirror has `VERSION.tar.gz` and beside
it `.sha512` (or `.sha256`) and `.asc`. The archive is believed when digest and signature hold.

ChannelError    the channel, a mirror or an archive cannot be used; the text says why
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from postern.dns import DnsAnswer
from postern.rules.openpgp import PublicKey, SignatureError, verify
from postern.rules.rule_set import MAX_FILE_CHARACTERS, MAX_STOCK_FILES, RuleFile

MAX_ARCHIVE_OCTETS = 8 * 1024 * 1024
MAX_UNPACKED_OCTETS = 32 * 1024 * 1024
MAX_MEMBERS = 1_000
MAX_MIRRORS = 20
DIGESTS = {"sha512": hashlib.sha512, "sha256": hashlib.sha256}
"""By the endings of the files that hold them, the best first."""

_VERSION = re.compile(r"[1-9]\d{0,14}")
_MIRROR = re.compile(r"(https?://[A-Za-z0-9.-]{1,253}(?::\d{1,5})?(?:/[\w./~%-]{0,400})?)(?:\s+weight=(\d{1,4}))?\s*\Z")
_LIST_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(?::\d{1,5})?/[\w./~%-]{0,400}\Z")
_DIGEST = re.compile(r"\s*([0-9a-fA-F]{64,128})\b")


class ChannelError(ValueError):
    """A channel that cannot be used now."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """Where archives lie, and how often it wants to be chosen in relation to others."""

    address: str
    weight: int = 1

    def file(self, version: str, ending: str) -> str:
        """The address of an archive (`tar.gz`) or of what is beside it (`tar.gz.asc`)."""
        return f"{self.address.rstrip('/')}/{version}.{ending}"


@dataclass(frozen=True, slots=True)
class Download:
    """An archive, with what a mirror has beside it; `digest_kind` is one of `DIGESTS`."""

    archive: bytes
    digest_kind: str
    digest: bytes
    signature: bytes


def mirrors_name(channel: str) -> str:
    """The name at which the address of the list of mirrors stands."""
    return f"mirrors.{channel}"


def read_version(answer: DnsAnswer) -> str:
    """The version in the answer to `version_name`. Raises `ChannelError`."""
    versions = [record.strip() for record in answer.records if _VERSION.fullmatch(record.strip())]
    if not versions:
        raise ChannelError(f"the channel's version cannot be asked for: {answer.status}")
    return max(versions, key=int)


def read_list_address(answer: DnsAnswer) -> str:
    """The address of the list of mirrors in the answer to `mirrors_name`. Raises `ChannelError`."""
    found = next((record.strip() for record in answer.records if _LIST_ADDRESS.match(record.strip())), "")
    if not found:
        raise ChannelError(f"the channel's list of mirrors cannot be asked for: {answer.status}")
    return found


def read_mirrors(text: bytes) -> tuple[Mirror, ...]:
    """The mirrors of a list, a line each (`https://host/path weight=5`). Raises `ChannelError` when there is none."""
    lines = (line.partition("#")[0].strip() for line in text.decode("ascii", "replace").splitlines())
    found = (one for line in lines if (one := _MIRROR.match(line)))
    mirrors = tuple(Mirror(one[1], int(one[2] or 1)) for one in found)[:MAX_MIRRORS]
    if not mirrors:
        raise ChannelError("the list of mirrors names none")
    return mirrors


def believed(download: Download, keys: tuple[PublicKey, ...]) -> bytes:
    """The archive, if its digest holds and one of the keys signed it. Raises `ChannelError`."""
    written = _DIGEST.match(download.digest.decode("ascii", "replace"))
    computed = DIGESTS[download.digest_kind](download.archive).hexdigest()
    if written is None or not hmac.compare_digest(written[1].lower(), computed):
        raise ChannelError(f"the archive does not have the {download.digest_kind} digest that stands beside it")
    try:
        verify(download.archive, download.signature, keys)
    except SignatureError as wrong:
        raise ChannelError(f"the archive is not believed: {wrong}") from wrong
    return download.archive


def unpack(archive: bytes) -> tuple[RuleFile, ...]:
    """The `.cf` files in the topmost folder of an archive, in memory. Raises `ChannelError`.

    Nothing is written; links, folders and other files are passed over. Bounded in octets, members and file size.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(_unzipped(archive)), mode="r:") as members:
            found = tuple(_rule_files(members))
    except (tarfile.TarError, UnicodeError, ValueError, OverflowError) as wrong:
        raise ChannelError(f"the archive cannot be unpacked: {wrong}") from wrong
    if not found:
        raise ChannelError("the archive holds no .cf file")
    return found


def _unzipped(archive: bytes) -> bytes:
    if len(archive) > MAX_ARCHIVE_OCTETS:
        raise ChannelError(f"the archive has more than {MAX_ARCHIVE_OCTETS} octets")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(archive)) as stream:
            content = stream.read(MAX_UNPACKED_OCTETS + 1)
    except (OSError, EOFError, zlib.error) as wrong:
        raise ChannelError(f"the archive cannot be unpacked: {wrong}") from wrong
    if len(content) > MAX_UNPACKED_OCTETS:
        raise ChannelError(f"the archive unpacks to more than {MAX_UNPACKED_OCTETS} octets")
    return content


def _rule_files(members: tarfile.TarFile) -> Iterator[RuleFile]:
    taken = 0
    for number, member in enumerate(members):
        if number >= MAX_MEMBERS or taken >= MAX_STOCK_FILES:
            raise ChannelError("the archive holds too many files")
        path = PurePosixPath(member.name)
        is_on_top = len(path.parts) == 1 and not path.is_absolute()
        if not member.isreg() or not is_on_top or path.suffix != ".cf":
            continue
        if member.size > MAX_FILE_CHARACTERS:
            raise ChannelError(f"{path.name} is too large")
        stream = members.extractfile(member)
        taken += 1
        yield RuleFile(path.name, (stream.read() if stream else b"").decode("utf-8", "surrogateescape"))
