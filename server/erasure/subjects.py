"""Who is to be erased, and by what they are known in an experiment."""

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.column_types import dump_json
from server.export.pseudonyms import address_columns
from server.records.chat_messages import ChatMessage
from server.records.participants import Participant
from server.records.sealed import SealedParticipant, SealedRecord
from server.records.users import User, UserRole
from server.sealing.store import seats_of

Who = type[Participant | SealedParticipant]
Which = Callable[[Who], ColumnElement[bool]]

PEOPLE: Sequence[Who] = (Participant, SealedParticipant)
"""The tables of people: those who have withdrawn are people, too."""

MOST_PROBES = 200
"""How many people's ids are looked for after an experiment is gone."""

SHORTEST_PROBE = 6
"""Bytes of what is looked for in a file: less stands there by chance."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of a person, or of a whole experiment, while it is being erased.

    participant_id  None of a whole experiment
    participant_keys  their rows: one a room
    names, contacts  by which nobody else in the experiment is known
    others    ids and names of others that hold one of theirs: they stay
    tombstone the id that stands in the place of theirs
    probes    what must be nowhere in the end: known from no other experiment
    salt      of the receipt's hash: thrown away
    files, recordings, exports  what is still to be deleted beside the database
    """

    participant_id: str | None = None
    participant_keys: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()
    tombstone: str = ""
    probes: tuple[str, ...] = ()
    salt: str = ""
    files: tuple[str, ...] = ()
    recordings: tuple[int, ...] = ()
    exports: tuple[int, ...] = ()

    def stored(self) -> str:
        """Return it as it is kept meanwhile: a search of the file does not find it."""
        return dump_json(asdict(self)).encode("utf-8", "surrogatepass").hex()


def read(stored: str) -> Subject:
    """Read what `stored` returned."""
    return _SUBJECT.validate_python(
        json.loads(bytes.fromhex(stored).decode("utf-8", "surrogatepass"))
    )


_SUBJECT = TypeAdapter(Subject)


async def person(
    tx: AsyncConnection, experiment_key: int, participant_id: str, tombstone: str = ""
) -> Subject:
    """Return what somebody is known by in an experiment; without keys if they are not in it."""
    keys = sorted(key for _, key in await seats_of(tx, experiment_key, participant_id))
    subject = Subject(
        participant_id=participant_id,
        participant_keys=tuple(keys),
        tombstone=tombstone,
        salt=secrets.token_hex(16),
    )
    names, contacts = await _account(tx, participant_id)
    names |= await _names(tx, experiment_key, participant_id)
    contacts |= await _contacts(tx, lambda who: _is_here(who, experiment_key, participant_id))
    other_names = await _names(tx, experiment_key, participant_id, others=True)
    other_contacts = await _contacts(
        tx, lambda who: _is_here(who, experiment_key, participant_id, others=True)
    )
    other_ids = await _ids(
        tx, lambda who: _is_here(who, experiment_key, participant_id, others=True)
    )
    unshared = _unless_shared(names, other_names)
    subject = replace(
        subject,
        names=unshared,
        contacts=_unless_shared(contacts, other_contacts),
        others=tuple(sorted(each for each in other_ids if participant_id in each)),
        other_names=_holding(unshared, other_names),
    )
    return replace(subject, probes=await _unknown_elsewhere(tx, experiment_key, subject))


async def everybody(tx: AsyncConnection, experiment_key: int) -> Subject:
    """Return what must be nowhere once a whole experiment is gone: some people's ids."""
    elsewhere = await _ids(tx, lambda who: col(who.experiment_key) != experiment_key)
    ids = await _ids(tx, lambda who: col(who.experiment_key) == experiment_key)
    some = sorted(ids - elsewhere)[:MOST_PROBES]
    probes = tuple(each for each in some if len(each.encode()) >= SHORTEST_PROBE)
    return Subject(probes=probes, salt=secrets.token_hex(16))


async def _account(tx: AsyncConnection, participant_id: str) -> tuple[set[str], set[str]]:
    found = await tx.execute(
        select(col(User.name), col(User.email)).where(
            col(User.participant_id) == participant_id, col(User.role) == UserRole.PARTICIPANT
        )
    )
    rows = found.all()
    return {name for name, _ in rows}, {email for _, email in rows if email}


async def _names(
    tx: AsyncConnection, experiment_key: int, participant_id: str, *, others: bool = False
) -> set[str]:
    names: set[str] = set()
    for model in (ChatMessage, SealedRecord):
        sender = func.coalesce(col(model.sender_id), "")
        whose = sender != participant_id if others else sender == participant_id
        here = col(model.experiment_key) == experiment_key
        found = await tx.scalars(select(col(model.sender_name)).where(here, whose).distinct())
        names.update(name for name in found if name)
    return names


async def _contacts(tx: AsyncConnection, which: Which) -> set[str]:
    contacts: set[str] = set()
    for model in PEOPLE:
        rows = await tx.execute(select(*address_columns(model)).where(which(model)).distinct())
        contacts.update(text for row in rows for text in row if text)
    return contacts


async def _ids(tx: AsyncConnection, which: Which) -> set[str]:
    ids: set[str] = set()
    for model in PEOPLE:
        ids.update(await tx.scalars(select(col(model.participant_id)).where(which(model))))
    return ids


def _is_here(
    model: Who, experiment_key: int, participant_id: str, *, others: bool = False
) -> ColumnElement[bool]:
    named = col(model.participant_id)
    whose = named != participant_id if others else named == participant_id
    return and_(col(model.experiment_key) == experiment_key, whose)


def _unless_shared(theirs: set[str], others: set[str]) -> tuple[str, ...]:
    """Leave out what others are known by as well: it is theirs, and stays."""
    shared = {each.lower() for each in others}
    return tuple(sorted(each for each in theirs if each.lower() not in shared))


def _holding(names: Sequence[str], others: set[str]) -> tuple[str, ...]:
    parts = [name.lower() for name in names]
    return tuple(sorted(each for each in others if any(part in each.lower() for part in parts)))


async def _unknown_elsewhere(
    tx: AsyncConnection, experiment_key: int, subject: Subject
) -> tuple[str, ...]:
    known = (subject.participant_id or "", *subject.contacts)
    texts = await _contacts(tx, lambda who: col(who.experiment_key) != experiment_key)
    texts |= await _ids(tx, lambda who: col(who.experiment_key) != experiment_key)
    return tuple(
        each for each in known if each not in texts and len(each.encode()) >= SHORTEST_PROBE
    )
