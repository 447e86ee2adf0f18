"""Sensible rows of every table, so that a test names only what it is about.

Each factory gives a row whose key is set already, so that rows can refer to one another before
any of them is saved:

    owner = a_user()
    experiment = an_experiment(owner)
    room = a_room(experiment)
    person = a_participant(room)
    await save(db, owner, experiment, room, person, an_event(person, onset=-5))
"""

from collections.abc import Callable, Mapping
from itertools import count, groupby
from typing import Any

from sqlalchemy import insert

from server.db import Database, Stored
from server.records import RecordType
from server.records.chat_messages import ChatMessage
from server.records.collaborators import Collaborator
from server.records.components import Component
from server.records.continuous_ratings import ContinuousRating
from server.records.erasures import Erasure
from server.records.events import Event
from server.records.experiments import Experiment
from server.records.groups import GroupMember, UserGroup
from server.records.participants import Participant
from server.records.quarantine import QuarantinedRecord
from server.records.recordings import Recording
from server.records.rooms import Room
from server.records.sparse_ratings import SparseRating
from server.records.sync_metrics import SyncMetric
from server.records.users import User

START = 1_729_434_645_123
"""2024-10-20T14:30:45.123Z: when every room starts, unless a test says otherwise."""

_numbers = count(1)


class Row(dict[str, Any]):
    """The values of a row, the table it belongs in, and public ids of where, if a test says."""

    def __init__(self, model: type[Any], values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.model = model
        self.place: dict[str, str] = {}

    @property
    def key(self) -> int:
        key: int = self["id"]
        return key


def a_user(**changes: Any) -> Row:
    n = next(_numbers)
    values = {"user_id": f"usr_{n}", "name": f"User {n}", "role": "RESEARCHER", "created_at": START}
    return Row(User, {"id": n, **values, **changes})


def an_experiment(owner: Row, **changes: Any) -> Row:
    n = next(_numbers)
    values = {
        "experiment_id": f"exp_{n}",
        "name": f"Experiment {n}",
        "status": "ACTIVE",
        "created_at": START,
        "updated_at": START,
        "roles": ["host", "guest"],
        "participants_may_request_data": False,
        "owner_key": owner.key,
    }
    return Row(Experiment, {"id": n, **values, **changes})


def a_group(owner: Row, **changes: Any) -> Row:
    n = next(_numbers)
    values = {
        "group_id": f"grp_{n}",
        "name": f"Group {n}",
        "created_at": START,
        "owner_key": owner.key,
    }
    return Row(UserGroup, {"id": n, **values, **changes})


def in_group(group: Row, user: Row) -> Row:
    return Row(GroupMember, {"group_key": group.key, "user_key": user.key})


def a_grant(experiment: Row, to: Row, **changes: Any) -> Row:
    """Let a user, or a group, view an experiment, all of it, until it is taken back."""
    is_group = to.model is UserGroup
    values = {
        "experiment_key": experiment.key,
        "user_key": None if is_group else to.key,
        "group_key": to.key if is_group else None,
        "can_export": False,
        "anonymization": "KEEP",
    }
    return Row(Collaborator, {"id": next(_numbers), **values, **changes})


def a_room(experiment: Row, **changes: Any) -> Row:
    n = next(_numbers)
    values = {
        "room_id": f"room_{n}",
        "status": "COMPLETED",
        "start_time": START - 60_000,
        "end_time": START + 600_000,
        "experiment_start": START,
        "experiment_key": experiment.key,
    }
    return Row(Room, {"id": n, **values, **changes})


def a_participant(room: Row, **changes: Any) -> Row:
    n = next(_numbers)
    values = {
        "participant_id": f"person{n:022}",
        "role": "host",
        "status": "COMPLETED",
        "joined_at": START - 30_000,
        "experiment_key": room["experiment_key"],
        "room_key": room.key,
    }
    return Row(Participant, {"id": n, **values, **changes})


def _a_record(model: type[Stored], participant: Row, **values: Any) -> Row:
    place = {
        "experiment_key": participant["experiment_key"],
        "room_key": participant["room_key"],
        "participant_key": participant.key,
    }
    onset = values.get("onset", 1_000)
    moment = {"onset": onset, "timestamp": START + onset}
    return Row(model, {"id": next(_numbers), **place, **moment, **values})


def an_event(participant: Row, **changes: Any) -> Row:
    values = {"event_id": f"evt_{next(_numbers)}", "event_type": "component.complete"}
    return _a_record(Event, participant, **{**values, **changes})


def a_recording(participant: Row, **changes: Any) -> Row:
    values = {"recording_id": f"rec_{next(_numbers)}", "kind": "VIDEO", "status": "completed"}
    return _a_record(Recording, participant, **{**values, **changes})


def a_chat_message(participant: Row, **changes: Any) -> Row:
    values: dict[str, Any] = {
        "message_id": f"msg_{next(_numbers)}",
        "sender_id": participant["participant_id"],
        "content": "Hello",
        "recipient_ids": [],
    }
    return _a_record(ChatMessage, participant, **{**values, **changes})


def a_continuous_rating(participant: Row, **changes: Any) -> Row:
    values = {"rating_id": f"rat_{next(_numbers)}", "value": 0.5}
    return _a_record(ContinuousRating, participant, **{**values, **changes})


def a_sparse_rating(participant: Row, **changes: Any) -> Row:
    values = {"rating_id": f"rat_{next(_numbers)}", "value": 4}
    return _a_record(SparseRating, participant, **{**values, **changes})


def a_sync_metric(participant: Row, **changes: Any) -> Row:
    values = {"metric_id": f"syn_{next(_numbers)}", "time_drift": -12.5}
    return _a_record(SyncMetric, participant, **{**values, **changes})


def a_component(participant: Row, **changes: Any) -> Row:
    n = next(_numbers)
    values = {"component_id": f"cmp_{n}", "component_type": "showvideo"}
    return _a_record(Component, participant, **{**values, **changes})


def in_quarantine(sender: Row, **changes: Any) -> Row:
    n = next(_numbers)
    values = {
        "refused_at": START,
        "code": "NOT_AN_OBJECT",
        "message": "A record is a JSON object: send one.",
        "record": n,
        "experiment_key": None,
        "sender_key": sender.key,
        "digest": f"digest {n}",
    }
    return Row(QuarantinedRecord, {"id": n, **values, **changes})


def an_erasure(experiment_key: int, asked_by: Row, **changes: Any) -> Row:
    """Have something be erased, but not yet."""
    n = next(_numbers)
    values = {
        "kind": "PARTICIPANT",
        "status": "REQUESTED",
        "experiment_id": f"exp_{experiment_key}",
        "requested_at": START,
        "due_at": START * 2,
        "experiment_key": experiment_key,
        "requested_by_key": asked_by.key,
        "digest": f"digest {n}",
        "counts": {},
    }
    return Row(Erasure, {"id": n, **values, **changes})


A_RECORD: Mapping[RecordType, Callable[..., Row]] = {
    RecordType.EVENTS: an_event,
    RecordType.RECORDINGS: a_recording,
    RecordType.CHAT_MESSAGES: a_chat_message,
    RecordType.CONTINUOUS_RATINGS: a_continuous_rating,
    RecordType.SPARSE_RATINGS: a_sparse_rating,
    RecordType.SYNC_METRICS: a_sync_metric,
    RecordType.COMPONENTS: a_component,
}
"""The factory of each data type."""


async def save(db: Database, *rows: Row) -> None:
    """Store rows in the order given, in one transaction: whoever is referred to comes first."""
    async with db.write() as tx:
        for _, alike in groupby(rows, _shape):
            batch = list(alike)
            await tx.execute(insert(batch[0].model), [dict(row) for row in batch])


def _shape(row: Row) -> tuple[type[Stored], tuple[str, ...]]:
    return row.model, tuple(row)
