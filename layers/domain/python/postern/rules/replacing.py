"""Replacement tags: `replace_tag A [a@4]` makes `<A>` in the rules named by `replace_rules` stand for that text."""

from __future__ import annotations

import re

MAX_PASSES = 6
MAX_EXPANDED = 200_000
_ANGLES = re.compile(r"(<[^<>]+>)")
_TABLES = frozenset({"replace_tag", "replace_pre", "replace_inter", "replace_post"})


class ReplacementTags:
    """The tags of a set of files, and the rules they are for."""

    def __init__(self) -> None:
        self.rules: set[str] = set()
        self._start, self._end = "<", ">"
        self._tables: dict[str, dict[str, str]] = {name: {} for name in _TABLES}

    def read(self, directive: str, argument: str) -> bool:
        """Whether the line was about replacement tags."""
        if directive in _TABLES:
            name, value = [*argument.split(None, 1), "", ""][:2]
            self._tables[directive][name] = value
        elif directive == "replace_rules":
            self.rules.update(argument.split())
        elif directive == "replace_start":
            self._start = argument or "<"
        elif directive == "replace_end":
            self._end = argument or ">"
        else:
            return False
        return True

    def fill_in(self, pattern: str) -> str:
        """The pattern with its tags replaced; tags may stand for tags, a few levels deep."""
        for _ in range(MAX_PASSES):
            filled, again = self._pass(pattern)
            if len(filled) > MAX_EXPANDED:
                return pattern
            pattern = filled
            if not again:
                break
        return pattern

    def _pass(self, pattern: str) -> tuple[str, bool]:
        pattern, before = self._take(pattern, "pre")
        pattern, after = self._take(pattern, "post")
        pattern, between = self._take(pattern, "inter")
        pieces = _ANGLES.split(pattern)
        if between:
            pieces = [piece or between for piece in pieces[:-1]] + [pieces[-1] or between]
        again = False
        for index, piece in enumerate(pieces):
            if piece.startswith(self._start) and piece.endswith(self._end):
                tag = piece[len(self._start) : -len(self._end)]
                replacement = self._tables["replace_tag"].get(tag, "")
                inner = replacement or piece
                again = again or bool(replacement and _ANGLES.search(replacement))
                pieces[index] = f"{before}{inner}{after}"
        return "".join(pieces), again

    def _take(self, pattern: str, kind: str) -> tuple[str, str]:
        """The pattern without its `<inter NAME>`, and what that name stands for."""
        found = re.search(f"{re.escape(self._start)}{kind} (.+?){re.escape(self._end)}", pattern)
        if found is None:
            return pattern, ""
        return pattern.replace(found[0], "", 1), self._tables[f"replace_{kind}"].get(found[1], "")
