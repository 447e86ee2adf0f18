"""An account of a participant, whose records name others wherever a text can be."""

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)
from sqlalchemy import inspect

from server.column_types import JsonType
from server.global_ids import global_id
from server.records import RecordType
from server.resolvers.own_columns import holds_text, is_closed
from tests.access_matrix import BUILT
from tests.conftest import Api
from tests.factories import (
    A_RECORD,
    Row,
    a_chat_message,
    a_participant,
    a_room,
    a_user,
    an_experiment,
    save,
)

ANNA, BEN, CLEO = "AnnaQx7TtRr2mmB0aaZZ19kLpWe4", "BenQx7TtRr2mmB0aaZZ19kLpWe41", "Cleo-3-Cleo"
DAN = "DanQx7TtRr2mmB0aaZZ19kLpWe41"
"""Somebody in another experiment of Anna's."""

ANNA_IS = {"email": "anna.s@uni-x.example", "ip_address": "192.0.2.44", "user_agent": "AnnaPhone 1"}
BEN_IS = {"email": "ben@uni-x.example", "ip_address": "192.0.2.45", "user_agent": "BenPhone 7.0"}
CLEO_IS = {"email": "Cleo at uni x", "ip_address": "2001:db8::7f", "user_agent": None}
DAN_IS = {"email": "dan@uni-y.example", "ip_address": None, "user_agent": None}
ANNA_NAME, BEN_NAME, CLEO_NAME = "Anna Smith", "Ben Smith", "Клео"
"""Anna shares a name with nobody, though a part of one with Ben."""

OWN = (ANNA, *ANNA_IS.values(), ANNA_NAME)
IDS = (BEN, CLEO, DAN)
OTHERS = tuple(
    text
    for text in (*IDS, *BEN_IS.values(), *CLEO_IS.values(), *DAN_IS.values(), BEN_NAME, CLEO_NAME)
    if text is not None
)
EVERYTHING = " | ".join((*OWN, *OTHERS))


@dataclass(frozen=True)
class Lab:
    """What is stored, and the keys of Anna's account and of the researcher's."""

    api: Api
    experiment: Row
    room: Row
    rows: Sequence[Row]
    """All that Anna sees."""
    anna: str
    owner: str


async def a_lab(api: Api) -> Lab:
    """Store a room of three, of whom Anna has records of all types, and one of Anna and Dan."""
    owner, anna = a_user(), a_user(role="PARTICIPANT", participant_id=ANNA)
    letting = {"participants_may_request_data": True}
    experiment = an_experiment(
        owner, name=EVERYTHING, description=EVERYTHING, roles=[EVERYTHING], **letting
    )
    room = a_room(experiment, room_id=f"room_of_{BEN}_{ANNA}", completion_reason=EVERYTHING)
    people = [
        a_participant(room, participant_id=ANNA, **ANNA_IS),
        a_participant(room, participant_id=BEN, **BEN_IS),
        a_participant(room, participant_id=CLEO, **CLEO_IS),
    ]
    elsewhere = an_experiment(owner, name=EVERYTHING, **letting)
    second = a_room(elsewhere)
    there = [a_participant(second, participant_id=ANNA), a_participant(second, **DAN_IS)]
    there[1]["participant_id"] = DAN
    named = [
        a_chat_message(person, sender_name=name, content="Hello")
        for person, name in zip(people, (ANNA_NAME, BEN_NAME, CLEO_NAME), strict=True)
    ]
    records = [_telling(kind, people[0]) for kind in RecordType]
    await save(api.db, owner, experiment, room, *people, elsewhere, second, *there)
    await save(api.db, anna, *named, *records)
    seen = [experiment, room, people[0], elsewhere, second, there[0], named[0], *records]
    keys = await api.key_of(anna.key), await api.key_of(owner.key)
    return Lab(api, experiment, room, seen, *keys)


