"""The catalogue is complete, ordered and consistent with the modules it names."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

import postern.checks
from postern import catalog
from postern.contract import CheckSpec, NoEvidence, Phase
from postern.model import Direction
from postern.policy import CheckPolicy


def spec(check_id: str, *requires: str, phase: Phase = Phase.CONTENT) -> CheckSpec:
    return CheckSpec(
        check_id=check_id, title=check_id, phase=phase, policy=CheckPolicy, evidence=NoEvidence, requires=requires
    )


def ids(stages: tuple[tuple[CheckSpec, ...], ...]) -> list[list[str]]:
    return [[one.check_id for one in stage] for stage in stages]


def test_every_module_in_checks_is_in_the_catalogue() -> None:
    modules = {path.stem for path in Path(postern.checks.__path__[0]).glob("*.py")} - {"__init__"}
    assert modules == set(catalog.CHECKS)


def test_every_spec_is_named_after_its_module() -> None:
    assert [one.check_id for one in catalog.specs()] == list(catalog.CHECKS)


def test_symbols_are_unique_and_described() -> None:
    symbols = [symbol for one in catalog.specs() for symbol in one.symbols]
    assert len({symbol.name for symbol in symbols}) == len(symbols)
    assert all(symbol.description and symbol.name == symbol.name.upper() for symbol in symbols)


def test_every_setting_of_every_check_is_documented() -> None:
    for one in catalog.specs():
        undocumented = [item.name for item in fields(one.policy) if not item.metadata.get("doc")]
        assert not undocumented, one.check_id


def test_checks_run_by_phase_and_after_what_they_require() -> None:
    staged = catalog.stages(
        (spec("c", "b"), spec("late", phase=Phase.LATE), spec("b", "a"), spec("a", phase=Phase.ENVELOPE), spec("d"))
    )
    assert ids(staged) == [["a"], ["b", "d"], ["c"], ["late"]]


@pytest.mark.parametrize(
    ("specs", "said"),
    [
        ((spec("a", "b"), spec("b", "a")), "require each other"),
        ((spec("a", "z"),), "requires 'z'"),
        ((spec("a", "b", phase=Phase.ENVELOPE), spec("b")), "later phase"),
    ],
)
def test_an_impossible_order_is_refused(specs: tuple[CheckSpec, ...], said: str) -> None:
    with pytest.raises(catalog.CatalogError, match=said):
        catalog.stages(specs)


def test_an_unknown_check_is_refused_with_the_known_ones() -> None:
    with pytest.raises(catalog.CatalogError, match=r"there is no check 'spff'; the checks are: .*spf"):
        catalog.check("spff")


def test_what_judges_outgoing_mail_can_be_staged_without_the_checks_it_would_read() -> None:
    outgoing = catalog.judging(Direction.OUTBOUND)
    ids = {spec.check_id for spec in outgoing}
    assert "rules" in ids
    assert all(ids.issuperset(spec.requires) for spec in outgoing)
    assert {spec.check_id for stage in catalog.stages(outgoing) for spec in stage} == ids
