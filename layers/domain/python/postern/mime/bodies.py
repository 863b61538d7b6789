"""Which parts a reader sees as the text, which as HTML and which as files, as RFC 8621 §4.1.4 tells them apart.

With one difference: pictures, sound and film that are shown within the text are offered as files too, always.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from postern.mime.parts import Part

_MEDIA = ("image/", "audio/", "video/")
_SHOWN = frozenset({"text/plain", "text/html"})
_ALTERNATIVE = "multipart/alternative"
_RELATED = "multipart/related"


@dataclass(frozen=True, slots=True)
class Bodies:
    """The parts to show to a reader of plain text, to a reader of HTML, and to offer as files; each in order."""

    text: tuple[Part, ...]
    html: tuple[Part, ...]
    attachments: tuple[Part, ...]


def sort_bodies(root: Part) -> Bodies:
    """Sort the parts of one message; a message within it is an attachment and not looked into."""
    sorter = _Sorter()
    sorter.sort((root,), "multipart/mixed", in_alternative=False, to_text=True, to_html=True)
    return Bodies(tuple(sorter.text), tuple(sorter.html), tuple(sorter.attachments))


@dataclass(slots=True)
class _Sorter:
    """The three lists while they grow."""

    text: list[Part] = field(default_factory=list)
    html: list[Part] = field(default_factory=list)
    attachments: list[Part] = field(default_factory=list)

    def sort(
        self, parts: tuple[Part, ...], multipart: str, *, in_alternative: bool, to_text: bool, to_html: bool
    ) -> None:
        """Sort the children of one multipart; `to_text` and `to_html` say which reader sees them."""
        texts, htmls = len(self.text), len(self.html)
        for index, part in enumerate(parts):
            if part.is_multipart and (part.children or not part.size):
                inside = in_alternative or part.content_type == _ALTERNATIVE
                self.sort(part.children, part.content_type, in_alternative=inside, to_text=to_text, to_html=to_html)
            elif not _is_inline(part, index, multipart):
                self.attachments.append(part)
            elif multipart == _ALTERNATIVE:
                self._add_alternative(part, to_text=to_text, to_html=to_html)
            else:
                to_text, to_html = self._add(part, in_alternative, to_text, to_html)
        if multipart == _ALTERNATIVE and to_text and to_html:
            self._complete(texts, htmls)

    def _add_alternative(self, part: Part, *, to_text: bool, to_html: bool) -> None:
        if part.content_type == "text/plain" and to_text:
            self.text.append(part)
        elif part.content_type == "text/html" and to_html:
            self.html.append(part)
        else:
            self.attachments.append(part)

    def _add(self, part: Part, in_alternative: bool, to_text: bool, to_html: bool) -> tuple[bool, bool]:
        """Within an alternative the first text settles which reader the rest is for."""
        if in_alternative and part.content_type == "text/plain":
            to_html = False
        if in_alternative and part.content_type == "text/html":
            to_text = False
        if to_text:
            self.text.append(part)
        if to_html:
            self.html.append(part)
        if part.content_type.startswith(_MEDIA):
            self.attachments.append(part)
        return to_text, to_html

    def _complete(self, texts: int, htmls: int) -> None:
        """An alternative with one text only shows it to both readers."""
        if len(self.html) == htmls:
            self.html.extend(self.text[texts:])
        elif len(self.text) == texts:
            self.text.extend(self.html[htmls:])


def _is_inline(part: Part, index: int, multipart: str) -> bool:
    """Shown within the text rather than offered as a file."""
    if part.disposition == "attachment":
        return False
    is_media = part.content_type.startswith(_MEDIA)
    if not is_media and part.content_type not in _SHOWN and not part.is_multipart:
        return False
    return index == 0 or (multipart != _RELATED and (is_media or not part.filename))
