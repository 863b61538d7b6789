"""The ports of the service, outside and inside the tasks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listener:
    """A port that clients know and the port on which the front end serves it."""

    name: str
    port: int
    container_port: int


SMTP = Listener("Smtp", 25, 2525)
SUBMISSION = (Listener("Submission", 587, 2587), Listener("Submissions", 465, 2465))
HEALTH_PORT = 8080
HEALTH_PATH = "/health"


def open_listeners(*, submission: bool) -> tuple[Listener, ...]:
    """What is open: mail from other servers always, submission where it is wanted."""
    return (SMTP, *SUBMISSION) if submission else (SMTP,)
