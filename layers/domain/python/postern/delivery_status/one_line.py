"""What somebody else wrote, as one line of bounded length without control characters."""

from __future__ import annotations

from postern.wire import clean_text

MAX_LINE = 500
_CUT = "..."


def one_line(text: str, most: int = MAX_LINE) -> str:
    """`text` with blanks for line ends and question marks for what cannot be printed."""
    words = " ".join(clean_text(text[: 4 * most]).split())
    printable = "".join(one if one.isprintable() else "?" for one in words)
    return printable if len(printable) <= most else printable[: most - len(_CUT)] + _CUT


def ascii_line(text: str, most: int = MAX_LINE) -> str:
    """The same where only ASCII may stand."""
    return one_line(text, most).encode("ascii", "replace").decode("ascii")
