"""The ports of the service, outside and inside the tasks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listener:
    """A port that clients know, the port on which the front end serves it, and the variable that tells it so."""

    name: str
    port: int
    container_port: int
    variable: str


SMTP = Listener("Smtp", 25, 2525, "POSTERN_SMTP_PORT")
SUBMISSION = (
    Listener("Submission", 587, 2587, "POSTERN_SUBMISSION_PORT"),
    Listener("Submissions", 465, 2465, "POSTERN_SUBMISSIONS_PORT"),
)
HEALTH_PORT = 8080
HEALTH_PATH = "/health"


def open_listeners(*, submission: bool) -> tuple[Listener, ...]:
    """What is open: mail from other servers always, submission where it is wanted."""
    return (SMTP, *SUBMISSION) if submission else (SMTP,)


def ports_as_variables(listeners: Iterable[Listener]) -> dict[str, str]:
    """What the front end is told of its ports; without a variable it does not listen for submission."""
    return {listener.variable: str(listener.container_port) for listener in listeners}
