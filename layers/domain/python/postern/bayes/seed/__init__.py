"""The seed model: what a new site starts with. `bench/seed_model.py` makes it; `docs/learning.md` says from what."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib import resources

from postern.bayes.codec import load_model
from postern.bayes.model import Model, Provenance

FILE = "seed.model"


@cache
def seed_model() -> Model:
    """The shipped model; read once per process. Nothing in it is the site's own."""
    shipped = load_model((resources.files(__package__) / FILE).read_bytes())
    return replace(shipped, provenance=Provenance(hams=0, spams=0, seed_weight=1.0))
