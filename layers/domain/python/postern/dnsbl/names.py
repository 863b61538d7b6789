"""Which names of a message are worth a question: few, public ones, none of our own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from postern.bayes.organisations import organisation
from postern.dns import is_askable
from postern.dnsbl.name_lists import NameList, NameRole
from postern.networks import IPAddress, is_internal, is_within, known_address
from postern.text.uris import Uri

MAX_LINKS = 200
"""Links of one message that are looked at at all."""

_CLICKED = frozenset({"a", "area", "form", "text", "button"})
"""Elements whose targets people open; those that only load something are asked for after them."""

_UNREACHABLE = frozenset("arpa corp home internal invalid lan local localdomain localhost mail onion private".split())
"""Last labels of names that exist in nobody's public DNS (RFC 6761, 6762, 7686, 8375). Those for documentation are
not among them: they give nothing away."""

HOSTED_BELOW = frozenset(
    (
        "appspot.com azurewebsites.net blob.core.windows.net blogspot.com cloudfront.net cloudfunctions.net"
        " duckdns.org dyndns.org firebaseapp.com github.io gitlab.io glitch.me godaddysites.com herokuapp.com"
        " hopto.org myshopify.com netlify.app ngrok.io no-ip.org onrender.com pages.dev r2.dev repl.co"
        " s3.amazonaws.com square.site squarespace.com tumblr.com vercel.app web.app webflow.io weebly.com"
        " wixsite.com wordpress.com workers.dev"
    ).split()
)
"""Where strangers get a name of their own below somebody else's: the label below it is whom to ask about."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name to ask about: the `host` as it stands in the message, and the part of it that somebody registered."""

    host: str
    registered: str
    role: NameRole

    def subject(self, name_list: NameList) -> str | None:
        """How this list is asked about it; `None` when it is not."""
        if self.role not in name_list.about:
            return None
        address = known_address(self.host)
        if address is None:
            return self.host if name_list.hosts else self.registered
        return ".".join(reversed(str(address).split("."))) if name_list.addresses else None


@dataclass(frozen=True, slots=True)
class Sources:
    """What names a message shows: its author's domains, the reverse-path, what the client calls itself, its links."""

    author_domains: tuple[str, ...] = ()
    reverse_path: str = ""
    helo: str = ""
    uris: tuple[Uri, ...] = ()


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Names that are never asked for: `domains` with all below them, and addresses in our own `networks`."""

    domains: frozenset[str]
    networks: tuple[str, ...] = ()

    def holds(self, host: str) -> bool:
        """Whether this host is one of them, or is in nobody's public DNS."""
        address = known_address(host)
        if address is not None:
            return not _is_public(address) or is_within(address, self.networks)
        labels = host.split(".")
        if len(labels) < 2 or labels[-1] in _UNREACHABLE or not is_askable(host) or not host.isascii():
            return True
        return any(".".join(labels[at:]) in self.domains for at in range(len(labels) - 1))


def not_asked(own: Iterable[str], skipped: Iterable[str], networks: Iterable[str] = ()) -> NotAsked:
    """The names that are never asked for: our own domains, and those that policy skips."""
    domains = (one.lower().strip(".") for one in (*own, *skipped))
    return NotAsked(frozenset(domains), tuple(networks))


def names_to_ask(sources: Sources, left_out: NotAsked, most: int) -> tuple[tuple[Name, ...], bool]:
    """At most so many names, the most telling first and each registered name once per role; whether there were more."""
    found: dict[tuple[str, NameRole], Name] = {}
    more = False
    for host, role in _candidates(sources):
        clean = host.lower().strip(".")
        if left_out.holds(clean):
            continue
        registered = registered_name(clean)
        if (registered, role) in found:
            continue
        if len({known for known, _ in found} | {registered}) > most:
            more = True
            continue
        found[registered, role] = Name(clean, registered, role)
    return tuple(found.values()), more


def registered_name(host: str) -> str:
    """The part of a host name that somebody registered, or was given by a hosting service."""
    if known_address(host) is not None:
        return host
    labels = host.split(".")
    for at in range(1, len(labels) - 1):
        if ".".join(labels[at:]) in HOSTED_BELOW:
            return ".".join(labels[at - 1 :])
    return organisation(host)


def _candidates(sources: Sources) -> Iterator[tuple[str, NameRole]]:
    for domain in sources.author_domains:
        yield domain, NameRole.AUTHOR
    yield sources.reverse_path.rpartition("@")[2], NameRole.REVERSE_PATH
    yield sources.helo, NameRole.HELO
    links = [uri for uri in sources.uris if uri.host and uri.scheme != "mailto"][:MAX_LINKS]
    for uri in sorted(links, key=lambda one: one.element not in _CLICKED):
        yield uri.host, NameRole.LINK


def _is_public(address: IPAddress) -> bool:
    return isinstance(address, IPv4Address) and not is_internal(address)
