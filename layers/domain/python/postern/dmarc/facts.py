"""What is known of a DMARC verdict, as plain data: for people, and for the report to the domain owner (RFC 9990)."""

from __future__ import annotations

from postern.dmarc.records import DmarcRecord
from postern.dmarc.verdict import DmarcVerdict, Identifier
from postern.wire import truncate

MAX_TEXT = 300
MAX_REPORT_URIS = 3


def facts_of(verdict: DmarcVerdict) -> dict[str, object]:
    """The verdict as JSON values; `policy` is what the owner asks for after `sp`, `np` and `t`."""
    return {
        "header.from": verdict.author_domain,
        "policy": verdict.requested.value if verdict.requested else None,
        "domains": {
            "author": verdict.author_domain,
            "organizational": verdict.organizational_domain,
            "policy": verdict.policy_domain,
        },
        "alignment": _alignment(verdict),
        "record": truncate(verdict.record.text, MAX_TEXT) if verdict.record else "",
        "published": _published(verdict.record) if verdict.record else None,
    }


def _alignment(verdict: DmarcVerdict) -> dict[str, object]:
    """Per mechanism: whether it aligned, how strictly that was asked for, and what was compared."""
    record = verdict.record
    strict = {"spf": bool(record and record.strict_spf), "dkim": bool(record and record.strict_dkim)}
    return {
        mechanism: {
            "aligned": bool(verdict.aligned(mechanism)),
            "mode": "strict" if strict[mechanism] else "relaxed",
            "identifiers": [_identifier(one) for one in verdict.identifiers if one.mechanism == mechanism],
        }
        for mechanism in ("spf", "dkim")
    }


def _identifier(one: Identifier) -> dict[str, object]:
    return {
        "domain": truncate(one.domain, MAX_TEXT),
        "result": one.result.value,
        "aligned": one.aligned,
        "organizational_domain": one.organizational_domain,
        "selector": one.selector,
    }


def _published(record: DmarcRecord) -> dict[str, object]:
    """The published policy as an aggregate report repeats it."""
    wishes = {"p": record.policy, "sp": record.subdomain_policy, "np": record.nonexistent_policy}
    return {
        **{name: wish.value for name, wish in wishes.items() if wish},
        "adkim": "s" if record.strict_dkim else "r",
        "aspf": "s" if record.strict_spf else "r",
        "fo": truncate(record.failure_options, 20),
        "testing": record.testing,
        "rua": [truncate(uri, MAX_TEXT) for uri in record.report_uris[:MAX_REPORT_URIS]],
    }
