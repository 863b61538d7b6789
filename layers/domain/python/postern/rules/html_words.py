"""Names that SpamAssassin's rendering tells apart: valid elements, those that style text, those that set it apart."""

from __future__ import annotations

from collections.abc import Mapping

ELEMENTS = frozenset(
    "a abbr acronym address area b base bdo big blockquote body br button caption cite code col colgroup dd del dfn div"
    " dl dt em fieldset form h1 h2 h3 h4 h5 h6 head hr html i img input ins kbd label legend li link map meta noscript"
    " object ol optgroup option p param pre q samp script select small span strong style sub sup table tbody td"
    " textarea tfoot th thead title tr tt ul var applet"
    " basefont center dir font frame frameset iframe isindex menu noframes s"
    " strike u nobr x-sigsep x-tab".split()
)
"""The elements of HTML 4.01, and three that mailers use."""

TRICKS = frozenset({"bgsound", "embed", "listing", "plaintext", "xmp"})
"""Elements that are rendered but do not count as valid."""

WHITE_SPACE: Mapping[str, str] = (
    dict.fromkeys(("br", "div"), "\n")
    | dict.fromkeys(("li", "th", "td", "dd", "dt", "embed", "h1", "h2", "h3", "h4", "h5", "h6"), " ")
    | dict.fromkeys(("p", "hr", "blockquote", "pre", "listing", "plaintext", "xmp", "title"), "\n\n")
)

_STYLE_ONLY = frozenset({"style"})
STYLED: Mapping[str, frozenset[str]] = {
    "body": frozenset({"text"}),
    "font": frozenset({"color", "size"}),
    "basefont": frozenset({"color", "size"}),
    **dict.fromkeys(("table", "tr", "th", "td", "span", "p", "div", "a"), _STYLE_ONLY),
    **dict.fromkeys(("big", "small", "marquee"), frozenset[str]()),
}
"""Elements that change how text looks, and the attributes that do it. SpamAssassin 4.0 passes over `bgcolor`."""
