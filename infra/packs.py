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


def packs(stages: Sequence[Sequence[CheckSpec]], packing: Packing) -> tuple[Pack, ...]:
    """The packs of a catalogue's stages, in order."""
    if packing is Packing.STAGE:
        return tuple(_stage_pack(number, tuple(stage)) for number, stage in enumerate(stages, 1))
    return tuple(Pack(spec.check_id, spec.title, (spec,), spec.seconds) for stage in stages for spec in stage)


def _stage_pack(number: int, specs: tuple[CheckSpec, ...]) -> Pack:
    seconds = max(STAGE_SECONDS[spec.phase] for spec in specs)
    return Pack(stage_name(number), ", ".join(spec.check_id for spec in specs), specs, seconds)
