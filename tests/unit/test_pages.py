"""The pages tell the truth where a machine can see it: links lead somewhere, nothing that people meet is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from postern_cli.cost.assumptions import Assumptions
from postern_cli.main import MODULES

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("events/*.md")])
NOTICE = re.compile(r'\bNotice\(\s*"([a-z_]+)"')


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_every_page_can_be_found_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        found = re.findall(r"\]\(([^)#\s]+\.md)", page.read_text(encoding="utf-8"))
        waiting += [(page.parent / target).resolve() for target in found if "://" not in target]
    assert [page.name for page in ROOT.glob("docs/*.md") if page not in seen] == []


def test_every_command_has_its_place_in_the_page_of_commands() -> None:
    headings = re.findall(r"^## (.+)$", text("docs/cli.md"), re.MULTILINE)
    told = {name for heading in headings for name in heading.split(", ")}
    assert set(MODULES) - told == set()


def test_every_notice_is_explained() -> None:
    sources = [*ROOT.glob("layers/*/python/**/*.py"), *ROOT.glob("frontend/**/*.py")]
    events = {event for source in sources for event in NOTICE.findall(source.read_text(encoding="utf-8"))}
    assert events
    assert {event for event in events if f"`{event}`" not in text("docs/alerts.md")} == set()


def test_the_page_of_costs_has_the_defaults_that_count() -> None:
    page, defaults = text("docs/cost.md"), Assumptions()
    told = dict(re.findall(r"^\| `--([a-z-]+)` \| ([^ |]+)", page, re.MULTILINE))
    assert float(told["messages"].replace(",", "")) == defaults.messages_per_month
    assert float(told["accepted"]) == defaults.accepted_share
    assert float(told["early"]) == defaults.early_share
    assert float(told["greylisted"]) == defaults.greylisted_share
    assert float(told["processor"]) == defaults.processor
    assert float(told["dns-ms"]) == defaults.dns_ms
    assert float(told["cold"]) == defaults.cold_share
    assert int(told["tasks"]) == defaults.tasks


def test_the_readme_names_the_two_commands_and_they_exist() -> None:
    targets = re.findall(r"^(\w+):", text("Makefile"), re.MULTILINE)
    assert {"run", "test"} <= set(targets)
    assert {"make run", "make test"} <= {line.split("  ")[0] for line in text("README.md").splitlines()}
