"""Reading a channel: versions, mirrors, digests, and archives that want to be more than they may."""

from __future__ import annotations

import hashlib
import io
import tarfile

import pytest

from postern.dns import DnsAnswer, DnsStatus
from postern.policy import PolicyError
from postern.rules.channel import (
    MAX_MEMBERS,
    ChannelError,
    Download,
    Mirror,
    believed,
    read_list_address,
    read_mirrors,
    read_version,
    unpack,
)
from postern.rules.channel_policy import RuleChannelPolicy, version_name

KEY = "0C2B1D7175B852C64B3CDC716C55397824F434CE"


def found(*records: str) -> DnsAnswer:
    return DnsAnswer(DnsStatus.FOUND, records)


def archive(*members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as made:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.size = kind, len(content) if kind == tarfile.REGTYPE else 0
            member.linkname = "/etc/passwd"
            made.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def test_the_version_is_asked_for_by_the_reversed_version_of_the_language() -> None:
    assert version_name("updates.example.org") == "1.0.4.updates.example.org"


def test_the_version_is_a_number() -> None:
    assert read_version(found("v=spf1 -all", " 1900123 ")) == "1900123"
    for answer in (found("latest"), found("-1"), DnsAnswer(DnsStatus.NXDOMAIN), DnsAnswer(DnsStatus.TIMEOUT)):
        with pytest.raises(ChannelError):
            read_version(answer)


def test_the_list_of_mirrors_has_an_address() -> None:
    assert (
        read_list_address(found("http://mirrors.example.org/MIRRORED.BY")) == "http://mirrors.example.org/MIRRORED.BY"
    )
    for record in ("file:///etc/passwd", "ftp://x.example/", "http://x.example/a b", ""):
        with pytest.raises(ChannelError):
            read_list_address(found(record))


def test_mirrors_have_weights_and_comments() -> None:
    text = b"# ours\nhttp://a.example/ weight=5\nhttps://b.example/rules/ # slow\nfile:///etc\nrubbish\n"
    mirrors = read_mirrors(text)
    assert mirrors == (Mirror("http://a.example/", 5), Mirror("https://b.example/rules/"))
    assert mirrors[1].file("12", "tar.gz.asc") == "https://b.example/rules/12.tar.gz.asc"
    with pytest.raises(ChannelError):
        read_mirrors(b"<html>not found</html>")


@pytest.mark.parametrize("digest", [b"", b"0" * 128, b"rubbish"])
def test_a_digest_that_does_not_hold_is_refused(digest: bytes) -> None:
    with pytest.raises(ChannelError, match="digest"):
        believed(Download(b"archive", "sha512", digest, b""), ())


def test_a_digest_is_not_enough() -> None:
    content = b"archive"
    digest = hashlib.sha512(content).hexdigest().encode() + b"  12.tar.gz\n"
    with pytest.raises(ChannelError, match="not believed"):
        believed(Download(content, "sha512", digest, b""), ())


def test_the_rule_files_on_top_are_taken_and_nothing_else() -> None:
    made = archive(
        ("20_a.cf", b"body A /a/"), ("languages", b"x"), ("sub/b.cf", b"b"), ("../c.cf", b"c"), ("/d.cf", b"d")
    )
    assert [(one.name, one.text) for one in unpack(made)] == [("20_a.cf", "body A /a/")]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_passed_over(kind: bytes) -> None:
    with pytest.raises(ChannelError, match=r"no \.cf file"):
        unpack(archive(("a.cf", b""), kind=kind))


def test_archives_are_bounded() -> None:
    with pytest.raises(ChannelError, match="unpacks to more"):
        unpack(archive(("a.cf", bytes(40_000_000))))
    with pytest.raises(ChannelError, match="too many"):
        unpack(archive(*((f"{number}.txt", b"") for number in range(MAX_MEMBERS + 1))))
    with pytest.raises(ChannelError, match="too large"):
        unpack(archive(("a.cf", bytes(2_100_000))))


@pytest.mark.parametrize("damaged", [b"", b"rubbish", archive(("a.cf", b"body A /a/"))[:60]])
def test_damaged_archives_are_refused(damaged: bytes) -> None:
    with pytest.raises(ChannelError):
        unpack(damaged)


def test_a_channel_needs_a_key() -> None:
    RuleChannelPolicy(channel="updates.example.org", fingerprints=(KEY,))
    for channel, keys in (("updates.example.org", ()), ("local", (KEY,)), ("updates.example.org", ("24F434CE",))):
        with pytest.raises(PolicyError):
            RuleChannelPolicy(channel=channel, fingerprints=keys)
