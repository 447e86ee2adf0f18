"""Two people in a room, one of whom withdraws, and all that can be asked of where they were."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLInterfaceType, GraphQLObjectType, get_named_type, is_leaf_type
from sqlalchemy import inspect, select

from server.db import Stored
from server.global_ids import global_id
from server.records import RecordType
from server.records.participants import Participant
from server.records.quarantine import QuarantinedRecord
from tests.access_matrix import ARGUMENTS, BUILT, VARIABLES
from tests.conftest import Api
from tests.factories import (
    A_RECORD,
    Row,
    a_chat_message,
    a_grant,
    a_participant,
    a_room,
    a_user,
    an_experiment,
    in_quarantine,
    save,
)

GONE = "gone-person-28-characters-id"
SECRET = "gone-secret"
"""Who withdraws, and what stands in each text of theirs."""

WITHDRAW = """mutation ($input: WithdrawalInput!) { participantWithdraw(input: $input) {
  withdrawal { id participantId dataTypes fromAt reason sealedAt liftedAt restoredAt
    sealed { dataType count } }
  userErrors { code message field } } }"""
LIFT = """mutation ($id: ID!) { participantWithdrawalLift(id: $id) {
  withdrawal { id liftedAt restoredAt sealed { dataType count } } userErrors { code } } }"""

Answer = dict[str, Any]


@dataclass
class Lab:
    """An experiment, who may look at it, and all rows of the person who will be gone."""

    api: Api
    users: Mapping[str, Row]
    experiment: Row
    room: Row
    gone: Row
    partner: Row
    theirs: list[Row]

    async def key(self, who: str) -> str:
        return await self.api.key_of(self.users[who].key)

    async def withdraw(self, who: str = "owner", **changes: Any) -> Answer:
        asked = {"experimentId": self.experiment["experiment_id"], "participantId": GONE}
        answer = await self.api.ask(WITHDRAW, await self.key(who), input={**asked, **changes})
        payload: Answer = answer["participantWithdraw"]
        return payload

    async def withdrawn(self, who: str = "owner", **changes: Any) -> Answer:
        payload = await self.withdraw(who, **changes)
        assert payload["userErrors"] == []
        withdrawal: Answer = payload["withdrawal"]
        return withdrawal

    async def lift(self, id_: str, who: str = "owner") -> Answer:
        answer = await self.api.ask(LIFT, await self.key(who), id=id_)
        payload: Answer = answer["participantWithdrawalLift"]
        return payload

    @property
    def places(self) -> Answer:
        return {
            "experimentId": self.experiment["experiment_id"],
            "roomId": self.room["room_id"],
            "participantId": self.partner["participant_id"],
        }

    async def everything(self, who: str) -> str:
        """Return what somebody is told, as text: at three levels, and by the old global ids."""
        told: list[str] = []
        key = await self.key(who)
        for document in DOCUMENTS:
            given = {name: self.places[name] for name in self.places if f"${name}:" in document}
            told.append((await self.api.post(document, key, **given)).text)
        ids = [global_id(row.model.__name__, row.key) for row in (self.gone, *self.theirs)]
        nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }"
        found = (await self.api.ask(nodes, key, ids=ids))["nodes"]
        told += [f"{GONE} was found" for each in found if each is not None]
        told.append((await self.api.post(LISTS, key)).text)
        return "\n".join(told)

    async def stored(self) -> str:
        """Return all that is in the tables that anybody reads, as text."""
        async with self.api.db.read() as tx:
            aside = (await tx.execute(select(QuarantinedRecord))).all()
        return f"{await self.rows()} {aside}"

    async def rows(self) -> dict[str, list[Answer]]:
        """Return all rows of the person, and of their partner, table by table."""
        there: dict[str, list[Answer]] = {}
        async with self.api.db.read() as tx:
            models: list[type[Stored]] = [Participant, *(each.value.model for each in RecordType)]
            for model in models:
                columns = inspect(model).columns
                found = await tx.execute(select(*columns).order_by(columns["id"]))
                there[model.table_name()] = [dict(row) for row in found.mappings()]
        return there


async def a_lab(api: Api, **changes: Any) -> Lab:
    """Store a lab, with texts that tell who is gone in all of their rows."""
    users = {who: a_user() for who in ("owner", "viewer", "administrator", "partner", "gone")}
    users["administrator"]["role"] = "ADMINISTRATOR"
    experiment = an_experiment(users["owner"], participants_may_request_data=True)
    room = a_room(experiment)
    email = f"{SECRET}@example.org"
    partner = a_participant(room)
    gone = a_participant(
        room, participant_id=GONE, email=email, ip_address="203.0.113.77", user_agent=SECRET
    )
    for who, person in (("partner", partner), ("gone", gone)):
        users[who] |= {"role": "PARTICIPANT", "participant_id": person["participant_id"]}
    theirs = [_told(A_RECORD[each](gone)) for each in RecordType for _ in range(2)]
    for row in theirs:
        if row.model.__name__ == "Recording":
            row["storage_key"] = f"recordings/{row.key}.webm"
    others = [A_RECORD[each](partner) for each in RecordType]
    others.append(a_chat_message(partner, recipient_ids=[GONE], content="Hello you"))
    plain = [row for row in users.values() if "participant_id" not in row]
    named = [row for row in users.values() if "participant_id" in row]
    grant = a_grant(experiment, users["viewer"], can_export=True)
    aside = in_quarantine(
        users["owner"],
        experiment_key=experiment.key,
        room_id=room["room_id"],
        participant_id=GONE,
        data_type="EVENTS",
        record={"participantId": GONE, "value": SECRET},
    )
    rows = (experiment, room, partner, gone, *others, *theirs, grant, aside)
    await save(api.db, *plain, *named, *rows)
    return Lab(api, users, experiment, room, gone, partner, theirs)


def _told(row: Row) -> Row:
    """Put the secret into each text of a record that may hold any."""
    free = (
        "event_category",
        "component_type",
        "response",
        "config",
        "content",
        "sender_name",
        "file_name",
        "state_name",
        "variables",
        "value",
        "component_id",
    )
    for column in inspect(row.model).columns:
        if column.key in free and column.key in row.model.model_fields:
            kind = str(column.type).upper()
            if "CHAR" in kind or "TEXT" in kind or kind in ("JSONTYPE()", "AUTOSTRING()"):
                row[column.key] = f"{SECRET} {row.key}"
    return row


_LEFT_OUT = ("withdrawals", "exports", "edges", "schedule")
"""The owner's view of withdrawals, and what only repeats the rest."""


