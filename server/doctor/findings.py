"""What a look at the configuration finds: of what, how bad it is, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found out: the subject, such as `database`, and a sentence or two."""

    level: Level
    subject: str
    message: str


def ok(subject: str, message: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(Level.OK, subject, message)


def warning(subject: str, message: str) -> Finding:
    """Say what will do, and could be better."""
    return Finding(Level.WARNING, subject, message)


def error(subject: str, message: str) -> Finding:
    """Say what keeps the server, or a part of it, from its work."""
    return Finding(Level.ERROR, subject, message)


def worst(findings: Iterable[Finding]) -> Level:
    """Return the level of the worst."""
    order = list(Level)
    return max((each.level for each in findings), key=order.index, default=Level.OK)
