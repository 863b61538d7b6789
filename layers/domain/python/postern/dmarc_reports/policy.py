"""What a postmaster may set about reports."""

from __future__ import annotations

from dataclasses import dataclass

from postern.policy import Scope, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcReportsPolicy:
    """Reports to the owners of the domains that write to us, and reports about our own domains."""

    count: bool = setting(
        True,
        "count results for reports to domain owners; off for a domain: not its mail",
        scopes=(Scope.GLOBAL, Scope.DOMAIN),
    )
    send: bool = setting(True, "send reports to domain owners, if a key signs mail of the contact's domain")
    org_name: str = setting("", "who reports, as domain owners read it; empty for the domain of the contact")
    contact: str = setting(
        "", "address that reports come from and questions go to; empty for postmaster at the host name"
    )
    extra_contact: str = setting("", "further contact, such as the address of a page")
    suppressed: tuple[str, ...] = setting(
        (), "domains, and addresses such as rua@example.net, that get no report; a domain includes those below it"
    )
    report_mailboxes: tuple[str, ...] = setting(
        (), "addresses at which reports about our own domains arrive; they are read on delivery"
    )
