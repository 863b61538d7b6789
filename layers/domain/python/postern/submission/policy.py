"""The policy section `submission`: what is asked of those who send from here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from postern.policy import setting


class OwnAddress(StrEnum):
    """Whether an address that is none of the account's is refused, or only noted in the receipt."""

    REQUIRE = "require"
    OBSERVE = "observe"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionPolicy:
    """What is asked of mail from people who have logged in."""

    author: OwnAddress = setting(
        OwnAddress.REQUIRE, "require refuses a From that is none of the account's addresses, observe only notes it"
    )
    complete: bool = setting(True, "complete a missing Date, Message-ID and the domain of a From that has none")
