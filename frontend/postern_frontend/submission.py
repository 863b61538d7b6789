"""Submission as one session sees it: who has logged in, what that account may send, what is completed in its mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from postern import replies
from postern.accounts import Account
from postern.message import parse_message
from postern.model import Direction
from postern.ports import SiteSource, Unavailable
from postern.replies import Reply
from postern.submission.completion import Completed, Completion, Facts, complete
from postern.submission.ownership import AUTHOR_NOT_OWN, AuthorProof, author_proof, author_refusal
from postern.submission.policy import SubmissionPolicy
from postern_frontend.envelope_rules import SubmissionRules
from postern_frontend.hops import header_section
from postern_frontend.identifiers import new_id
from postern_frontend.login import Logins
from postern_frontend.pools import Runner
from postern_frontend.screening.session import SessionScreen
from postern_frontend.session_log import SessionLog
from postern_frontend.smtp.events import LoginGiven
from postern_frontend.spool import SpoolFullError
from postern_frontend.transaction import ReceivedMessage

LONG_HEADER_OCTETS = 65_536
"""A header of up to so much is read in a few milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What the sessions of all submission listeners share. `run` reads long headers without blocking the others."""

    logins: Logins
    run: Runner
    policy: Callable[[], SubmissionPolicy]
    sites: SiteSource
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Submitter:
    """One client of a submission listener. `account` is whose it is, once it has logged in."""

    def __init__(self, submission: Submission, client_ip: str | None, screen: SessionScreen, log: SessionLog) -> None:
        self.account: Account | None = None
        self._submission = submission
        self._client_ip = client_ip
        self._screen = screen
        self._log = log

    async def log_in(self, given: LoginGiven) -> Reply:
        """The reply to AUTH."""
        login = await self._submission.logins.try_login(given, self._client_ip, self._screen, self._log)
        self.account = login.account
        return login.reply

    @property
    def rules(self) -> SubmissionRules | None:
        """The rules of its envelopes, once it has logged in."""
        return SubmissionRules(self._submission.sites, self.account) if self.account else None

    async def examine(self, message: ReceivedMessage) -> ReceivedMessage | Reply:
        """The message as it goes its way, outward and completed, or why it does not; never raises `Unavailable`.

        A completed message lies in another spool; the old one is the caller's to close.
        """
        header = header_section(message.spool)
        if header is None:
            return replies.HEADER_TOO_LARGE
        if self.account is None:
            return replies.LOGIN_REQUIRED
        policy = self._submission.policy()
        # With the empty line, so that the header ends here for the parser as it does in the whole message.
        head = message.spool.head(len(header) + 2)
        try:
            completion, proof = await self._read(head, self.account, policy)
        except Unavailable as trouble:
            self._log.warning("message deferred", reason=str(trouble))
            return replies.LOCAL_TROUBLE
        refusal = author_refusal(proof, policy.author)
        if refusal is not None:
            self._log.info("author refused", account=self.account.address, proof=proof)
            return refusal
        noted = () if proof is AuthorProof.OWN else (AUTHOR_NOT_OWN,)
        outward = replace(
            message,
            direction=Direction.OUTBOUND,
            observations=(*message.observations, *completion.done, *noted),
        )
        return await _with_head(outward, len(head), completion)

    async def _read(self, head: bytes, account: Account, policy: SubmissionPolicy) -> tuple[Completion, AuthorProof]:
        """The completed header, and who its author is. Raises `Unavailable` when long ones wait already."""

        def read() -> tuple[Completion, AuthorProof]:
            completion = self._completed(head, account) if policy.complete else Completion(head)
            return completion, author_proof(parse_message(completion.head), account)

        return read() if len(head) <= LONG_HEADER_OCTETS else await self._submission.run(read)

    def _completed(self, head: bytes, account: Account) -> Completion:
        now = self._submission.now()
        message_id = f"{new_id(now)}@{self._submission.sites.site().hostname}"
        return complete(head, Facts(now, message_id, account.address.rpartition("@")[2]))


async def _with_head(message: ReceivedMessage, octets: int, completion: Completion) -> ReceivedMessage | Reply:
    if not completion.done:
        return message
    try:
        spool = await message.spool.with_head(octets, completion.head)
    except SpoolFullError:
        return replies.INSUFFICIENT_STORAGE
    # Who says when a message was written is known again when it comes twice. Without that, a second message of the
    # same words is a second message: programs send such ones every hour.
    known_again = Completed.DATE not in completion.done
    return replace(message, spool=spool, identity=message.spool.sha256() if known_again else "")
