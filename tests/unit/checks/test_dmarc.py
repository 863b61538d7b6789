"""The DMARC check: results, what is proposed, and that no trick with the author gives a pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postern import replies
from postern.checks import dmarc
from postern.checks.dmarc import DmarcCheckPolicy, QuarantineAs, RejectWhen
from postern.contract import Required
from postern.evidence import (
    ArcEvidence,
    ArcSeal,
    DkimEvidence,
    DkimSignature,
    DmarcEvidence,
    DmarcPolicy,
    SpfEvidence,
    SpfIdentity,
)
from postern.message import parse_message
from postern.model import CheckResult, Disposition, Proposal, ResultWord
from postern.policy import Mode
from postern.result_size import MAX_RESULT_OCTETS, size_of
from postern.runner import RecordingResolver
from postern.wire import from_json, to_json
from postern.zone import Zone, ZoneResolver
from tests.transactions import make_transaction

PASS, FAIL, TEMPERROR = ResultWord.PASS, ResultWord.FAIL, ResultWord.TEMPERROR
MESSAGE = b"From: Bob <bob@example.com>\r\nSubject: x\r\n\r\nbody\r\n"


def zone(record: str = "v=DMARC1; p=reject", **others: list[str] | str) -> Zone:
    names = {"example_com": [record], **others}
    return {f"_dmarc.{name.replace('_', '.')}": {"TXT": value} for name, value in names.items()}


def required(
    *,
    spf: tuple[str, ResultWord] | None = None,
    dkim: tuple[tuple[str, ResultWord], ...] = (),
    arc: ArcEvidence | None = None,
    without_evidence: tuple[tuple[str, ResultWord], ...] = (),
) -> Required:
    """Evidence by domain and result, or a check's bare result."""
    identity = SpfIdentity(*spf) if spf else SpfIdentity("", ResultWord.NONE)
    signatures = tuple(DkimSignature(domain, "s1", word) for domain, word in dkim)
    found: dict[str, CheckResult[Any]] = {
        "spf": CheckResult("spf", identity.result, evidence=SpfEvidence(identity)),
        "dkim": CheckResult("dkim", FAIL, evidence=DkimEvidence(signatures)),
    }
    if arc:
        found["arc"] = CheckResult("arc", arc.result, evidence=arc)
    found.update((name, CheckResult(name, word)) for name, word in without_evidence)
    return Required(found)


def judge(
    given: Required | None = None,
    records: Zone | None = None,
    raw: bytes = MESSAGE,
    policy: DmarcCheckPolicy | None = None,
) -> CheckResult[DmarcEvidence]:
    return dmarc.evaluate(
        make_transaction(),
        policy=policy or DmarcCheckPolicy(),
        required=given or required(),
        resolver=ZoneResolver(zone() if records is None else records),
        message=parse_message(raw),
    )


def symbols(result: CheckResult[DmarcEvidence]) -> list[str]:
    return [finding.symbol for finding in result.findings]


def evidence(result: CheckResult[DmarcEvidence]) -> DmarcEvidence:
    assert result.evidence is not None
    return result.evidence