def _selection(type_: Any, depth: int) -> str:
    if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        return "__typename"
    shown = ["__typename"]
    for name, field in type_.fields.items():
        inner = get_named_type(field.type)
        if name in _LEFT_OUT or (not is_leaf_type(inner) and depth == 0):
            continue
        given = [
            f"{argument}: {ARGUMENTS.get(f'{name}.{argument}') or ARGUMENTS[argument]}"
            for argument, each in field.args.items()
            if f"{name}.{argument}" in ARGUMENTS or _is_needed(each)
        ]
        arguments = f"({', '.join(given)})" if given else ""
        inside = "" if is_leaf_type(inner) else f" {{ {_selection(inner, depth - 1)} }}"
        shown.append(f"{name}{arguments}{inside}")
    return " ".join(shown)


def _is_needed(argument: Any) -> bool:
    return str(argument.type).endswith("!") and argument.ast_node.default_value is None


def _document(root: str, type_name: str, depth: int) -> str:
    asked = f"{root} {{ {_selection(BUILT.type_map[type_name], depth)} }}"
    names = sorted(set(re.findall(r"\$(\w+)", asked)))
    declared = ", ".join(f"${name}: {VARIABLES[name]}" for name in names)
    return f"query ({declared}) {{ {asked} }}"


DOCUMENTS = (
    _document("experiment(experimentId: $experimentId)", "Experiment", 2),
    _document("room(roomId: $roomId)", "Room", 2),
    _document("participant(roomId: $roomId, participantId: $participantId)", "Participant", 2),
)
LISTS = """{ quarantine { totalCount nodes { participantId record } }
  auditLog { nodes { action resource reason } } experiments { nodes { participantCount } } }"""
