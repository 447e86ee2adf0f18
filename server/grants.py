"""What is shared with an account, by itself or through a group, as SQL clauses."""

from collections.abc import Mapping
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
    true,
)
from sqlalchemy.orm import aliased
from sqlmodel import col

from server.records import RecordType
from server.records.collaborators import Collaborator
from server.records.exports import Anonymization
from server.records.groups import GroupMember, UserGroup

_Grant = aliased(Collaborator)  # so that a clause never means the rows of the statement it is in
_Group = aliased(UserGroup)
_Member = aliased(GroupMember)

TOLD: Mapping[str, Any] = {
    "grant_key": col(_Grant.id),
    "experiment_key": col(_Grant.experiment_key),
    "can_export": col(_Grant.can_export),
    "anonymization": col(_Grant.anonymization),
    "data_types": col(_Grant.data_types),
    "expires_at": col(_Grant.expires_at),
    "group_name": col(_Group.name),
}
"""What can be told of grants; the name is that of the group that they are to, if any."""


def shared_with(user_key: SQLColumnExpression[Any], at: SQLColumnExpression[Any]) -> Select[int]:
    """Select the keys of the experiments that are shared with an account at a moment."""
    ends = col(_Grant.expires_at)
    return select(col(_Grant.experiment_key)).where(
        _is_for(user_key), or_(ends.is_(None), ends > at)
    )


def told_of(shared: Select[int]) -> Select[*tuple[Any, ...]]:
    """Select what can be told of grants."""
    return (
        shared.with_only_columns(*(column.label(name) for name, column in TOLD.items()))
        .select_from(_Grant)
        .outerjoin(_Group, col(_Group.id) == col(_Grant.group_key))
    )


def is_narrowed(user_key: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """Return whether anything is shared with an account of which some data types are left out."""
    left_out = col(_Grant.data_types).is_not(None)
    return exists(select(col(_Grant.id)).where(_is_for(user_key), left_out))


def is_of(experiment_key: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """Return whether a grant is of an experiment."""
    return col(_Grant.experiment_key) == experiment_key


def lets_export() -> ColumnElement[bool]:
    """Return whether a grant lets the data be taken away."""
    return col(_Grant.can_export).is_(true())


def covers(data_type: RecordType | ColumnElement[str]) -> ColumnElement[bool]:
    """Return whether a grant is about a data type, or one whose name a column holds."""
    name = literal(data_type.name) if isinstance(data_type, RecordType) else data_type
    names = cast(col(_Grant.data_types), Text)
    return or_(col(_Grant.data_types).is_(None), names.contains(literal('"') + name + literal('"')))


def allows(anonymization: Anonymization) -> ColumnElement[bool]:
    """Return whether a grant lets files tell that much of who the participants are."""
    levels = [*Anonymization]  # those that tell the most come first
    enough = levels[: levels.index(anonymization) + 1]
    return col(_Grant.anonymization).in_(enough)


def groups_with(user_key: SQLColumnExpression[Any]) -> Select[int]:
    """Select the keys of the groups that an account is in."""
    return select(col(_Member.group_key)).where(col(_Member.user_key) == user_key)


def _is_for(user_key: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    return or_(col(_Grant.user_key) == user_key, col(_Grant.group_key).in_(groups_with(user_key)))
