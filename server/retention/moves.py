"""What is to be done next of something that is due."""

from enum import Enum
from typing import Any

from sqlalchemy import Row

from server.records.experiments import ExperimentStatus
from server.records.retention import RetentionAction
from server.retention.store import due_of
from server.retention.timetable import timetable
from server.timestamps import Timestamp


class Move(Enum):
    """What can be done."""

    FORGET = "it is due at another moment by now, or never"
    LOOK_AGAIN = "it is done, but something may have come since"
    FIRST_NOTICE = "the first notice"
    LAST_NOTICE = "the second notice"
    BEGIN = "the deletion begins"
    ARCHIVE = "the experiment is archived"


def move(
    policy: Row[Any], action: RetentionAction, step: Row[Any] | None, at: Timestamp
) -> Move | None:
    """Return what is to be done at a moment; None for nothing."""
    due = due_of(policy, action)
    if step is not None and step.due_at != due:
        return Move.FORGET
    if due is None:
        return None
    if action is RetentionAction.ARCHIVE:
        is_open = policy.status != ExperimentStatus.ARCHIVED
        return Move.ARCHIVE if step is None and is_open and at >= due else None
    if step is None:
        first = timetable(due, policy.reminder_days, at).first_notice_at
        return Move.FIRST_NOTICE if first <= at else None
    if step.done_at is not None:
        return Move.LOOK_AGAIN
    return None if step.started_at is not None else _towards_deletion(policy, step, due, at)


def _towards_deletion(
    policy: Row[Any], step: Row[Any], due: Timestamp, at: Timestamp
) -> Move | None:
    told = step.first_notice_at, step.last_notice_at
    table = timetable(due, policy.reminder_days, at, *told)
    if step.last_notice_at is None:
        return Move.LAST_NOTICE if table.last_notice_at <= at else None
    return Move.BEGIN if table.begins_at <= at else None
