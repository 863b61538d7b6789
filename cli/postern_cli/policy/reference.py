"""The reference of all policy, as Markdown. docs/policy.md is what this writes; a test holds the two together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from postern import catalog
from postern.contract import CheckSpec
from postern.disposition import points_text
from postern.policy import EVERY_SCOPE, CheckPolicy, attributes
from postern.sections import section_types
from postern_cli.policy.presentation import value_text
from postern_cli.policy.settings import Setting, settings_of, title_of

PAGES = Path(__file__).resolve().parents[3] / "docs"

_INTRODUCTION = """\
# Policy

<!-- Written by `postern policy reference > docs/policy.md` from the sections' own declarations. Change those. -->

Policy is what can be changed while the service runs. It lives in the table `Policy`: a row has a `scope` (`global`,
`domain:example.com` or `mailbox:ann@example.com`), a `section`, and that section's settings as attributes. Rows can be
edited in the DynamoDB console as well as with `postern policy set`; what is not set has its default.

* The narrower scope wins, setting by setting; maps such as `scores` are merged name by name.
* A row with a mistake in it keeps its last good value, and the postmaster is told. `postern policy check` finds it.
* A change counts within about a minute. A message's receipt names the version of the policy it was judged by.
* Points are written as decimals: `5`, `-1.5`.

```sh
postern policy show spam_filter --scope domain:example.com
postern policy set spam_filter.refuse_at 15 --scope domain:example.com
postern policy set spf.scores.SPF_FAIL 4
postern policy unset spf.scores.SPF_FAIL
```

## What every check has

Each check has a section of its name with these settings, and those listed with the check.

"""

_MODES = """
| mode | what it does |
|---|---|
| `off` | the check does not run |
| `observe` | it runs, and the receipt tells what it found; nothing counts |
| `score` | its points count |
| `enforce` | its points count, and what it proposes (to refuse, defer, quarantine) is carried out |

"""


def reference() -> str:
    """The whole page."""
    return _INTRODUCTION + "".join(_pieces())


def _pieces() -> Iterator[str]:
    common = [one for one in settings_of(catalog.CHECKS[0]) if one.name in attributes(CheckPolicy)]
    yield _table(common, with_defaults=False)
    yield _MODES
    for section in section_types():
        if section not in catalog.CHECKS:
            yield f"## `{section}`\n\n{title_of(section)}.\n\n{_table(settings_of(section))}\n"
    yield "## Checks\n\n"
    yield "\n".join(_check(spec) for stage in catalog.stages() for spec in stage)


def _check(spec: CheckSpec) -> str:
    standards = f" Standards: {', '.join(spec.standards)}." if spec.standards else ""
    needs = f" It reads what these found: {', '.join(f'`{one}`' for one in spec.requires)}." if spec.requires else ""
    own = [one for one in settings_of(spec.check_id) if one.name not in attributes(CheckPolicy)]
    page = f" More: [{_page(spec)}]({_page(spec)})." if (PAGES / _page(spec)).is_file() else ""
    mode = next(one for one in settings_of(spec.check_id) if one.name == "mode")
    required = next(one for one in settings_of(spec.check_id) if one.name == "required")
    default = f"Mode by default: `{mode.default}`" + (", required." if required.default else ".")
    return "".join(
        (
            f"### `{spec.check_id}`: {spec.title}\n\n{default} Phase: {spec.phase}.{needs}{standards}{page}\n\n",
            f"{_table(own)}\n" if own else "",
            _symbols(spec),
        )
    )


def _page(spec: CheckSpec) -> str:
    """The name of the page that a check of some size has of its own."""
    return f"{spec.check_id.replace('_', '-')}.md"


def _table(settings: list[Setting] | tuple[Setting, ...], *, with_defaults: bool = True) -> str:
    heads = ["setting", "value", *(["default"] if with_defaults else []), "scopes", "meaning"]
    rows = [_cells(heads), _cells("---" for _ in heads)]
    for one in settings:
        default = [_code(value_text(one.default))] if with_defaults else []
        rows.append(_cells([_code(one.name), _escaped(one.kind), *default, _scopes(one), _escaped(one.doc)]))
    return "\n".join(rows) + "\n"


def _symbols(spec: CheckSpec) -> str:
    if not spec.symbols:
        return ""
    rows = [_cells(["symbol", "points", "when"]), _cells(["---", "---:", "---"])]
    rows += [
        _cells([_code(one.name), points_text(one.score) if one.score else "0", _escaped(one.description)])
        for one in spec.symbols
    ]
    more = "\nIt also reports the names of its own rules, with their points.\n" if spec.own_symbols else ""
    return "\n".join(rows) + "\n" + more


def _cells(cells: Iterable[str]) -> str:
    return "|".join(("", *(f" {cell} " if cell not in ("---", "---:") else cell for cell in cells), ""))


def _code(text: str) -> str:
    return f"`{text}`" if text not in ("(none)", '""') else text.strip('"') or "(empty)"


def _escaped(text: str) -> str:
    return text.replace("|", r"\|")


def _scopes(setting: Setting) -> str:
    return "every" if setting.scopes == EVERY_SCOPE else ", ".join(setting.scopes)
