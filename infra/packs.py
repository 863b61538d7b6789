"""How checks are packed into Lambdas, and what each pack therefore needs. Plain data: no CDK."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from postern.contract import CheckSpec, Needs
from postern.workflow import STAGE_SECONDS, Packing, stage_name


@dataclass(frozen=True, slots=True)
class Pack:
    """The checks that share a Lambda, under the name by which the state machine calls it."""

    name: str
    title: str
    specs: tuple[CheckSpec, ...]
    seconds: int

    @property
    def memory_mb(self) -> int:
        """As much as the check that needs most."""
        return max(spec.memory_mb for spec in self.specs)

    @property
    def needs(self) -> frozenset[Needs]:
        """The effects of all its checks together."""
        return frozenset().union(*(spec.needs for spec in self.specs))

    @property
    def packages(self) -> tuple[str, ...]:
        """The layers of packages beside the core that its checks import."""
        return tuple(sorted({name for spec in self.specs for name in spec.layers}))


def packs(
    stages: Sequence[Sequence[CheckSpec]], packing: Packing, others: Sequence[CheckSpec] = ()
) -> tuple[Pack, ...]:
    """The packs of a catalogue's stages, in order, and one for each of the `others` that no stage has.

    Those are checks of outgoing mail alone, whose state machine calls a Lambda per check in any packing.
    """
    staged = [spec for stage in stages for spec in stage]
    known = {spec.check_id for spec in staged}
    alone = [spec for spec in others if spec.check_id not in known]
    if packing is Packing.STAGE:
        return (*(_stage_pack(at, tuple(stage)) for at, stage in enumerate(stages, 1)), *map(_own_pack, alone))
    return tuple(map(_own_pack, (*staged, *alone)))


def _own_pack(spec: CheckSpec) -> Pack:
    return Pack(spec.check_id, spec.title, (spec,), spec.seconds)


def _stage_pack(number: int, specs: tuple[CheckSpec, ...]) -> Pack:
    seconds = max(STAGE_SECONDS[spec.phase] for spec in specs)
    return Pack(stage_name(number), ", ".join(spec.check_id for spec in specs), specs, seconds)