def _telling(kind: RecordType, person: Row) -> Row:
    """Return a record that tells of everybody in each column that takes text."""
    model, told = kind.value.model, dict[str, Any]()
    for name, column in inspect(model).columns.items():
        if not holds_text(column) or is_closed(model, name) or name == "sha256":
            continue  # a digest is no text that somebody wrote
        if isinstance(column.type, JsonType):
            told[name] = [ANNA, BEN, CLEO, "nobody we know"] if name.endswith("_ids") else _json()
        else:
            told[name] = EVERYTHING
    if "sender_id" in told:
        told |= {"sender_id": BEN, "sender_name": BEN_NAME}
    return A_RECORD[kind](person, **told)


def _json() -> dict[str, Any]:
    return {
        "text": EVERYTHING,
        BEN: {"deep": [[EVERYTHING, {BEN_IS["email"]: 1, CLEO: {CLEO: 2}}]]},
        "first-name": BEN_NAME,
        "name": ANNA_NAME,
        "email": "nobody we know",
        "profile": {"Phone": "555 0199", "ip": [1, 2]},
        "own": list(OWN),
        "big": 2**70,
    }


ARGUMENTS = {
    "eventCounts": "(by: COMPONENT)",
    "syncWindows": "(windowMs: 1000)",
    "statistics": "(groupBy: [QUESTION, COMPONENT, COMPONENT_TYPE, DIMENSION, STIMULUS, STATE, "
    "ROOM, PARTICIPANT])",
    "alignedRatings": '(componentId: "cmp_1", everyMs: 1000)',
    "dataSummary": "",
}


def whole(type_name: str, passed: tuple[str, ...] = ()) -> str:
    """Return a selection of all there is of a type, but for what leads back."""
    type_ = BUILT.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
    selected = ["__typename"]
    for name, field in type_.fields.items():
        shown = get_named_type(field.type)
        required = [each for each, given in field.args.items() if is_required_argument(given)]
        leads_back = shown.name in (*passed, type_name) or name == "edges"  # as `nodes`
        if (required and name not in ARGUMENTS) or leads_back:
            continue
        asked = f"{name}{ARGUMENTS.get(name, '')}"
        if is_leaf_type(shown):
            selected.append(asked)
        elif not isinstance(shown, GraphQLUnionType):
            selected.append(f"{asked} {{ {whole(shown.name, (*passed, type_name))} }}")
    return " ".join(selected)


def everything() -> str:
    """Return a query of all that a list of experiments leads to."""
    return f"{{ experiments {{ {whole('ExperimentConnection')} }} }}"


def by_ids(rows: Sequence[Row]) -> str:
    """Return a query of all columns of rows, by their global ids."""
    ids = json.dumps([global_id(row.model.__name__, row.key) for row in rows])
    kinds = sorted({row.model.__name__ for row in rows})
    shown = " ".join(f"... on {kind} {{ {_columns(kind)} }}" for kind in kinds)
    return f"{{ nodes(ids: {ids}) {{ {shown} }} }}"


def _columns(kind: str) -> str:
    type_ = BUILT.type_map[kind]
    assert isinstance(type_, GraphQLObjectType)
    return " ".join(
        f"{kind.lower()}_{name}: {name}"
        for name, field in type_.fields.items()
        if is_leaf_type(get_named_type(field.type)) and not field.args
    )


def texts(shown: Any) -> Iterator[str]:
    """Yield all texts of an answer, keys of JSON and what stands in cursors among them."""
    if isinstance(shown, dict):
        for key, value in shown.items():
            yield key
            yield from texts(value)
    elif isinstance(shown, list):
        for value in shown:
            yield from texts(value)
    elif isinstance(shown, str):
        yield shown
        with suppress(binascii.Error, UnicodeError, ValueError):
            yield base64.urlsafe_b64decode(shown + "==").decode()


def named_in(shown: Any, secrets: Sequence[str] = OTHERS) -> set[str]:
    """Return who is named anywhere in an answer."""
    found = "\n".join(texts(shown)).lower()
    return {secret for secret in secrets if secret.lower() in found}
