"""What is shared with an account, by itself or through a group, as SQL clauses."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    Text,
    cast,
    exists,
    literal,
    or_,
    select,
)
from sqlmodel import col

from server.records import RecordType
from server.records.collaborators import Collaborator
from server.records.exports import Anonymization
from server.records.groups import GroupMember


def shared_with(user_key: SQLColumnExpression[Any], at: SQLColumnExpression[Any]) -> Select[int]:
    """Select the keys of the experiments that are shared with an account at a moment."""
    ends = col(Collaborator.expires_at)
    return select(col(Collaborator.experiment_key)).where(
        _is_for(user_key), or_(ends.is_(None), ends > at)
    )


def is_narrowed(user_key: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """Return whether anything is shared with an account of which some data types are left out."""
    left_out = col(Collaborator.data_types).is_not(None)
    return exists(select(col(Collaborator.id)).where(_is_for(user_key), left_out))


def covers(data_type: RecordType | ColumnElement[str]) -> ColumnElement[bool]:
    """Return whether a grant is about a data type, or one whose name a column holds."""
    name = literal(data_type.name) if isinstance(data_type, RecordType) else data_type
    names = cast(col(Collaborator.data_types), Text)
    return or_(
        col(Collaborator.data_types).is_(None), names.contains(literal('"') + name + literal('"'))
    )


def allows(anonymization: Anonymization) -> ColumnElement[bool]:
    """Return whether a grant lets files tell that much of who the participants are."""
    levels = [*Anonymization]  # those that tell the most come first
    enough = levels[: levels.index(anonymization) + 1]
    return col(Collaborator.anonymization).in_(enough)


def _is_for(user_key: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    groups = select(col(GroupMember.group_key)).where(col(GroupMember.user_key) == user_key)
    return or_(col(Collaborator.user_key) == user_key, col(Collaborator.group_key).in_(groups))
