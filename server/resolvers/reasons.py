"""Why somebody may do what they may: a sentence for people."""

from collections.abc import Sequence
from typing import Any

from server.access import Actor
from server.records import RecordType
from server.records.exports import Anonymization
from server.records.users import UserRole
from server.timestamps import iso

EXPORT, MANAGE, DELETE = "export:data", "write:experiments", "delete:experiments"
"""The scopes that a key needs for what is not just looking."""


def reason(actor: Actor, rights: Any, grants: Sequence[Any]) -> str:  # noqa: ANN401 - rows
    """Say why an actor may see an experiment, and how the key narrows that.

    `rights` is what the actor may do by themselves, `grants` what is shared with them.
    """
    needed = [*[EXPORT] * bool(rights.may_export), *[MANAGE, DELETE] * bool(rights.owns)]
    lacking = [f"`{scope}`" for scope in needed if not actor.may(scope)]
    lacks = [f"This API key lacks {_listed(lacking)}."] if lacking else []
    return " ".join([_by_right(actor, rights, grants), *lacks])


def _by_right(actor: Actor, rights: Any, grants: Sequence[Any]) -> str:  # noqa: ANN401 - rows
    if rights.owner_key == actor.user_key:
        return "You own it."
    if actor.role is UserRole.ADMINISTRATOR:
        return "You are an administrator."
    if actor.role is UserRole.PARTICIPANT:
        return "It lets participants see their own data."
    return " ".join(map(_shared, grants))


def _shared(grant: Any) -> str:  # noqa: ANN401 - a row
    through = "" if grant.group_name is None else f" through the group {grant.group_name}"
    until = "" if grant.expires_at is None else f" until {iso(grant.expires_at)[:10]}"
    return f"Shared with you{through}{until}: {_what(grant)}."


def _what(grant: Any) -> str:  # noqa: ANN401 - a row
    named = [each.value.title for each in RecordType if each.name in (grant.data_types or ())]
    view = f"view {_listed(named)}" if named else "view"
    seen, taken = _LEVELS[Anonymization(grant.anonymization)]
    return f"{view}{seen}, and export {taken}" if grant.can_export else f"{view}{seen}"


_LEVELS = {
    Anonymization.KEEP: (" with identifiers", "the same"),
    Anonymization.REMOVE_IDENTIFIERS: ("", "without identifiers"),
    Anonymization.AGGREGATE_ONLY: ("", "statistics alone"),
}
"""What is said of viewing, and of exporting."""


def _listed(names: Sequence[str]) -> str:
    *some, last = names
    return f"{', '.join(some)} and {last}" if some else last