# --- alignment ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "record", "word"),
    [
        (required(spf=("example.com", PASS)), "p=reject", PASS),
        (required(spf=("EXAMPLE.com", PASS)), "p=reject", PASS),
        (required(spf=("bounce.example.com", PASS)), "p=reject", PASS),
        (required(spf=("bounce.example.com", PASS)), "p=reject; aspf=s", FAIL),
        (required(spf=("example.com", FAIL)), "p=reject", FAIL),
        (required(spf=("example.com", ResultWord.SOFTFAIL)), "p=reject", FAIL),
        (required(spf=("badexample.com", PASS)), "p=reject", FAIL),
        (required(spf=("com", PASS)), "p=reject", FAIL),
        (required(dkim=(("mail.example.com", PASS),)), "p=reject", PASS),
        (required(dkim=(("mail.example.com", PASS),)), "p=reject; adkim=s", FAIL),
        (required(dkim=(("other.example", PASS), ("example.com", PASS))), "p=reject; adkim=s", PASS),
        (required(dkim=(("example.com", ResultWord.POLICY),)), "p=reject", FAIL),
        (required(dkim=(("example.com", TEMPERROR),)), "p=reject", TEMPERROR),
        (required(dkim=(("mail.example.com", TEMPERROR),)), "p=reject", TEMPERROR),
        (required(dkim=(("other.example", TEMPERROR),)), "p=reject", FAIL),
        (required(spf=("example.com", TEMPERROR), dkim=(("example.com", PASS),)), "p=reject", PASS),
    ],
)
def test_alignment(given: Required, record: str, word: ResultWord) -> None:
    assert judge(given, zone(f"v=DMARC1; {record}")).result is word


def test_a_signature_below_another_organization_of_the_author_is_not_aligned() -> None:
    records = zone(sub_example_com=["v=DMARC1; p=none; psd=n"])
    assert judge(required(dkim=(("mail.sub.example.com", PASS),)), records).result is FAIL


def test_evidence_names_what_aligned() -> None:
    found = evidence(judge(required(spf=("bounce.example.com", PASS), dkim=(("mail.example.com", PASS),))))
    assert (found.aligned_spf, found.aligned_dkim) == ("bounce.example.com", ("mail.example.com",))
    assert (found.author_domain, found.organizational_domain, found.policy_domain) == ("example.com",) * 3
    assert found.requested is DmarcPolicy.REJECT


# --- policy discovery --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "author", "others", "requested"),
    [
        ("p=reject; sp=none; np=none", "example.com", {}, DmarcPolicy.REJECT),
        ("p=reject; sp=quarantine", "sub.example.com", {}, DmarcPolicy.QUARANTINE),
        ("p=reject", "sub.example.com", {}, DmarcPolicy.REJECT),
        ("p=none; sp=none; np=reject", "sub.example.com", {}, DmarcPolicy.REJECT),
        ("p=none; sp=quarantine; np=reject", "sub.example.com", {"sub.example.com": {"A": ["192.0.2.1"]}},
         DmarcPolicy.QUARANTINE),
        ("p=reject; t=y", "example.com", {}, DmarcPolicy.QUARANTINE),
        ("p=reject; sp=quarantine; t=y", "sub.example.com", {}, DmarcPolicy.NONE),
    ],
)  # fmt: skip
def test_what_the_owner_asks_for(record: str, author: str, others: Zone, requested: DmarcPolicy) -> None:
    raw = f"From: bob@{author}\r\n\r\n".encode()
    result = judge(records={**zone(f"v=DMARC1; {record}"), **others}, raw=raw)
    assert (result.result, evidence(result).requested) == (FAIL, requested)


@pytest.mark.parametrize(
    ("records", "word"),
    [
        ({}, ResultWord.NONE),
        (zone("v=DMARC1; adkim=s"), ResultWord.NONE),
        (zone("TIMEOUT"), ResultWord.NONE),
        ({"_dmarc.example.com": {"TXT": "TIMEOUT"}}, TEMPERROR),
        ({"_dmarc.com": {"TXT": "SERVFAIL"}}, TEMPERROR),
        (zone(com="SERVFAIL"), FAIL),
        ({"_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"] * 2}}, ResultWord.NONE),
    ],
)
def test_no_policy_and_no_answer_are_different(records: Zone, word: ResultWord) -> None:
    assert judge(records=records).result is word


def test_an_organization_that_cannot_be_told_leaves_relaxed_alignment_open() -> None:
    records = zone(com="SERVFAIL")
    assert judge(required(dkim=(("mail.example.com", PASS),)), records).result is TEMPERROR
    assert judge(required(dkim=(("example.com", PASS),)), records).result is PASS
    assert judge(required(dkim=(("other.net", PASS),)), records).result is FAIL


