"""Identifiers for sessions and transactions; see `postern_aws.identifiers`."""

from __future__ import annotations

from postern_aws.identifiers import new_id

__all__ = ["new_id"]
