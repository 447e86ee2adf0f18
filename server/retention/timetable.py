"""When what is due: moments, and nothing but them.

A deletion is preceded by two notices, the second at least a day after the first, the deletion at
least a day after the second. Whatever kept a notice from being given postpones what follows.
"""

from dataclasses import dataclass
from typing import Any

from server.records.retention import RetentionAction
from server.timestamps import Timestamp

DAY = 24 * 3600 * 1000
"""Milliseconds."""


def due_at(
    policy: Any,  # noqa: ANN401 - a row of it, or what it would be
    action: RetentionAction,
    completed_at: Timestamp | None,
) -> Timestamp | None:
    """Return for when a policy has something; None for never, or not as things stand."""
    if action is RetentionAction.DELETE_DATA and policy.delete_at is not None:
        return Timestamp(policy.delete_at)
    days: int | None = {
        RetentionAction.ARCHIVE: policy.archive_after_days,
        RetentionAction.DELETE_MEDIA: policy.media_days,
        RetentionAction.DELETE_DATA: policy.delete_after_days,
    }[action]
    if days is None or completed_at is None:
        return None
    return Timestamp(completed_at + days * DAY)


@dataclass(frozen=True, slots=True)
class Timetable:
    """When the notices of a deletion were or will be given, and when it begins at the earliest."""

    first_notice_at: Timestamp
    last_notice_at: Timestamp
    begins_at: Timestamp


def timetable(
    due: Timestamp,
    reminder_days: int,
    at: Timestamp,
    first: Timestamp | None = None,
    last: Timestamp | None = None,
) -> Timetable:
    """Return when all will be, as seen from a moment, given which notices were given when."""
    if first is None:
        first = Timestamp(max(at, due - reminder_days * DAY))
    if last is None:
        last = Timestamp(max(at, due - DAY, first + DAY))
    return Timetable(first, last, Timestamp(max(due, last + DAY)))
