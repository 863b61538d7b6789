"""What is wrong with a case that is none."""

from __future__ import annotations


class CaseError(ValueError):
    """A case that cannot be judged because it is not one; the text says what would be right."""
