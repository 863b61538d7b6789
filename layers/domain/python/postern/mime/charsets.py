"""Octets to text, whatever the label says: unknown and wrong charset names are repaired, nothing raises.

Labels are read as the WHATWG Encoding Standard reads them where mail needs it (`iso-8859-1` is windows-1252,
`gb2312` is GB 18030, `shift_jis` is code page 932), for that is what mail readers show.
"""

from __future__ import annotations

import codecs
from typing import NamedTuple

UTF_7 = "utf-7"
UTF_8 = "utf-8"
WINDOWS_1252 = "windows-1252"


_TABLE = "".join(
    bytes([octet]).decode("latin-1" if octet in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else "cp1252") for octet in range(256)
)
"""windows-1252 for all 256 octets; the five it leaves open are C1 controls, as on the web."""

_SUPERSETS = {
    "iso8859-1": WINDOWS_1252,
    "cp1252": WINDOWS_1252,
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "shift_jisx0213": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso2022_jp": "iso2022_jp_ext",
}
"""Python's name of a codec, and of the larger one that senders mean by it."""

_ALIASES = {
    "unicode-1-1-utf-7": UTF_7,
    "unicode-1-1-utf-8": UTF_8,
    "utf8mb4": UTF_8,
    "unknown-8bit": "",
    "x-unknown": "",
    "default_charset": "",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "iso-8859-6-i": "iso8859-6",
    "x-sjis": "cp932",
    "x-euc-jp": "euc_jp",
    "x-gbk": "gb18030",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "windows-874": "cp874",
    "windows-949": "cp949",
    "windows-932": "cp932",
    "windows-936": "gb18030",
    "iso-2022-cn": "",
    "cp-850": "cp850",
    "cp-437": "cp437",
}

_TEXT_CODECS = frozenset(
    """
    ascii utf-8 utf-7 utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be
    iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10
    iso8859-11 iso8859-13 iso8859-14 iso8859-15 iso8859-16
    cp037 cp273 cp424 cp437 cp500 cp720 cp737 cp775 cp850 cp852 cp855 cp856 cp857 cp858 cp860 cp861 cp862 cp863
    cp864 cp865 cp866 cp869 cp874 cp875 cp932 cp949 cp950 cp1006 cp1026 cp1125 cp1140 cp1250 cp1251 cp1252
    cp1253 cp1254 cp1255 cp1256 cp1257 cp1258
    big5 big5hkscs euc_jp euc_jis_2004 euc_jisx0213 euc_kr gb2312 gbk gb18030 hz
    iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext iso2022_kr johab
    koi8-r koi8-t koi8-u kz1048 mac-cyrillic mac-greek mac-iceland mac-latin2 mac-roman mac-turkish ptcp154
    shift_jis shift_jis_2004 shift_jisx0213 tis-620 utf-8-sig
    """.split()
)
"""Codecs that turn octets into text and nothing else (`idna`, `unicode_escape` and their like stay out)."""

_MAX_LABEL = 40
_REPLACEMENT = "\ufffd"


class Decoded(NamedTuple):
    """Text, the charset it was read in, and whether the label was known and held."""

    text: str
    charset: str
    known: bool
    right: bool


def codec_name(label: str) -> str:
    """Python's codec for a charset label, `""` when there is none that mail may use."""
    name = label.strip(" \t\r\n\"'").lower()
    name = _ALIASES.get(name, name)
    if not name or len(name) > _MAX_LABEL or not name.isascii() or "\0" in name:
        return ""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    return _SUPERSETS.get(found, found) if found in _TEXT_CODECS else ""


def decode_windows_1252(octets: bytes) -> str:
    """Every octet has a meaning here, so this is where every other charset's failure ends."""
    return codecs.charmap_decode(octets, "strict", _TABLE)[0]


def decode_unlabelled(octets: bytes) -> str:
    """UTF-8 when it is UTF-8 (RFC 6532), else windows-1252."""
    try:
        return octets.decode(UTF_8)
    except UnicodeDecodeError:
        return decode_windows_1252(octets)


def decode_labelled(octets: bytes, label: str) -> Decoded:
    """Read `octets` as `label` says, or as they seem to be when the label is empty, unknown or wrong."""
    codec = codec_name(label)
    if not codec or codec in ("ascii", UTF_8):
        return _decode_utf_8(octets, known=bool(codec) or not label, ascii_only=codec == "ascii")
    if codec == WINDOWS_1252:
        return _decode_latin(octets)
    try:
        text = octets.decode(codec)
    except (UnicodeError, ValueError):
        return _decode_mislabelled(octets, codec)
    return Decoded(_without_surrogates(text) if codec == UTF_7 else text, codec, known=True, right=True)


def _decode_utf_8(octets: bytes, *, known: bool, ascii_only: bool) -> Decoded:
    try:
        text = octets.decode(UTF_8)
    except UnicodeDecodeError:
        return _decode_broken_utf_8(octets, known)
    return Decoded(text, UTF_8, known, right=not ascii_only or octets.isascii())


def _decode_broken_utf_8(octets: bytes, known: bool) -> Decoded:
    """UTF-8 with a few broken octets stays UTF-8; text whose octets above 127 mostly are none is windows-1252."""
    text = octets.decode(UTF_8, "replace")
    broken = text.count(_REPLACEMENT)
    others = len(text) - len(text.encode("ascii", "ignore")) - broken
    if others >= broken:
        return Decoded(text, UTF_8, known, right=False)
    return Decoded(decode_windows_1252(octets), WINDOWS_1252, known, right=False)


def _decode_latin(octets: bytes) -> Decoded:
    """Text that happens to be UTF-8 hardly ever is Latin-1: mailers that do not convert keep the old label."""
    if not octets.isascii():
        try:
            return Decoded(octets.decode(UTF_8), UTF_8, known=True, right=False)
        except UnicodeDecodeError:
            pass
    return Decoded(decode_windows_1252(octets), WINDOWS_1252, known=True, right=True)


def _without_surrogates(text: str) -> str:
    """UTF-7 can spell half a surrogate pair, which no other encoding can write again."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _decode_mislabelled(octets: bytes, codec: str) -> Decoded:
    try:
        return Decoded(octets.decode(UTF_8), UTF_8, known=True, right=False)
    except UnicodeDecodeError:
        text = _without_surrogates(octets.decode(codec, "replace"))
        return Decoded(text, codec, known=True, right=False)