def test_the_number_of_questions_is_bounded() -> None:
    deep = ".".join(["x"] * 60) + ".example.com"
    signatures = tuple((f"s{number}.{deep}", PASS) for number in range(8))
    resolver = RecordingResolver(ZoneResolver(zone()))
    dmarc.evaluate(
        make_transaction(),
        policy=DmarcCheckPolicy(),
        required=required(spf=(f"b.{deep}", PASS), dkim=signatures),
        resolver=resolver,
        message=parse_message(MESSAGE),
    )
    assert len(resolver.lookups) <= 40
    assert len({lookup.name for lookup in resolver.lookups}) == len(resolver.lookups)


# --- what is proposed --------------------------------------------------------------------------------------

REASON = "DMARC fail of example.com (p=reject)"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (
            DmarcCheckPolicy(),
            Proposal(
                Disposition.REJECT,
                replies.DMARC_FAILED,
                needs_corroboration=True,
                otherwise=Disposition.QUARANTINE,
                reason=REASON,
            ),
        ),
        (
            DmarcCheckPolicy(reject=RejectWhen.ALWAYS, quarantine=QuarantineAs.JUNK),
            Proposal(Disposition.REJECT, replies.DMARC_FAILED, otherwise=Disposition.JUNK, reason=REASON),
        ),
        (DmarcCheckPolicy(reject=RejectWhen.NEVER), Proposal(Disposition.QUARANTINE, reason=REASON)),
    ],
)
def test_reject(policy: DmarcCheckPolicy, expected: Proposal) -> None:
    result = judge(policy=policy)
    assert result.proposals == (expected,)
    assert symbols(result) == ["DMARC_REJECT"]


def test_quarantine_and_none() -> None:
    result = judge(records=zone("v=DMARC1; p=quarantine"), policy=DmarcCheckPolicy(quarantine=QuarantineAs.JUNK))
    assert [one.disposition for one in result.proposals] == [Disposition.JUNK]
    assert symbols(result) == ["DMARC_QUARANTINE"]
    result = judge(records=zone("v=DMARC1; p=none"))
    assert (result.proposals, symbols(result)) == ((), ["DMARC_FAIL_NONE"])


def test_the_default_mode_is_enforce() -> None:
    assert DmarcCheckPolicy().mode is Mode.ENFORCE


@pytest.mark.parametrize("field", [b"List-Id: <l.example>", b"list-post : <mailto:l@l.example>", b"Mailing-List: x"])
def test_list_traffic_only_scores_and_the_deviation_is_kept(field: bytes) -> None:
    result = judge(raw=field + b"\r\n" + MESSAGE)
    assert (result.result, result.proposals, symbols(result)) == (FAIL, (), ["DMARC_FAIL_LIST"])
    assert result.properties["override"] == "mailing_list"
    strict = judge(raw=field + b"\r\n" + MESSAGE, policy=DmarcCheckPolicy(spare_lists=False))
    assert strict.proposals
    assert strict.properties["override"] is None


def test_a_forged_domain_of_our_own_is_independent_evidence() -> None:
    records = {"_dmarc.receiver.example": {"TXT": ["v=DMARC1; p=reject"]}}
    for author in ("receiver.example", "sub.receiver.example"):
        result = judge(records=records, raw=f"From: ann@{author}\r\n\r\n".encode())
        assert symbols(result) == ["DMARC_REJECT", "DMARC_OWN_DOMAIN"]
    assert next(one for one in dmarc.SPEC.symbols if one.name == "DMARC_OWN_DOMAIN").corroborates
    passed = judge(required(dkim=(("receiver.example", PASS),)), records, raw=b"From: ann@receiver.example\r\n\r\n")
    assert symbols(passed) == ["DMARC_PASS"]


