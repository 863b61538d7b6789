"""The Received-SPF header field (RFC 7208 §9.1). What a sender controls stands only in quoted strings."""

from __future__ import annotations

import re

from postern.model import HeaderField, ResultWord
from postern.spf.evaluator import Verdict
from postern.spf.identity import SpfRequest

NAME = "Received-SPF"
MAX_VALUE_LENGTH = 200

_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*+")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_COMMENTS = {
    ResultWord.PASS: "the domain permits this client",
    ResultWord.FAIL: "the domain does not permit this client",
    ResultWord.SOFTFAIL: "the domain probably does not permit this client",
    ResultWord.NEUTRAL: "the domain does not say whether it permits this client",
    ResultWord.NONE: "the domain has no policy",
    ResultWord.TEMPERROR: "the policy could not be looked up",
    ResultWord.PERMERROR: "the policy cannot be interpreted",
}


def received_spf(request: SpfRequest, verdict: Verdict, identity: str, envelope_from: str) -> HeaderField:
    """The field for one identity, `mailfrom` or `helo`; `envelope_from` is the reverse-path, empty for `<>`."""
    pairs = {
        "client-ip": str(request.client_ip),
        "envelope-from": envelope_from,
        "helo": request.helo_identity,
        "receiver": request.receiver,
        "identity": identity,
        "mechanism": verdict.mechanism,
        "problem": verdict.problem,
    }
    always = ("client-ip", "envelope-from", "helo", "identity")
    written = "; ".join(f"{key}={_value(text)}" for key, text in pairs.items() if text or key in always)
    return HeaderField(NAME, f"{verdict.result.value} ({_COMMENTS[verdict.result]}) {written}")


def _value(text: str) -> str:
    """A dot-atom as it is, anything else as a quoted string of printable ASCII."""
    clean = _UNPRINTABLE.sub("?", text[:MAX_VALUE_LENGTH])
    if _DOT_ATOM.fullmatch(clean):
        return clean
    escaped = clean.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
