"""The pages behind the link that lets a frozen account send again: what will happen, what happened, or nothing at all.

Each is whole in itself, without script, picture or font, readable by any browser and aloud. Whatever is wrong with a
link gives the same page, which says nothing of accounts.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from postern.accounts import Freeze
from postern.session.thawing import Thawed

TOKEN = "t"
"""The name of the token in the link and in the form."""

_STYLE = (
    "body{font:1.125rem/1.5 system-ui,sans-serif;max-width:38rem;margin:3rem auto;padding:0 1rem;"
    "color:#1a1a1a;background:#fff}h1{font-size:1.5rem}dt{font-weight:600}dd{margin:0 0 .75rem}"
    "button{font:inherit;padding:.75rem 1.25rem;border:2px solid #10457a;border-radius:.25rem;"
    "color:#fff;background:#10457a;cursor:pointer}button:focus-visible{outline:3px solid #b35900;outline-offset:3px}"
    "@media(prefers-color-scheme:dark){body{color:#f0f0f0;background:#161616}}"
)
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Nothing is loaded, kept, framed, indexed, or told to the next site: the address of the page is a key."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer by HTTP."""

    status: int
    html: str


def ask(account: str, freeze: Freeze, token: str, now: datetime) -> Page:
    """What will happen, and the button that makes it happen."""
    facts = (
        ("Account", account),
        ("Frozen since", _moment(freeze.since)),
        ("Because of", freeze.reason or "not noted"),
    )
    shown = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    return _page(
        200,
        "Let this account send again?",
        f"<dl>{shown}</dl>"
        "<p>The account can log in and send again at once, what it has sent so far is no longer counted against it, "
        "and mail of it that is held goes out. <strong>Do this only after its password has been changed</strong>, and "
        "after you have looked at the mail that is held: <code>postern queue list</code>.</p>"
        f'<form method="post"><input type="hidden" name="{TOKEN}" value="{escape(token)}">'
        "<button>Let it send again</button></form>"
        f"<p>Nothing has happened yet. It is {_moment(now)}.</p>",
    )


def done(account: str, thawed: Thawed) -> Page:
    """What happened."""
    copies = {0: "No mail of it was held.", 1: "One held copy goes out."}
    released = copies.get(thawed.released, f"{thawed.released} held copies go out.")
    return _page(
        200,
        "The account may send again",
        f"<p><strong>{escape(account)}</strong> may log in and send. {released}</p><p>This link works no more.</p>",
    )


GONE_TEXT = (
    "<p>It has been used, it is too old, or it was not copied as a whole. Nothing has happened.</p>"
    "<p>An account is let go by <code>postern accounts thaw</code>, too.</p>"
)


def gone() -> Page:
    """The link is good for nothing, for whatever reason."""
    return _page(404, "This link does not work", GONE_TEXT)


_TROUBLE = (
    "<p>It could not be done just now. Try the same link again in a minute. If it does not work any more then, the "
    "account may log in already, and <code>postern accounts thaw</code> lets go of its mail that is still held.</p>"
)


def not_allowed() -> Page:
    """Neither GET nor POST."""
    return _page(405, "Not possible", "<p>Open the link in a browser.</p>")


def trouble() -> Page:
    """Something could not be asked or done. A thaw done in part is finished by the command, not the link."""
    return _page(503, "Not now", _TROUBLE)


def _page(status: int, title: str, body: str) -> Page:
    return Page(
        status,
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main><h1>{title}</h1>{body}</main></body></html>\n",
    )


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