WHOLE_CHAIN = ArcEvidence(
    PASS,
    (ArcSeal(3, "mx.ours.example", "s"), ArcSeal(2, "lists.example", "s", "example.com"), ArcSeal(1, "x.example", "s")),
    whole=True,
)
TRUSTED = DmarcCheckPolicy(trusted_sealers=("MX.ours.example", "lists.example"))


@pytest.mark.parametrize(
    ("chain", "policy", "spared"),
    [
        (WHOLE_CHAIN, TRUSTED, True),
        (WHOLE_CHAIN, DmarcCheckPolicy(), False),
        (WHOLE_CHAIN, DmarcCheckPolicy(trusted_sealers=("lists.example",)), False),
        (WHOLE_CHAIN, DmarcCheckPolicy(trusted_sealers=("mx.ours.example", "x.example")), False),
        (replace(WHOLE_CHAIN, whole=False), TRUSTED, False),
        (replace(WHOLE_CHAIN, result=FAIL), TRUSTED, False),
        (replace(WHOLE_CHAIN, seals=(ArcSeal(1, "lists.example", "s", "other.example"),)), TRUSTED, False),
    ],
)
def test_a_trusted_sealer_that_saw_a_pass_is_believed(
    chain: ArcEvidence, policy: DmarcCheckPolicy, *, spared: bool
) -> None:
    result = judge(required(arc=chain), policy=policy)
    assert result.result is FAIL
    assert (result.properties["override"] == "trusted_forwarder") is spared
    assert symbols(result) == ["DMARC_FAIL_FORWARDED" if spared else "DMARC_REJECT"]
    assert bool(result.proposals) is not spared


@pytest.mark.parametrize(
    ("record", "policy", "override"),
    [
        ("p=reject", DmarcCheckPolicy(), None),
        ("p=reject", DmarcCheckPolicy(reject=RejectWhen.NEVER), "local_policy"),
        ("p=quarantine; t=y", DmarcCheckPolicy(), "policy_test_mode"),
        ("p=none", DmarcCheckPolicy(), None),
    ],
)
def test_overrides_for_the_report(record: str, policy: DmarcCheckPolicy, override: str | None) -> None:
    assert judge(records=zone(f"v=DMARC1; {record}"), policy=policy).properties["override"] == override


def test_a_check_that_was_skipped_cannot_be_held_against_the_author() -> None:
    result = judge(required(without_evidence=(("spf", ResultWord.SKIPPED),)))
    assert (result.result, result.proposals, symbols(result)) == (FAIL, (), ["DMARC_INCOMPLETE"])
    assert result.properties["override"] == "local_policy"


@pytest.mark.parametrize("name", ["spf", "dkim"])
def test_a_check_that_could_not_be_done_leaves_the_result_open(name: str) -> None:
    result = judge(required(without_evidence=((name, TEMPERROR),)))
    assert (result.result, result.proposals, symbols(result)) == (TEMPERROR, (), ["DMARC_TEMPERROR"])


# --- the author --------------------------------------------------------------------------------------------

AUTHENTICATED = required(spf=("evil.example", PASS), dkim=(("evil.example", PASS),))
EVIL_ZONE = {**zone(), "_dmarc.evil.example": {"TXT": ["v=DMARC1; p=none"]}}


