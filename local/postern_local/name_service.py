"""Who answers the functions' questions to the DNS: the system's name servers, or a zone file."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import postern_aws.dns
from postern.zone import ZoneResolver


def answer_from(zone_file: Path) -> None:
    """Answer every question from a zone file, and from nothing else. Raises `OSError`, `ValueError`."""
    resolver = ZoneResolver(json.loads(zone_file.read_text(encoding="utf-8")))

    def offline(deadline: datetime | None = None) -> ZoneResolver:
        del deadline  # an answer from memory is never late
        return resolver

    adapter: Any = postern_aws.dns
    adapter.SystemResolver = offline
