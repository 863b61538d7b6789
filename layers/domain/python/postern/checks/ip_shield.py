"""The IP shield: mail in the name of a shielded domain is honoured only from the addresses the domain sends from.

Each entry says for one domain which networks may use it in a reverse-path. What proves otherwise that the domain
sent the message, an aligned SPF or DKIM pass, lifts the shield: list copies, web hosts and services send that way.

Our own domains have one rule more: what comes in their name from outside, unproven, is refused, since people of ours
log in to send. Only here is known what SPF and DKIM say, which is why MAIL itself is not refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from postern import replies
from postern.author import extract_author
from postern.contract import CheckSpec, Needs, NoEvidence, Phase, Required, symbol
from postern.evidence import DkimEvidence, SpfEvidence
from postern.message import Message
from postern.mime.domain_labels import to_ascii_domain
from postern.model import CheckResult, Disposition, Finding, Proposal, ResultWord, Transaction
from postern.networks import is_network, is_within, known_address
from postern.policy import CheckPolicy, Mode, PolicyError, setting

CHECK_ID = "ip_shield"
LOCAL_DOMAINS = "@local"
VIOLATION, AUTHOR_VIOLATION = "SHIELD_VIOLATION", "SHIELD_AUTHOR_VIOLATION"
BYPASSED, HONOURED = "SHIELD_BYPASSED", "SHIELD_HONOURED"

PRIVATE_NETWORKS = ("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")


class LocalReversePath(StrEnum):
    """What becomes of unproven mail from outside whose reverse-path is in a domain of ours."""

    REQUIRE_AUTH = "require_auth"
    OBSERVE = "observe"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShieldEntry:
    """One shielded domain: `example.com`, `*.example.com` for everything below it, or `@local` for our own domains."""

    domain: str = setting(LOCAL_DOMAINS, "the shielded domain, *.domain for those below it, or @local for our own")
    networks: tuple[str, ...] = setting((), "addresses and networks that may use it, in CIDR form")
    enforce: bool = setting(False, "refuse what comes from elsewhere instead of scoring it")

    def __post_init__(self) -> None:
        """Refuse what would never match: an entry with a slip in a network shields the domain from its own servers."""
        for network in self.networks:
            if not is_network(network):
                raise PolicyError(f"{network!r} is neither an address nor a network such as 192.0.2.0/24")


@dataclass(frozen=True, slots=True, kw_only=True)
class IpShieldPolicy(CheckPolicy):
    """Settings of the IP shield. What an entry does not enforce is scored."""

    mode: Mode = setting(Mode.ENFORCE, "off, observe, score or enforce")
    entries: tuple[ShieldEntry, ...] = setting(
        (ShieldEntry(domain=LOCAL_DOMAINS, networks=PRIVATE_NETWORKS),), "the shielded domains and their networks"
    )
    local_reverse_path: LocalReversePath = setting(
        LocalReversePath.REQUIRE_AUTH,
        "require_auth refuses unproven mail from outside in the name of our domains, observe only scores it",
    )
    bypass_aligned: bool = setting(True, "an aligned SPF or DKIM pass of the same domain lifts the shield")
    bypass_local_recipients: bool = setting(False, "the shield does not hold for mail to local recipients only")
    check_author: bool = setting(False, "hold the author domain to the entries as well; breaks mailing lists")


SPEC = CheckSpec(
    check_id=CHECK_ID,
    title="IP shield",
    phase=Phase.CONTENT,
    policy=IpShieldPolicy,
    evidence=NoEvidence,
    symbols=(
        symbol(
            VIOLATION, 4.0, "the reverse-path's domain is shielded and this client may not use it", corroborates=True
        ),
        symbol(AUTHOR_VIOLATION, 3.0, "the author's domain is shielded and this client may not use it"),
        symbol(BYPASSED, 0, "a shielded domain from elsewhere, but proven by an aligned pass"),
        symbol(HONOURED, 0, "a shielded domain from an address that may use it"),
    ),
    requires=("spf", "dkim"),
    needs=frozenset({Needs.MESSAGE}),
)


def evaluate(
    transaction: Transaction, *, policy: IpShieldPolicy, required: Required, message: Message
) -> CheckResult[NoEvidence]:
    """`fail` when a shielded domain comes from elsewhere, `pass` when it may, `none` when no domain is shielded."""
    if transaction.client_ip is None or _is_spared(transaction, policy):
        return CheckResult(CHECK_ID, ResultWord.NONE, reason="the shield does not apply to this transaction")
    judgements = [
        _judge(name, VIOLATION, transaction, policy, required) for name in _reverse_path_domains(transaction)
    ] + [
        _judge(name, AUTHOR_VIOLATION, transaction, policy, required)
        for name in (extract_author(message).candidate_domains if policy.check_author else ())
    ]
    findings = [(finding, entry) for finding, entry in judgements if finding is not None]
    broken = [(finding, entry) for finding, entry in findings if finding.symbol in (VIOLATION, AUTHOR_VIOLATION)]
    word = ResultWord.FAIL if broken else ResultWord.PASS if findings else ResultWord.NONE
    return CheckResult(
        CHECK_ID,
        word,
        findings=tuple(finding for finding, _ in findings),
        proposals=(
            *(_refusal(finding) for finding, entry in broken if entry and entry.enforce),
            *_login_needed(transaction, policy, required),
        ),
        reason="; ".join(finding.detail for finding, _ in broken),
        properties={"client_ip": transaction.client_ip},
    )


def _is_spared(transaction: Transaction, policy: IpShieldPolicy) -> bool:
    local = set(transaction.site.local_domains)
    recipients = [one.address.rpartition("@")[2].lower() for one in transaction.recipients]
    return policy.bypass_local_recipients and bool(recipients) and local.issuperset(recipients)


def _reverse_path_domains(transaction: Transaction) -> Iterator[str]:
    name = to_ascii_domain((transaction.reverse_path or "").rpartition("@")[2])
    if name:
        yield name


def _judge(
    name: str, broken: str, transaction: Transaction, policy: IpShieldPolicy, required: Required
) -> tuple[Finding | None, ShieldEntry | None]:
    """What the entries say of one domain; several entries for a domain are alternatives."""
    entries = [entry for entry in policy.entries if _shields(entry, name, transaction)]
    address = known_address(transaction.client_ip)
    if not entries or address is None:
        return None, None
    if any(is_within(address, entry.networks) for entry in entries):
        return Finding(HONOURED, name), entries[0]
    proof = _aligned_pass(name, required) if policy.bypass_aligned else ""
    if proof:
        return Finding(BYPASSED, f"{name}: {proof}"), entries[0]
    strictest = max(entries, key=lambda entry: entry.enforce)
    return Finding(broken, f"{name} from {transaction.client_ip}"), strictest


def _login_needed(transaction: Transaction, policy: IpShieldPolicy, required: Required) -> Iterator[Proposal]:
    """The refusal of mail that people of ours would have logged in for.

    When SPF or DKIM could not be asked nobody is refused: the proof may be there.
    """
    address = known_address(transaction.client_ip)
    if policy.local_reverse_path is not LocalReversePath.REQUIRE_AUTH or address is None:
        return
    if ResultWord.TEMPERROR in (required.result("spf"), required.result("dkim")):
        return
    for name in _reverse_path_domains(transaction):
        entries = (entry for entry in policy.entries if _shields(entry, name, transaction))
        inside = (*(network for entry in entries for network in entry.networks), *transaction.site.trusted_forwarders)
        is_ours = name in transaction.site.local_domains
        if is_ours and not is_within(address, inside) and not _aligned_pass(name, required):
            reason = f"{name} from {transaction.client_ip} without a login"
            yield Proposal(Disposition.REJECT, replies.REVERSE_PATH_NEEDS_AUTH, reason=reason)


def _shields(entry: ShieldEntry, name: str, transaction: Transaction) -> bool:
    pattern = entry.domain.lower()
    if pattern == LOCAL_DOMAINS:
        return name in transaction.site.local_domains
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern


def _aligned_pass(name: str, required: Required) -> str:
    """What proves that the domain sent the message; empty when nothing does."""
    spf = required.evidence("spf", SpfEvidence)
    if spf and spf.mail_from.result is ResultWord.PASS and spf.mail_from.domain.lower() == name:
        return "SPF passed"
    dkim = required.evidence("dkim", DkimEvidence)
    for signing_domain in dkim.passing_domains() if dkim else ():
        if _same_or_related(signing_domain.lower(), name):
            return f"DKIM passed for {signing_domain}"
    return ""


def _same_or_related(signing_domain: str, name: str) -> bool:
    """Relaxed alignment without asking who is organized under whom: the same name, or one above the other."""
    if "." not in signing_domain or "." not in name:
        return False
    return signing_domain == name or signing_domain.endswith(f".{name}") or name.endswith(f".{signing_domain}")


def _refusal(finding: Finding) -> Proposal:
    return Proposal(Disposition.REJECT, replies.SHIELDED, reason=f"shield: {finding.detail}")
