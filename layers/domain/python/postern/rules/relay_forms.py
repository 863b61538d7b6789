"""The forms in which mail servers write the `from` part of a Received field, most telling first.

Each form is a pattern over the field after `from `, with groups named for what they give: `helo`, `rdns`, `ip`, `by`,
`ident`, `both` (the name is what the server looked up, and stands for the HELO too), `note` (a comment with `helo=` and
`ident=` in it). `looked_up` says that the server looks names up: an empty `rdns` then means that there is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
IPV4 = rf"\b(?:{_OCTET}\.){{3}}{_OCTET}\b"
_IPV6 = r"(?:IPv6:)?(?=[0-9A-Fa-f:.]{2,46}\b)(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?"
ADDRESS = rf"(?:{IPV4}|{_IPV6})"


@dataclass(frozen=True, slots=True)
class Form:
    """One form: tried when `hint` occurs in the field (`""`: always)."""

    pattern: re.Pattern[str]
    looked_up: bool = False
    hint: str = ""
    only_if: re.Pattern[str] | None = None


def _form(text: str, *, looked_up: bool = False, hint: str = "", unless: str = "") -> Form:
    spelled = text.replace("{ip}", f"(?P<ip>{ADDRESS})").replace("{address}", ADDRESS)
    for name in ("helo", "rdns", "both", "by"):
        spelled = spelled.replace("{" + name + "}", rf"(?P<{name}>\S+)")
    condition = re.compile(f"(?!.*{unless})", re.DOTALL) if unless else None
    return Form(re.compile(spelled), looked_up, hint, condition)


_SENDMAIL_QMAIL = r" by \S+ \(qmail-\S+\) with "

FORMS: tuple[Form, ...] = (
    _form(r".*?{ip}\b(?![.-]).{10,80}by {by} with HTTP", hint="Mail authenticated user "),
    _form(r"(?P<helo>\S*) \(\[{ip}\][^)]{0,40}\) by {by} with Microsoft SMTPSVC", hint=" SMTPSVC"),
    _form(
        r"{helo} \(\[?{ip}(?:%[A-Z0-9._~-]*)?\]?\) by {by} .*with (?:Microsoft SMTP Server|mapi id) ",
        hint=" with M",
    ),
    _form(r"{helo} \(\[?{ip}(?:%[A-Z0-9._~-]*)?\]?\) by {by} .*with mapi id ", hint=" with mapi"),
    _form(r"{helo} \(\[?{ip}\]?:\d+\) by {by}(?: \(\S+\))? with \[XMail", hint="[XMail "),
    _form(r"\(\[{ip}:\d+\] helo=(?P<helo>[^\s)]+)\) by {by} ", hint="(ecelerity"),
    _form(r"\S+ \(\[{ip}:\d+\]\) by {by} ", hint="(ecelerity"),
    _form(r"\[{ip}\] \((?P<note>.*?)\) by {by} ", hint="Exim"),
    _form(r"{both} \(\[{ip}\](?P<note>.*?)\) by {by} ", hint="Exim"),
    _form(r"{both} \[{ip}\](?::\d+)? by {by} ", hint="Exim"),
    _form(r"{helo} \({rdns} \[{ip}\]\) by {by} ", looked_up=True, hint=" (Postfix) with"),
    _form(r"{helo} \((?P<rdns>\S+?)\[{ip}\]\) by {by} ", looked_up=True, hint=" (Postfix) with"),
    _form(r"{helo} \( ?{ip}\) by {by}", hint="(Scalix SMTP Relay"),
    _form(r"{helo} \(\[{ip}\]\) by {by} \(Lotus", hint=" (Lotus Domino "),
    _form(r"{ip} \(\[{address}\]\) by {by}", hint="with HTTP"),
    _form(r"{helo} \({rdns} \[{ip}\].*\) by {by} \(", looked_up=True, unless=_SENDMAIL_QMAIL),
    _form(r"{helo} \({rdns} \[{ip}\]\) by {by} with \S+ \(", looked_up=True),
    _form(r"{rdns} \(\[{ip}\] helo={helo}\) by {by} with ", hint="helo="),
    _form(r"{helo} \(<unknown\S*>\[{ip}\]\) by {by} ", hint="<unknown"),
    _form(r"{helo} \((?P<rdns>\S+\.\S+)\[{ip}\]\) by {by} ", looked_up=True),
    _form(r"{helo} \((?P<ident>\S*)@\[{ip}\].*\) by {by} \(", looked_up=True, hint="@["),
    _form(r"(?:{ip} )?.*?by (?P<by>\S+\.hotmail\.msn\.com) ", hint=".hotmail.msn.com"),
    _form(r"{rdns} \((?:HELO|EHLO) (?P<helo>\S*)\) \({ip}\) by {by} \(qpsmtpd/\S+\) with E?SMTP", hint="(qpsmtpd/"),
    _form(r"{rdns} \(LHLO (?P<helo>\S*)\) \({ip}\) by {by} with LMTP", hint="(LHLO "),
    _form(r"{rdns} \((?:HELO|EHLO) (?P<helo>\S*)\) \[{ip}\] by {by} \([^)]+\) with E?SMTP", hint="LO "),
    _form(r"{helo} \(\[{ip}\]\) by {by} via smtpd \(for \S+\) with SMTP\(", hint="via smtpd"),
    _form(
        r"{rdns} \((?:HELO|EHLO) (?P<helo>[^ ()]*)\) \((?:(?P<ident>\S*)@)?\[?{ip}\]?\)(?: \(envelope-sender <\S+>\))?"
        r" by {by}(?: \(.+\))* with (?:.* )?(?:SMTP|QMQP)(?! id )",
        looked_up=True,
        hint="LO ",
    ),
    _form(
        r"{both} \((?:(?P<ident>\S*)@)?\[?{ip}\]?\)(?: \(envelope-sender <\S+>\))? by {by}(?: \(.+\))*"
        r" with (?:.* )?(?:SMTP|QMQP)(?! id )",
        looked_up=True,
    ),
    _form(r"\[{ip}\] by {by} via HTTP\Z", hint=" via HTTP"),
    _form(r"\S+ \( \[{ip}\]\).*? by {by} ", hint="( ["),
    _form(r"\({helo} \[{ip}\]\) by {by} "),
    _form(r"\[{ip}\] by {by} "),
    _form(r"\(\[?{ip}\]?\) by {by} "),
    _form(r"{helo} \[{ip}\] by {by} \[{address}\] with ", looked_up=True, hint="] with "),
    _form(r"{helo} \[\({ip}\)\] by {by} \({address}\) ", hint=" [("),
    _form(r"{helo} \(\[{ip}\]\) by {by} \(", looked_up=True),
    _form(r"{helo} \(softdnserr \[{ip}\]\).*? by {by}\b", hint="softdnserr"),
    _form(r"{helo} \({rdns} \[{ip}\]\).*? by {by}", looked_up=True),
    _form(r"{helo} \(\[{ip}(?:[.:]\d+)?\]\).*? by {by} ", looked_up=True),
)
"""Tried before hand-overs by mail fetchers are passed over."""

LATER_FORMS: tuple[Form, ...] = (
    _form(r".*?{ip}\b(?![.-]).{10,80}by {by} with HTTP", hint="Mail authenticated user "),
    _form(
        r"{rdns} \((?:HELO|EHLO) (?P<helo>[^)]*)\) \((?:(?P<ident>\S*)@)?\[?{ip}\]?\).* by {by} ",
        looked_up=True,
        hint="LO ",
    ),
    _form(r"{both} \((?:(?P<ident>\S*)@)?\[?{ip}\]?\).* by {by} ", looked_up=True),
    _form(r"\[{ip}\] by {by} with http for ", hint=" with http for "),
    _form(
        r"(?P<rdns>[^\s(]+)\({ip}(?:, (?:HELO|EHLO) (?P<helo>\S*))?\) by {by} via smap ", looked_up=True, hint="smap"
    ),
    _form(r"{ip} by {by} \((?:SMTPL|InterScan)\b"),
    _form(
        r"{rdns} \((?:HELO|EHLO) (?P<helo>\S*)\) \((?:(?P<ident>\S+)@)?{ip}.*?\) by {by} with ",
        looked_up=True,
        hint="LO ",
    ),
    _form(r"\[{ip}\] \((?:account \S+ )?(?:HELO|EHLO) (?P<helo>\S*)\) by {by} \("),
    _form(r"{both} \(\[{ip}\] verified\) by {by} \(", looked_up=True, hint=" (CommuniGate Pro"),
    _form(r"\(\[{ip}\]\) by {by} with "),
    _form(r"(?P<helo>\D\S+) \({ip}\) by {by} "),
    _form(r"{helo} \(\[{ip}\] \[\S+\]\) by {by} with "),
    _form(r"{ip} by {by} with "),
    _form(r"{helo} \((?P<rdns>\S+?)\[{ip}\]\) by {by} ", looked_up=True),
    _form(r"\[{ip}\]\S+ \((?:HELO|EHLO) (?P<helo>\S*)\) by {by} "),
    _form(r"{ip} \((?:HELO|EHLO) (?P<helo>\S*)\) by {by} "),
    _form(r"{helo} \[{ip}\] by {by} "),
    _form(r"(?P<rdns>[^\s(]+)\({ip}\) by {by} "),
    _form(r"{helo} \(unverified \[{ip}\]\) by {by} "),
    _form(r"{ip} \([A-Za-z][^)]+\) by {by} with "),
    _form(r"\[{ip}\] \((?P<note>[^)]+)\) by {by} "),
    _form(r"{rdns} \((?:\S+@)?{ip}\) by {by} with "),
    _form(r"(?P<rdns>[^\s(]+)\({ip}\)(?:, claiming to be \"(?P<helo>\S+)\")? via \S+ by (?P<by>\S+),"),
    _form(r"{helo} \(\S+@{ip} with login\) by (?P<by>\S+\.yahoo\.com) with SMTP"),
    _form(r"X-Originating-IP: {ip}\Z"),
)

LOCAL_HANDOVERS = tuple(
    re.compile(text)
    for text in (
        r"\S+ \(\S+\) by \S+ \(Content Technologies ",
        r"\S+ \([^\s@]+@(?:localhost|127\.0\.0\.1)\S*\) by \S+ \(",
        r"\S+ \S+ by \S+ with local-e?smtp ",
        r"127\.0\.0\.1 \(AVG SMTP \S+ \[\S+\]\)",
        r"\S+@\S+ by \S+ ",
        r"Unknown/Local \(",
        r"(?:localhost(?:\.localdomain)?|127\.0\.0\.1) \((?:\S+@)?(?:localhost(?:\.localdomain)?|127\.0\.0\.1)[)\[]",
        r"\S+ \((?:\S+@)?(?:localhost(?:\.localdomain)?|127\.0\.0\.1)\) ",
        r"\S+ \(\S+@\S+ \[(?:localhost(?:\.localdomain)?|127\.0\.0\.1)\]\) ",
        r"\(AUTH: \S+\) by \S+ with ",
        r"localhost \(localhost \[\[UNIX: localhost\]\]\) by ",
        r"\S+\.amazon\.com by \S+\.amazon\.com with ESMTP \(peer crosscheck: ",
        r"[^.]+ by \S+ with Novell_GroupWise",
        r"no\.name\.available by \S+ via smtpd \(for ",
        r"\S+ by \S+ \(.{0,100}\) with qmail-scanner",
        r"\S+ by \S+ with local",
        r"\S+ \(\[unix socket\]\) by \S+ \(Cyrus v[0-9.]*\) with LMTPA",
        r"\S+ by \S+ (?:with|via|for|\()",
        r"\S+ (?:(?:with|via|for) \S+|\(unverified\)) by\b",
        r"\S+ \(unknown\) by \S+ \(SG\) with \b",
        r"\S+ \(\S+ \[local\]\) by \S+ \(OpenSMTPD\) with \b",
        r".*\(LSMTP for",
        r"\(\[(?:localhost(?:\.localdomain)?|127\.0\.0\.1)\]\) with MailEnable ",
        r"facebook\.com \([^)]+\) by facebook\.com with Thrift id \S+\Z",
        r"\S+ named \S+ by gmailapi\.google\.com with HTTPREST\Z",
        r"\S+ id \S+\Z",
        r"\[<.*? \(Jetsend",
    )
)
"""Hand-overs within one machine, which say nothing of a client."""
