"""Experiments of which this and that is shared, and what a plain model says of who sees what."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete
from sqlmodel import col

from server.global_ids import global_id
from server.records import RecordType
from server.records.collaborators import Collaborator
from server.records.exports import Anonymization
from server.records.groups import GroupMember, UserGroup
from server.timestamps import now
from tests.conftest import Api
from tests.factories import (
    A_RECORD,
    Row,
    a_grant,
    a_group,
    a_participant,
    a_room,
    a_user,
    an_experiment,
    in_group,
    save,
)

PERSON = "p" * 28
SEVEN = " ".join(f"{t.value.name} {{ totalCount nodes {{ id }} }}" for t in RecordType)
COUNTS = "dataSummary { dataType recordCount }"
LISTS = f"""{{ experiments {{ totalCount nodes {{ id roomCount participantCount {SEVEN} {COUNTS}
  participants {{ totalCount nodes {{ id }} }}
  rooms {{ totalCount nodes {{ id participantCount {SEVEN} {COUNTS}
    participants {{ totalCount nodes {{ id availableData {SEVEN} {COUNTS} }} }} }} }} }} }} }}"""
HOUR = 3_600_000


@dataclass(frozen=True)
class Grant:
    """What is shared of an experiment: the plain model of a grant."""

    can_export: bool = False
    anonymization: Anonymization = Anonymization.KEEP
    types: frozenset[RecordType] | None = None
    over: bool | None = None
    """Whether it has ended; None if it never does."""
    to_group: bool = False

    def covers(self, kind: RecordType) -> bool:
        return self.types is None or kind in self.types

    def tells(self, level: Anonymization) -> bool:
        return [*Anonymization].index(self.anonymization) <= [*Anonymization].index(level)

    @property
    def columns(self) -> dict[str, Any]:
        ends = None if self.over is None else now() + (-HOUR if self.over else HOUR)
        return {
            "can_export": self.can_export,
            "anonymization": self.anonymization.value,
            "data_types": None if self.types is None else sorted(each.name for each in self.types),
            "expires_at": ends,
        }


@dataclass(frozen=True)
class Rights:
    """What somebody may do with an experiment by what is shared with them."""

    grants: tuple[Grant, ...]

    @property
    def live(self) -> list[Grant]:
        return [grant for grant in self.grants if not grant.over]

    @property
    def sees(self) -> bool:
        return bool(self.live)

    @property
    def types(self) -> list[RecordType]:
        return [each for each in RecordType if any(grant.covers(each) for grant in self.live)]

    @property
    def identified(self) -> bool:
        return any(grant.tells(Anonymization.KEEP) for grant in self.live)

    def may_export(
        self, types: Collection[RecordType] = (), level: Anonymization | None = None
    ) -> bool:
        enough = [g for g in self.live if g.can_export and (level is None or g.tells(level))]
        return bool(enough) and all(any(g.covers(each) for g in enough) for each in types)


@dataclass
class Lab:
    """Three experiments: `shared` lets participants look, `lent` does not, `private` is another's.

    Each has a room with two people, of whom one is in all rooms; each has a record of each type.
    """

    api: Api
    users: Mapping[str, Row]
    rows: Mapping[str, list[Row]]
    groups: list[Row] = field(default_factory=list[Row])

    async def key(self, who: str, *scopes: str) -> str:
        return await self.api.key_of(self.users[who].key, *scopes)

    async def seen_in_lists(self, who: str) -> set[str]:
        """Return the ids of all that someone is shown, having checked that the counts agree."""
        data = await self.api.ask(LISTS, await self.key(who))
        return _ids(data)

    def of(
        self,
        experiment: str,
        person: str | None = None,
        types: Collection[RecordType] = tuple(RecordType),
    ) -> set[str]:
        """Return the ids of what is in an experiment; of a person's own part of it, if named."""
        rows = self.rows[experiment]
        people = {r.key for r in rows if r.get("participant_id") == person}
        left_out = {each.value.model for each in RecordType if each not in types}
        return {
            id_of(row)
            for row in rows
            if row.model not in left_out
            and (
                person is None
                or row.model.__name__ in ("Experiment", "Room")
                or row.get("participant_key", row.key) in people
            )
        }

    async def share(self, grants: Sequence[Grant], experiment: str = "shared") -> str:
        """Share an experiment anew, with one guest alone; return a key of theirs."""
        api, guest = self.api, self.users["guest"]
        there = self.rows[experiment][0]
        async with api.db.write() as tx:
            await tx.execute(
                delete(Collaborator).where(
                    (col(Collaborator.user_key) == guest.key)
                    | col(Collaborator.group_key).is_not(None)
                )
            )
            await tx.execute(delete(GroupMember))
            await tx.execute(delete(UserGroup))
        groups = [a_group(self.users["other"]) for grant in grants if grant.to_group]
        spare = iter(groups)
        to = [next(spare) if grant.to_group else guest for grant in grants]
        await save(
            api.db,
            *groups,
            *(in_group(group, guest) for group in groups),
            *(a_grant(there, who, **g.columns) for g, who in zip(grants, to, strict=True)),
        )
        return await self.key("guest")


def id_of(row: Row) -> str:
    return global_id(row.model.__name__, row.key)


def _ids(shown: Any) -> set[str]:
    if isinstance(shown, list):
        return set().union(*map(_ids, shown))
    if not isinstance(shown, dict):
        return set()
    if "totalCount" in shown:
        assert shown["totalCount"] == len(shown["nodes"])
    for summary in shown.get("dataSummary", ()):
        name = RecordType[summary["dataType"]].value.name
        assert summary["recordCount"] == shown[name]["totalCount"]
    if "availableData" in shown:
        there = [each.name for each in RecordType if shown[each.value.name]["totalCount"]]
        assert shown["availableData"] == there
    if "participantCount" in shown:
        assert shown["participantCount"] == shown["participants"]["totalCount"]
    own = {shown["id"]} if "id" in shown else set()
    return own.union(*map(_ids, shown.values()))


async def a_lab(api: Api) -> Lab:
    """Store a lab."""
    users = {
        "owner": a_user(),
        "viewer": a_user(),
        "exporter": a_user(),
        "other": a_user(),
        "outsider": a_user(),
        "guest": a_user(),
        "administrator": a_user(role="ADMINISTRATOR"),
        "participant": a_user(role="PARTICIPANT", participant_id=PERSON),
        "stranger": a_user(role="PARTICIPANT", participant_id="s" * 28),
        "nobody": a_user(role="PARTICIPANT"),
    }
    rows = {}
    for name in ("shared", "lent", "private"):
        owner = users["other" if name == "private" else "owner"]
        experiment = an_experiment(
            owner, experiment_id=name, participants_may_request_data=name == "shared"
        )
        room = a_room(experiment, room_id=f"room of {name}")
        people = (
            a_participant(room, participant_id=PERSON, email="p@example.org", ip_address="::1"),
            a_participant(room, user_agent="Lynx"),
        )
        records = [A_RECORD[kind](person) for kind in RecordType for person in people]
        rows[name] = [experiment, room, *people, *records]
    grants = [
        a_grant(rows["shared"][0], users["viewer"]),
        a_grant(rows["shared"][0], users["exporter"], can_export=True),
    ]
    await save(api.db, *users.values(), *(row for each in rows.values() for row in each), *grants)
    return Lab(api, users, rows)
