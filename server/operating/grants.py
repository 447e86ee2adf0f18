"""What is shared of an experiment, from the command line: listed, granted, taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.audit import add
from server.errors import BadUserInput, NotFound
from server.operating.desk import at_desk, moment, origin, print_table, said
from server.records import RecordType
from server.records.audit import AuditAction
from server.records.collaborators import Collaborator
from server.records.experiments import Experiment
from server.records.exports import Anonymization
from server.records.groups import UserGroup
from server.records.users import User, UserRole
from server.timestamps import now, parse


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed of a grant."""

    can_export: bool
    data_types: Sequence[str] | None
    anonymization: str
    until: str | None

    def read(self) -> dict[str, Any]:
        """Return the columns of the grant; BadUserInput if there is no such."""
        end = None
        if self.until is not None:
            try:
                end = parse(self.until)
            except ValueError as error:
                raise BadUserInput(str(error)) from error
            if end <= now():
                raise BadUserInput("That moment is over: name one to come, or leave it out.")
        return {
            "can_export": self.can_export,
            "data_types": _types(self.data_types) if self.data_types else None,
            "anonymization": _level(self.anonymization),
            "expires_at": end,
            "granted_by_key": None,
        }


def show(data_dir: Path | None, experiment_id: str | None) -> None:
    """List what is shared, of all experiments or of one."""

    async def work(tx: AsyncConnection) -> list[list[str | None]]:
        this = (
            [] if experiment_id is None else [col(Experiment.id) == await _key(tx, experiment_id)]
        )
        asked = (
            select(
                col(Experiment.experiment_id),
                col(User.user_id),
                col(UserGroup.group_id),
                col(Collaborator.can_export),
                col(Collaborator.data_types),
                col(Collaborator.anonymization),
                col(Collaborator.expires_at),
            )
            .join(Experiment, col(Experiment.id) == col(Collaborator.experiment_key))
            .outerjoin(User, col(User.id) == col(Collaborator.user_key))
            .outerjoin(UserGroup, col(UserGroup.id) == col(Collaborator.group_key))
            .where(*this)
            .order_by(col(Experiment.experiment_id), col(Collaborator.id))
        )
        return [
            [
                id_,
                user_id or group_id,
                "export" if can_export else "view",
                " ".join(types) if types else "all",
                level,
                moment(expires_at) or "never",
            ]
            for id_, user_id, group_id, can_export, types, level, expires_at in await tx.execute(
                asked
            )
        ]

    headings = ["Experiment", "Shared with", "To", "Data types", "Identifiers", "Ends"]
    print_table(headings, at_desk(data_dir, work))


def grant(
    data_dir: Path | None, experiment_id: str, to: str, typed: Typed, reason: str | None
) -> None:
    """Share an experiment, or change what is shared with the same account or group."""

    async def work(tx: AsyncConnection) -> None:
        granted = typed.read()
        key = await _key(tx, experiment_id)
        grantee = await _grantee(tx, key, to)
        place = {"experiment_key": key, **grantee}
        changed = await tx.execute(update(Collaborator).where(*_where(place)).values(**granted))
        if not changed.rowcount:
            added = insert(Collaborator).values(**place, **granted, created_at=now())
            await tx.execute(added)
        await add(
            tx,
            origin("grants add", reason),
            AuditAction.GRANT,
            experiment_keys=[key],
            resource=to,
        )

    at_desk(data_dir, work)
    said.print(f"Shared {experiment_id} with {to}.", markup=False)


def revoke(data_dir: Path | None, experiment_id: str, to: str, reason: str | None) -> None:
    """Take back what is shared with an account or a group."""

    async def work(tx: AsyncConnection) -> None:
        key = await _key(tx, experiment_id)
        gone = 0
        if (name := await _named(tx, to)) is not None:
            place = {"experiment_key": key, **name}
            gone = (await tx.execute(delete(Collaborator).where(*_where(place)))).rowcount
        if not gone:
            raise NotFound(f"{experiment_id} is not shared with `{to}`: see `grants list`.")
        await add(
            tx,
            origin("grants revoke", reason),
            AuditAction.REVOKE,
            experiment_keys=[key],
            resource=to,
        )

    at_desk(data_dir, work)
    said.print(f"{experiment_id} is no longer shared with {to}.", markup=False)


async def _key(tx: AsyncConnection, experiment_id: str) -> int:
    """Return the key of an experiment, and let nobody else share it meanwhile."""
    this = select(col(Experiment.id)).where(col(Experiment.experiment_id) == experiment_id)
    if (key := await tx.scalar(this.with_for_update(key_share=True))) is None:
        raise NotFound(f"There is no experiment `{experiment_id}`: check the id.")
    return key


async def _grantee(tx: AsyncConnection, experiment_key: int, to: str) -> Mapping[str, int]:
    """Return to whom it is granted: a researcher's open account, not the owner's, or a group."""
    if (name := await _named(tx, to)) is None:
        raise NotFound(f"There is no account or group `{to}`: give an id, `usr_…` or `grp_…`.")
    if (user_key := name.get("user_key")) is not None:
        columns = col(User.role), col(User.disabled_at)
        role, disabled_at = (
            await tx.execute(select(*columns).where(col(User.id) == user_key))
        ).one()
        if role != UserRole.RESEARCHER or disabled_at is not None:
            raise BadUserInput(f"{to} is not an open account of a researcher's.")
        owner = select(col(Experiment.owner_key)).where(col(Experiment.id) == experiment_key)
        if await tx.scalar(owner) == user_key:
            raise BadUserInput(f"{to} owns the experiment, and sees all of it.")
    return name


async def _named(tx: AsyncConnection, to: str) -> Mapping[str, int] | None:
    user = select(col(User.id)).where(col(User.user_id) == to)
    if (user_key := await tx.scalar(user)) is not None:
        return {"user_key": user_key}
    group = select(col(UserGroup.id)).where(col(UserGroup.group_id) == to)
    group_key = await tx.scalar(group)
    return None if group_key is None else {"group_key": group_key}


def _where(place: Mapping[str, int]) -> list[Any]:
    return [getattr(Collaborator, name) == key for name, key in place.items()]


def _types(typed: Sequence[str]) -> list[str]:
    names = [each.upper().replace("-", "_") for each in typed]
    if unknown := [each for each in names if each not in RecordType.__members__]:
        known = ", ".join(each.name.lower().replace("_", "-") for each in RecordType)
        raise BadUserInput(f"There is no data type `{unknown[0].lower()}`: choose among {known}.")
    kept = {RecordType[each] for each in names}
    return [each.name for each in RecordType if each in kept]


def _level(typed: str) -> Anonymization:
    try:
        return Anonymization(typed.upper().replace("-", "_"))
    except ValueError:
        levels = ", ".join(each.lower().replace("_", "-") for each in Anonymization)
        raise BadUserInput(f"There is no such level: choose one of {levels}.") from None
