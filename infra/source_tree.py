"""Where things are in the repository, and what of them is deployed."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FUNCTIONS = ROOT / "functions"
LAYERS = ROOT / "layers"

# Byte code depends on who imported the sources last; left in, it would change every asset's hash.
NOT_DEPLOYED = ["**/__pycache__", "**/*.pyc", "**/*.egg-info"]

# The front end's image is built from the repository's root, because it holds the domain too. Everything is left
# out but what its Dockerfile copies, so that a change elsewhere does not make a new image.
IMAGE_SOURCES = [
    "*",
    "!frontend",
    "!layers",
    "layers/*",
    "!layers/domain",
    "!layers/aws",
    "!layers/vendor",
    "layers/vendor/*",
    "!layers/vendor/build",
    "layers/vendor/build/*",
    "!layers/vendor/build/front_end",
    *NOT_DEPLOYED,
]
