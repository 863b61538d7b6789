"""The layers that functions share: the domain, the adapters, and others' packages."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.source_tree import LAYERS, NOT_DEPLOYED
from layers.vendor.build import ensure_layer

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64
CORE = "core"


class FunctionLayers(Construct):
    """Layers by name, made when first asked for. Without `vendored` there are none of others' packages."""

    def __init__(self, scope: Construct, construct_id: str, *, vendored: bool) -> None:
        super().__init__(scope, construct_id)
        self._vendored = vendored
        self._own = [self._layer("Domain", LAYERS / "domain"), self._layer("Adapters", LAYERS / "aws")]
        self._others: dict[str, lambda_.LayerVersion] = {}

    def with_packages(self, names: Iterable[str] = ()) -> list[lambda_.ILayerVersion]:
        """Our own layers, the core packages, and the named groups of packages (see `layers/vendor/build.py`)."""
        wanted = [CORE, *sorted(set(names))] if self._vendored else []
        return [*self._own, *(self._packages(name) for name in wanted)]

    def _packages(self, name: str) -> lambda_.LayerVersion:
        if name not in self._others:
            self._others[name] = self._layer(f"{name.title()}Packages", ensure_layer(name))
        return self._others[name]

    def _layer(self, construct_id: str, folder: object) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            construct_id,
            code=lambda_.Code.from_asset(str(folder), exclude=NOT_DEPLOYED),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
        )
