"""The protected domains as policy stores them: one added, changed or taken away at a time.

PolicyError    a domain that cannot be protected or is not; the text says why
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from postern.backscatter.domains import ProtectedDomain
from postern.checks.backscatter import BackscatterPolicy
from postern.policy import PolicyError, attributes, read_section
from postern.policy_book import GLOBAL_SCOPE, check_section
from postern_cli.rows import Row, Rows

SECTION, ATTRIBUTE = "backscatter", "domains"
KEY: Mapping[str, str] = {"scope": GLOBAL_SCOPE, "section": SECTION}


@dataclass(frozen=True, slots=True)
class StoredProtection:
    """The section in force, and the attribute as it lies in the table, `None` when it is not set."""

    policy: BackscatterPolicy
    stored: object

    @classmethod
    def of(cls, row: Row) -> StoredProtection:
        """What the policy's row says. Raises `PolicyError` when it cannot be used."""
        section = {name: value for name, value in row.items() if name in attributes(BackscatterPolicy)}
        return cls(read_section(BackscatterPolicy, section, SECTION), row.get(ATTRIBUTE))

    def with_domain(self, entry: ProtectedDomain) -> list[ProtectedDomain]:
        """The domains with this one in place of what there was."""
        return [*(one for one in self.policy.domains if one.domain != entry.domain), entry]

    def without(self, domain: str) -> list[ProtectedDomain]:
        """The domains without one. Raises `PolicyError` when it is not among them."""
        kept = [one for one in self.policy.domains if one.domain != domain]
        if len(kept) == len(self.policy.domains):
            raise PolicyError(f"{domain} is not protected; postern backscatter show lists what is")
        return kept

    def write(self, domains: Iterable[ProtectedDomain], rows: Rows) -> None:
        """Store other domains in place of these. Raises `PolicyError`, `ChangedMeanwhile`, `Unavailable`."""
        new: list[dict[str, object]] = [{**asdict(one), "route": one.route.value} for one in domains]
        check_section(GLOBAL_SCOPE, SECTION, {ATTRIBUTE: new})
        rows.replace(KEY, ATTRIBUTE, self.stored, new or None)
