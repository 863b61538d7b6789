"""Held messages on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from postern.disposition import points_text
from postern.message import Message, parse_message
from postern.mime.encoded_words import decode_encoded_words
from postern.wire import truncate
from postern_aws.quarantine import HeldMessage
from postern_cli.console import printable

MAX_TEXT = 1_500
SHOWN_FIELDS = ("From", "To", "Cc", "Reply-To", "Date", "Subject", "Message-ID")


def held_table(held: Iterable[HeldMessage]) -> Table:
    """A line per message."""
    table = Table(box=None, pad_edge=False)
    for column in ("received", "mailbox", "id", "score", "author", "subject", "why"):
        table.add_column(column, overflow="fold", justify="right" if column == "score" else "left")
    for one in held:
        table.add_row(
            f"{one.received_at.astimezone():%Y-%m-%d %H:%M}",
            Text(one.mailbox),
            one.transaction_id,
            points_text(one.score),
            printable(one.author or one.reverse_path or "<>"),
            printable(decode_encoded_words(one.subject)),
            printable("; ".join(one.reasons)),
        )
    return table


def held_report(held: HeldMessage, content: bytes) -> RenderableType:
    """Why a message is held, its header and the beginning of its text."""
    message = parse_message(content)
    fields = Table.grid(padding=(0, 2))
    for name in SHOWN_FIELDS:
        if message.first(name):
            fields.add_row(Text(name, style="dim"), printable(message.value(name)))
    for attachment in message.attachments:
        fields.add_row(Text("attachment", style="dim"), printable(attachment.filename or attachment.content_type))
    reasons = [Text.assemble("held: ", printable(reason)) for reason in held.reasons]
    return Group(*reasons, Text(f"score: {points_text(held.score)}"), Text(), fields, Text(), _text_of(message))


def _text_of(message: Message) -> Text:
    found = next((part for part in message.text_parts if not part.is_attachment), None)
    return printable(truncate(found.text().strip(), MAX_TEXT)) if found else Text("(no text)", style="dim")
