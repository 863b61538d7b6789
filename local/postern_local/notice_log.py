"""Notices: what the postmaster would get by e-mail, in a file of the state directory."""

from __future__ import annotations

import functools
import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from moto.sns.models import Topic

NOTICES = "notices.jsonl"


def to_file(folder: Path) -> None:
    """Append every notice that is published to a file, one JSON object a line."""
    folder.mkdir(parents=True, exist_ok=True)
    path, writing = folder / NOTICES, threading.Lock()
    topic: Any = Topic
    publish = topic.publish

    @functools.wraps(publish)
    def run(self: Any, message: str, *args: Any, subject: str | None = None, **kwargs: Any) -> Any:
        told = {"time": datetime.now(UTC).isoformat(), "topic": self.name, "subject": subject, "text": message}
        with writing, path.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(told, ensure_ascii=False)}\n")
        return publish(self, message, *args, subject=subject, **kwargs)

    topic.publish = run
