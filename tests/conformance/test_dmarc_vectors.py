"""The DMARC tests of mailauth, all through the check itself, with SPF's and DKIM's evidence as they state it.

53 of the cases carry the result of mailauth, which finds organizational domains by the public suffix list; twelve are
what RFC 9989 demands and mailauth does not do yet. What RFC 9989 took away (`pct`) is not reported; a bare domain as
`headerFrom` stands for an author in that domain; a From with several addresses has no result there, `none` here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from postern.checks import dmarc
from postern.contract import Required
from postern.evidence import DkimEvidence, DkimSignature, SpfEvidence, SpfIdentity
from postern.message import parse_message
from postern.model import CheckResult, ResultWord
from postern.ports import Resolver
from postern.runner import RecordingResolver
from postern.zone import ZoneResolver
from postern_aws.dns import NameServers, SystemResolver
from tests.dns_server import DnsServer, serve
from tests.material import vectors
from tests.transactions import make_transaction

Case = dict[str, Any]
CASES: list[Case] = json.loads(vectors("dmarc", "mailauth-dmarc.json").read_text("utf-8"))
STATED = [case for case in CASES if case["upstream_status"] == "passing"]
DEMANDED = [case for case in CASES if case["upstream_status"] != "passing"]
FAILURES = {"ETIMEOUT": "TIMEOUT", "ESERVFAIL": "SERVFAIL"}


def zone_of(case: Case) -> dict[str, dict[str, list[str] | str]]:
    """The case's zone in our form; a name that only has an error of the kind "not found" is left out."""
    zone: dict[str, dict[str, list[str] | str]] = {}
    for name, types in case["zone"].items():
        records: dict[str, list[str] | str] = {
            kind: [record_text(kind, value) for value in values] for kind, values in types.items() if kind != "_error"
        }
        records.update((kind, FAILURES[word]) for kind, word in types.get("_error", {}).items() if word in FAILURES)
        if records:
            zone[name] = records
    return zone


def record_text(kind: str, value: Any) -> str:
    if kind == "TXT":
        return "".join(value)
    return f"{value['priority']} {value['exchange']}" if kind == "MX" else str(value)


def authors_of(case: Case) -> list[str]:
    written = case["input"]["headerFrom"]
    addresses = written if isinstance(written, list) else [written]
    return [address if "@" in address else f"user@{address}" for address in addresses]


def evidence_of(case: Case) -> Required:
    """SPF and DKIM results as evidence; several SPF domains do not occur."""
    given = case["input"]
    signatures = tuple(
        DkimSignature(domain_of(item), "s", ResultWord.PASS, unsigned_octets=unsigned_of(item))
        for item in given["dkimDomains"]
    )
    spf = [SpfIdentity(domain_of(item), ResultWord.PASS) for item in given["spfDomains"]]
    identity = spf[0] if spf else SpfIdentity("", ResultWord.NONE)
    return Required(
        {
            "spf": CheckResult("spf", identity.result, evidence=SpfEvidence(identity)),
            "dkim": CheckResult("dkim", ResultWord.PASS, evidence=DkimEvidence(signatures)),
        }
    )


def domain_of(item: Any) -> str:
    return str(item["domain"] if isinstance(item, dict) else item)


def unsigned_of(item: Any) -> int:
    return int(item.get("underSized", 0)) if isinstance(item, dict) else 0


def judge(case: Case) -> tuple[CheckResult[Any], list[str]]:
    """The check's result and the names of the DMARC records it asked for."""
    return judge_with(case, ZoneResolver(zone_of(case)))


def judge_with(case: Case, inner: Resolver) -> tuple[CheckResult[Any], list[str]]:
    resolver = RecordingResolver(inner)
    raw = f"From: {', '.join(authors_of(case))}\r\nSubject: x\r\n\r\n".encode()
    result = dmarc.evaluate(
        make_transaction(),
        policy=dmarc.DmarcCheckPolicy(),
        required=evidence_of(case),
        resolver=resolver,
        message=parse_message(raw),
    )
    return result, [lookup.name for lookup in resolver.lookups if lookup.rdtype == "TXT"]


def test_the_suite_is_complete() -> None:
    assert (len(STATED), len(DEMANDED)) == (53, 12)


@pytest.mark.parametrize("case", STATED, ids=lambda case: case["test"])
def test_results_agree_with_mailauth(case: Case) -> None:
    result, _ = judge(case)
    upstream = case["upstream_result"]
    if upstream is False:
        assert result.result is ResultWord.NONE
        return
    assert result.result == upstream["status"]["result"]
    assert result.properties["policy"] == upstream.get("policy")
    for mechanism, alignment in upstream.get("alignment", {}).items():
        ours = alignment_of(result, mechanism)
        assert ours["aligned"] is bool(alignment.get("result"))
        assert (ours["mode"] == "strict") is alignment["strict"]


def alignment_of(result: CheckResult[Any], mechanism: str) -> dict[str, Any]:
    alignment = result.properties["alignment"]
    assert isinstance(alignment, dict)
    found = alignment[mechanism]
    assert isinstance(found, dict)
    return found


def organizational_domain(result: CheckResult[Any], mechanism: str | None = None) -> object:
    """Of the author, or of the aligned identifier of a mechanism; `None` when none is aligned."""
    if mechanism is None:
        return result.evidence.organizational_domain if result.evidence else None
    identifiers = alignment_of(result, mechanism)["identifiers"]
    return next((one["organizational_domain"] for one in identifiers if one["aligned"]), None)


def test_a_real_name_server_makes_no_difference() -> None:
    for case in CASES:
        expected, asked = judge(case)
        with serve(DnsServer(zone_of(case), ttl=0)) as server:  # answers are remembered per port
            resolver = SystemResolver(None, NameServers(("127.0.0.1",), server.port), 0.3, 0.3)
            result, asked_there = judge_with(case, resolver)
        assert (result.result, result.properties, asked_there) == (expected.result, expected.properties, asked)


ASSERTIONS: list[tuple[str, Callable[[CheckResult[Any]], object]]] = [
    (r"result\.status\.result\)\.to\.equal\('(.+)'\)", lambda result: result.result.value),
    (r"result\.policy\)\.to\.equal\('(.+)'\)", lambda result: result.properties["policy"]),
    (r"result\.domain\)\.to\.equal\('(.+)'\)", organizational_domain),
    (r"alignment\.spf\.result\)\.to\.equal\('(.+)'\)", lambda result: organizational_domain(result, "spf")),
]


@pytest.mark.parametrize("case", DEMANDED, ids=lambda case: case["test"])
def test_rfc_9989_demands(case: Case) -> None:
    result, asked = judge(case)
    for line in case["upstream_asserts"]:
        assert_holds(line, result, asked)


def assert_holds(line: str, result: CheckResult[Any], asked: list[str]) -> None:
    """One assertion of mailauth, said about our result. An assertion of an unknown form fails the test."""
    if "dmarcQueries" in line:
        assert asked == re.findall(r"'([^']+)'", line)
    elif "have.property('pct')" in line:
        assert "pct" not in str(result.properties["published"])
    elif "alignment.dkim.result).to.not.be.ok" in line:
        assert not alignment_of(result, "dkim")["aligned"]
    else:
        found = [(re.search(pattern, line), value) for pattern, value in ASSERTIONS]
        ((match, value),) = [(match, value) for match, value in found if match]
        assert value(result) == match[1]
