"""Whose an address is: what an account may write into the envelope and into From."""

from __future__ import annotations

from enum import StrEnum

from postern import replies
from postern.accounts import Account
from postern.author import extract_author
from postern.message import Message
from postern.recipients import MailPath, canonical_address, canonical_domain
from postern.replies import Reply
from postern.submission.policy import OwnAddress

AUTHOR_NOT_OWN = "SUBMISSION_AUTHOR_NOT_OWN"
"""The observation that the author is none of the account's addresses, where policy lets it pass."""


class AuthorProof(StrEnum):
    """What From says about the account that sends."""

    OWN = "own"
    FOREIGN = "foreign"
    UNCLEAR = "unclear"
    """There is no From, or more than one address can be read from it."""


def owns(account: Account, path: MailPath) -> bool:
    """Whether a path is an address of the account: its own, with or without a tag, or one of its identities."""
    domain = canonical_domain(path.domain or "")
    if not domain:
        return False
    untagged = path.local_part.partition("+")[0] or path.local_part
    spellings = (path.local_part, untagged)
    return any(account.may_send_as(canonical_address(spelling, domain)) for spelling in spellings)


def author_proof(message: Message, account: Account) -> AuthorProof:
    """Whether the author, as the one strict reading finds it, is the account."""
    author = extract_author(message)
    if not author.address:
        return AuthorProof.UNCLEAR
    local_part, _, domain = author.address.rpartition("@")
    return AuthorProof.OWN if owns(account, MailPath(local_part, domain)) else AuthorProof.FOREIGN


def author_refusal(proof: AuthorProof, required: OwnAddress) -> Reply | None:
    """The reply to a message whose author is not the account's; `None` where it may pass."""
    if proof is AuthorProof.OWN or required is OwnAddress.OBSERVE:
        return None
    return replies.AUTHOR_MISSING if proof is AuthorProof.UNCLEAR else replies.AUTHOR_NOT_OWN