@pytest.mark.parametrize(
    "header",
    [
        b"From: bob@example.com\r\nFrom: eve@evil.example\r\n",
        b"From: eve@evil.example\r\nFrom: bob@example.com\r\n",
        b"From: eve@evil.example, bob@example.com\r\n",
        b"From: <eve@evil.example> <bob@example.com>\r\n",
        b"From: eve@evil.example (x) <bob@example.com>\r\n",
        b"From: bob@example.com <eve@evil.example>\r\n",
        b"From: <@example.com:eve@evil.example>\r\n",
        b"From: bob@example.com\0 <eve@evil.example>\r\n",
        b"From: =?utf-8?q?bob=40example.com=3E?= <eve@evil.example>, x\r\n",
        b"From: undisclosed:;\r\n",
        b"From:\r\n",
        b"To: x@y.example\r\n",
        b"From: eve@[192.0.2.1]\r\n",
    ],
)
def test_no_pass_without_one_certain_author_domain(header: bytes) -> None:
    result = judge(AUTHENTICATED, EVIL_ZONE, raw=header + b"Subject: x\r\n\r\n")
    assert result.result is ResultWord.PERMERROR
    assert any(symbol.startswith("DMARC_AUTHOR_") for symbol in symbols(result))
    assert all("header.from" not in dict(method.properties) for method in result.methods)
    assert evidence(result).result is ResultWord.PERMERROR


def test_of_several_authors_the_strictest_policy_that_fails_is_followed() -> None:
    raw = b"From: eve@evil.example, bob@example.com\r\n\r\n"
    result = judge(AUTHENTICATED, EVIL_ZONE, raw=raw)
    assert symbols(result) == ["DMARC_AUTHOR_SEVERAL", "DMARC_REJECT"]
    assert [one.disposition for one in result.proposals] == [Disposition.REJECT]
    assert evidence(result).author_domain == "example.com"


def test_several_addresses_of_one_domain_have_a_result_and_a_finding() -> None:
    raw = b"From: bob@example.com, ann@example.com\r\n\r\n"
    result = judge(required(dkim=(("example.com", PASS),)), raw=raw)
    assert (result.result, symbols(result)) == (PASS, ["DMARC_AUTHOR_SEVERAL", "DMARC_PASS"])
    twice = b"From: bob@example.com\r\nFrom: ann@example.com\r\n\r\n"
    assert judge(required(dkim=(("example.com", PASS),)), raw=twice).result is ResultWord.PERMERROR


def test_a_domain_beyond_ascii_is_looked_up_in_its_a_labels() -> None:
    records = {"_dmarc.xn--bcher-kva.example": {"TXT": ["v=DMARC1; p=reject"]}}
    raw = "From: bob@bücher.example\r\n\r\n".encode()
    assert judge(required(dkim=(("xn--bcher-kva.example", PASS),)), records, raw=raw).result is PASS


# --- what is written ---------------------------------------------------------------------------------------


def test_methods_and_properties() -> None:
    result = judge(required(spf=("other.example", PASS), dkim=(("mail.example.com", PASS),)))
    (method,) = result.methods
    assert method.properties == (("header.from", "example.com"), ("policy.dmarc", "reject"))
    assert result.properties["header.from"] == "example.com"
    assert result.properties["policy"] == "reject"
    assert result.properties["alignment"] == {
        "spf": {
            "aligned": False,
            "mode": "relaxed",
            "identifiers": [
                {
                    "domain": "other.example",
                    "result": "pass",
                    "aligned": False,
                    "organizational_domain": "",
                    "selector": "",
                }
            ],
        },
        "dkim": {
            "aligned": True,
            "mode": "relaxed",
            "identifiers": [
                {
                    "domain": "mail.example.com",
                    "result": "pass",
                    "aligned": True,
                    "organizational_domain": "example.com",
                    "selector": "s1",
                }
            ],
        },
    }


def test_the_result_stays_small_and_survives_the_wire() -> None:
    long = ".".join(["x" * 60] * 3) + ".example.com"
    signatures = tuple((f"{number}.{long}", PASS) for number in range(8))
    record = "v=DMARC1; p=reject; rua=" + ",".join(f"mailto:{'a' * 300}@{n}.example" for n in range(9))
    result = judge(required(spf=(long, PASS), dkim=signatures), zone(record))
    assert size_of(result) - size_of(result.properties) <= MAX_RESULT_OCTETS
    assert from_json(CheckResult, to_json(result), evidence=DmarcEvidence).evidence == result.evidence
