"""The shield's entries as policy stores them: one added, changed or taken away at a time.

PolicyError    a domain or network that is none, or an entry that is not there; the text says what would be right
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from ipaddress import ip_network

from postern.checks.ip_shield import LOCAL_DOMAINS, IpShieldPolicy, ShieldEntry
from postern.mime.domain_labels import to_ascii_domain
from postern.policy import PolicyError, read_section
from postern.policy_book import GLOBAL_SCOPE, check_section
from postern_cli.rows import Row, Rows

SECTION, ATTRIBUTE = "ip_shield", "entries"
KEY: Mapping[str, str] = {"scope": GLOBAL_SCOPE, "section": SECTION}


@dataclass(frozen=True, slots=True)
class StoredShield:
    """The entries in force; `stored` is the attribute as it lies in the table, `None` for the default ones."""

    entries: tuple[ShieldEntry, ...]
    stored: object

    @classmethod
    def of(cls, row: Row) -> StoredShield:
        """The entries of the policy's row. Raises `PolicyError` when they cannot be used."""
        stored = row.get(ATTRIBUTE)
        given = {} if stored is None else {ATTRIBUTE: stored}
        return cls(read_section(IpShieldPolicy, given, SECTION).entries, stored)

    def with_entry(self, entry: ShieldEntry) -> list[ShieldEntry]:
        """The entries with this one in place of what there was for its domain."""
        return [*(one for one in self.entries if one.domain != entry.domain), entry]

    def without(self, domain: str) -> list[ShieldEntry]:
        """The entries without those of a domain. Raises `PolicyError` when there are none."""
        kept = [one for one in self.entries if one.domain != domain]
        if len(kept) == len(self.entries):
            raise PolicyError(f"{domain} is not shielded; postern shield show lists what is")
        return kept

    def of_domain(self, domain: str) -> ShieldEntry | None:
        """The entry of a domain; several are alternatives and become one."""
        found = [one for one in self.entries if one.domain == domain]
        if not found:
            return None
        networks = dict.fromkeys(network for one in found for network in one.networks)
        return ShieldEntry(domain=domain, networks=tuple(networks), enforce=any(one.enforce for one in found))

    def write(self, entries: Iterable[ShieldEntry], rows: Rows) -> None:
        """Store other entries in place of these. Raises `PolicyError`, `ChangedMeanwhile`, `Unavailable`."""
        new: list[dict[str, object]] = [{**asdict(one), "networks": list(one.networks)} for one in entries]
        check_section(GLOBAL_SCOPE, SECTION, {ATTRIBUTE: new})
        rows.replace(KEY, ATTRIBUTE, self.stored, new)


def read_domain(text: str) -> str:
    """`example.com`, `*.example.com` or `@local`, as entries name it. Raises `PolicyError`."""
    if text.strip().lower() == LOCAL_DOMAINS:
        return LOCAL_DOMAINS
    prefix = "*." if text.strip().startswith("*.") else ""
    name = to_ascii_domain(text.strip().removeprefix("*."))
    if not name or "." not in name:
        raise PolicyError(f"{text!r}: a shielded domain is example.com, *.example.com or {LOCAL_DOMAINS}")
    return prefix + name


def read_network(text: str) -> str:
    """An address or network in CIDR form. Raises `PolicyError`."""
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError as wrong:
        raise PolicyError(f"{text!r} is neither an address nor a network such as 192.0.2.0/24") from wrong
    return str(network) if network.num_addresses > 1 else str(network.network_address)
