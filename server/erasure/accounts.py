"""Accounts of participants: they are for looking at data that is no longer there."""

from typing import Any

from sqlalchemy import ColumnElement, delete, select, union_all, update
from sqlmodel import col

from server.erasure.pieces import Piece
from server.erasure.subjects import PEOPLE
from server.records.api_keys import ApiKey, ApiKeyAddress
from server.records.collaborators import Collaborator
from server.records.groups import GroupMember
from server.records.sessions import BrowserSession, Identity, SignInLink
from server.records.users import User, UserRole

_THEIRS: tuple[Any, ...] = (BrowserSession, SignInLink, Identity, GroupMember, Collaborator)


async def delete_accounts(piece: Piece) -> int:
    """Delete the accounts of those who are in no other experiment, with all that is theirs."""
    tx, key = piece.tx, piece.experiment_key
    people = [(col(each.participant_id), col(each.experiment_key)) for each in PEOPLE]
    elsewhere = union_all(*(select(name).where(there != key) for name, there in people))
    named: ColumnElement[bool]
    if piece.subject.participant_id is None:
        here = union_all(*(select(name).where(there == key) for name, there in people))
        named = col(User.participant_id).in_(here)
    else:
        named = col(User.participant_id) == piece.subject.participant_id
    found = await tx.scalars(
        select(col(User.id)).where(
            named,
            col(User.role) == UserRole.PARTICIPANT,
            col(User.participant_id).not_in(elsewhere),
        )
    )
    accounts = found.all()
    api_keys = select(col(ApiKey.id)).where(col(ApiKey.user_key).in_(accounts))
    for model in _THEIRS:
        await tx.execute(delete(model).where(col(model.user_key).in_(accounts)))
    await tx.execute(delete(ApiKeyAddress).where(col(ApiKeyAddress.api_key_key).in_(api_keys)))
    await tx.execute(delete(ApiKey).where(col(ApiKey.user_key).in_(accounts)))
    granted = col(Collaborator.granted_by_key).in_(accounts)
    await tx.execute(update(Collaborator).where(granted).values(granted_by_key=None))
    await tx.execute(delete(User).where(col(User.id).in_(accounts)))
    return len(accounts)
