"""One attempt to hand a copy on by SMTP: the servers that may take it are tried in their order, until one settles it.

A server that cannot be reached, does not want us, or says "later" leaves it to the next one (RFC 5321 §5.1). One that
may have taken the message, and did not say so, does not: the message would come twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from postern.outgoing.target import RelayTarget
from postern.ports import Unavailable
from postern_aws.relay_rows import RelayCopy
from postern_frontend.relay.answer import MAX_TEXT, Answer, Outcome, deferred
from postern_frontend.relay.conversation import hand_over
from postern_frontend.relay.links import CannotConnect, LinkRefused, Links
from postern_frontend.relay.smtp_client import Server

BEGIN_SECONDS = 240
"""No further server is tried after this time; the lease of the row has to last for the one that is."""

PER_HOST = 4
_BUSY = Answer(Outcome.DEFERRED, "there are as many connections to this server as policy allows", soon=True)


@dataclass(frozen=True, slots=True)
class NextHop:
    """A server that may take a copy. Without addresses, its name is looked up as the system does."""

    target: RelayTarget
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SmtpSender:
    """Makes attempts."""

    links: Links
    seconds: Callable[[], float] = field(default=time.monotonic)

    def attempt(self, copy: RelayCopy, message: bytes, hops: Sequence[NextHop], per_host: int = PER_HOST) -> Answer:
        """Hand a copy on, once. Raises nothing that a server can cause. There is at least one hop."""
        end = self.seconds() + BEGIN_SECONDS
        answer = deferred("no server could be tried in time")
        for hop in hops:
            if self.seconds() > end:
                break
            answer = self._within_limit(copy, message, hop, per_host, end)
            if answer.outcome is not Outcome.DEFERRED or answer.is_unsure:
                break
        return answer

    def close_idle(self, seconds: float = 0) -> None:
        """Say goodbye on the connections that nobody needed for so long."""
        self.links.close_idle(seconds)

    def _within_limit(self, copy: RelayCopy, message: bytes, hop: NextHop, per_host: int, end: float) -> Answer:
        if not self.links.enter(hop.target, per_host):
            return _BUSY
        try:
            return self._by_hop(copy, message, hop, end)
        finally:
            self.links.exit(hop.target)

    def _by_hop(self, copy: RelayCopy, message: bytes, hop: NextHop, end: float) -> Answer:
        """By the first address at which somebody answers."""
        answer = deferred("nobody could be asked in time")
        for address in hop.addresses or ("",):
            if self.seconds() > end:
                break
            said_by = str(Server(hop.target.host, hop.target.port, address))
            try:
                with self.links.lend(hop.target, address) as link:
                    return replace(hand_over(link, copy, message), host=said_by)
            except CannotConnect as trouble:
                answer = deferred(f"{said_by}: {trouble}")
            except LinkRefused as trouble:
                return Answer(Outcome.DEFERRED, str(trouble)[:MAX_TEXT], said_by)
            except Unavailable as trouble:
                return deferred(str(trouble))
        return answer
