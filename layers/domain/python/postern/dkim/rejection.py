"""Why a signature does not pass."""

from __future__ import annotations

from postern.model import ResultWord


class SignatureRejected(Exception):  # noqa: N818 - an outcome of verification, not a mistake of the caller
    """A signature that does not pass.

    `result` is the word of RFC 8601 §2.7.1: `fail` for a signature that was checked and is wrong, `permerror` for one
    that can never be checked (RFC 6376 §3.9 PERMFAIL), `temperror` when its key could not be had now. `reason` is ours
    and holds nothing that a sender wrote.
    """

    def __init__(self, reason: str, result: ResultWord = ResultWord.PERMERROR) -> None:
        super().__init__(reason)
        self.reason = reason
        self.result = result
