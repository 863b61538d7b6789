"""The states of an SMTP conversation."""

from __future__ import annotations

from enum import Enum, auto


class Phase(Enum):
    """How far the conversation has come; `commands` says which verb may come when."""

    NEW = auto()
    READY = auto()
    MAIL = auto()
    RECIPIENTS = auto()
    CHUNKS = auto()
    SECURING = auto()
    CLOSED = auto()


class Expects(Enum):
    """What the server waits for; each has its own time limit."""

    COMMAND = auto()
    TEXT = auto()
    ANSWER = auto()
    HANDSHAKE = auto()
