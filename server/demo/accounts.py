"""The accounts of the demo data: one of each kind, and what is shared with whom."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from server import timestamps
from server.demo.people import person
from server.demo.seats import RETURNING
from server.demo.studies import DECIDING, WATCHING
from server.demo.tables import put_one
from server.records.collaborators import Collaborator
from server.records.exports import Anonymization
from server.records.users import User, UserRole

OPENED = timestamps.parse("2026-02-02T08:30:00Z")
MAY_EXPORT = {WATCHING.stem: True, DECIDING.stem: False}
"""What is shared with the collaborator, and whether they may export it."""


@dataclass(frozen=True)
class DemoPeople:
    """The keys of the four accounts."""

    owner: int
    collaborator: int
    participant: int
    administrator: int


async def put_accounts(tx: AsyncConnection, seed: int) -> DemoPeople:
    """Insert the accounts; the participant's is that of the person who came twice."""
    returning = person(seed, WATCHING.stem, RETURNING)
    return DemoPeople(
        owner=await _put(tx, "owner", "Dr. Ada Okonkwo", UserRole.RESEARCHER),
        collaborator=await _put(tx, "collaborator", "Björn Lindqvist", UserRole.RESEARCHER),
        participant=await _put(
            tx, "participant", returning.name, UserRole.PARTICIPANT, returning.participant_id
        ),
        administrator=await _put(tx, "administrator", "Lab office", UserRole.ADMINISTRATOR),
    )


async def share(tx: AsyncConnection, experiments: Mapping[str, int], people: DemoPeople) -> None:
    """Share some experiments, given by the stem of their study, with the collaborator."""
    for stem, can_export in MAY_EXPORT.items():
        await put_one(
            tx,
            Collaborator(
                experiment_key=experiments[stem],
                user_key=people.collaborator,
                can_export=can_export,
                anonymization=Anonymization.KEEP,
                created_at=OPENED,
            ),
        )


async def _put(
    tx: AsyncConnection, what: str, name: str, role: UserRole, participant_id: str | None = None
) -> int:
    return await put_one(
        tx,
        User(
            user_id=f"usr_{what}",
            name=name,
            role=role,
            email=f"{what}@example.org",
            participant_id=participant_id,
            created_at=OPENED,
        ),
    )
