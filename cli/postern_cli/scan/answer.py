"""A verdict as JSON data, one object per case."""

from __future__ import annotations

from typing import Any

from postern import stamping
from postern.model import CheckResult, Disposition, HeaderField
from postern.wire import to_json
from postern_cli.scan.judging import Verdict

AUTHENTICATION_RESULTS = "authentication-results"


def answer(verdict: Verdict) -> dict[str, Any]:
    """The answer to one case; every text is free of lone surrogates."""
    decision = verdict.decision
    headers = (*decision.headers, *verdict.first.headers)
    told: dict[str, Any] = {
        "id": verdict.case.case_id,
        "disposition": verdict.first.disposition.value,
        "dispositions": _dispositions(verdict),
        "score": verdict.first.score / 100,
        "reply": reply_text(verdict),
        "results": {check_id: _result(result) for check_id, result in verdict.judgement.results.items()},
        "authentication_results": _authentication_results(headers),
        "headers": [[one.name, one.value] for one in headers],
        "removed_headers": [[one.name, one.value] for one in removed_headers(verdict)],
        "defects": [_defect(one) for one in verdict.message.defects],
    }
    cleaned: dict[str, Any] = to_json(told)
    return cleaned


def reply_text(verdict: Verdict) -> str:
    """The reply the client would be given, as it is sent."""
    return verdict.decision.reply.encode().decode("ascii").rstrip()


def removed_headers(verdict: Verdict) -> tuple[HeaderField, ...]:
    """The header fields of the message that would be removed at delivery."""
    return stamping.removed_headers(verdict.message, verdict.transaction.site.authserv_id)


def is_delivered(verdict: Verdict) -> bool:
    """Whether the first recipient would find the message in the inbox."""
    return verdict.first.disposition is Disposition.ACCEPT


def _dispositions(verdict: Verdict) -> dict[str, str]:
    """By the recipients as the case spells them."""
    decided = zip(verdict.case.rcpt_to, verdict.decision.recipients, strict=False)
    return {forward_path: one.disposition.value for forward_path, one in decided}


def _authentication_results(headers: tuple[HeaderField, ...]) -> str:
    return next((one.value for one in headers if one.name.lower() == AUTHENTICATION_RESULTS), "")


def _result(result: CheckResult[Any]) -> dict[str, Any]:
    return {
        "result": result.result.value,
        "findings": [
            {"symbol": one.symbol, "score": (one.score or 0) / 100, "detail": one.detail} for one in result.findings
        ],
        "properties": result.properties,
        "reason": result.reason,
    }


def _defect(defect: Any) -> dict[str, str]:
    return {"code": defect.code.value, "detail": defect.detail, "part": defect.path}
