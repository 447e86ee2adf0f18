"""The demo data: a quality report names what was planted in them, and nothing else."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from server.demo.faults import (
    FAULTS,
    ClockJump,
    Fault,
    FileLost,
    NeverCompleted,
    NeverPermitted,
    SampleFault,
    Stopped,
)
from server.demo.rooms import PlannedRoom, planned_rooms
from server.demo.studies import RATING, STUDIES
from server.records import RecordType
from server.records.participants import ParticipantStatus
from server.timestamps import iso
from tests.conftest import opened
from tests.demo_data import rows

pytestmark = pytest.mark.anyio


class Named(NamedTuple):
    """An issue, as far as it is known beforehand."""

    experiment: str
    code: str
    data_type: str | None
    participant: str
    first_at: str
    last_at: str
    affected: int


async def test_the_report_names_what_was_planted_and_nothing_else(
    demo: Path, tmp_path: Path
) -> None:
    shutil.copyfile(demo / "demo.db", tmp_path / "demo.db")
    url = f"sqlite+aiosqlite:///{tmp_path}/demo.db"
    async with opened(tmp_path, database_url=url) as api:
        [owner] = rows(demo, "SELECT id FROM user WHERE user_id = 'usr_owner'")
        data = await api.ask(REPORTS, await api.key_of(owner["id"]))

    told = [
        _named(node["experimentId"], issue)
        for node in data["experiments"]["nodes"]
        for issue in node["quality"]["issues"]
        if issue["severity"] != "INFO"
    ]
    assert not any(node["quality"]["truncated"] for node in data["experiments"]["nodes"])
    assert sorted(told, key=str) == sorted([*_planted(demo), *_left_early(demo)], key=str)
    [clean] = [n for n in data["experiments"]["nodes"] if n["experimentId"] == RATING.experiment_id]
    assert [i["code"] for i in clean["quality"]["issues"]] == ["NO_SYNC_METRICS"]


REPORTS = """{ experiments { nodes { experimentId quality { truncated issues {
  code severity dataType affectedCount firstAt lastAt participant { participantId } } } } } }"""


def _named(experiment: str, issue: dict[str, Any]) -> Named:
    return Named(
        experiment,
        issue["code"],
        issue["dataType"],
        issue["participant"]["participantId"],
        issue["firstAt"],
        issue["lastAt"],
        issue["affectedCount"],
    )


def _room(study: Any, number: int) -> PlannedRoom:
    return next(r for r in planned_rooms(study, 1, 1) if r.number == number)


def _planted(demo: Path) -> Iterator[Named]:
    """Yield what each fault is to be called, of whom, and from when to when."""
    for fault in FAULTS:
        room = _room(fault.study, fault.room)
        person = room.seats[fault.seat].person.participant_id
        first, last, affected = _extent(demo, fault, room, person)
        yield Named(
            fault.study.experiment_id,
            fault.code,
            fault.data_type.name,
            person,
            iso(first),
            iso(last),
            affected,
        )


def _extent(demo: Path, fault: Fault, room: PlannedRoom, person: str) -> tuple[int, int, int]:
    """Return the first and the last moment of a fault, and how many records it is about."""

    def moments(data_type: RecordType, where: str = "1") -> list[int]:
        found = rows(
            demo,
            f"""SELECT x.timestamp FROM {data_type.value.model.table_name()} x
            JOIN participant p ON p.id = x.participant_key JOIN room r ON r.id = x.room_key
            WHERE p.participant_id = ? AND r.room_id = ? AND {where} ORDER BY x.timestamp""",
            person,
            room.room_id,
        )
        return [row[0] for row in found]

    match fault:
        case Stopped():
            there = moments(fault.data_type)
            before = max(t for t in there if t < room.start + fault.since)
            after = min(t for t in there if t >= room.start + fault.until)
            each = 1_000 if fault.data_type is RecordType.SYNC_METRICS else 250
            return before, after, round((after - before) / each) - 1
        case SampleFault():
            since, until = room.start + fault.since, room.start + fault.until
            hit = [t for t in moments(fault.data_type) if since <= t < until]
            return hit[0], hit[-1], len(set(hit))
        case ClockJump():
            moment = min(t for t in moments(fault.data_type) if t >= room.start + fault.at)
            return moment, moment, 1
        case NeverCompleted():
            began = "x.event_type = 'component.start' AND x.component_id LIKE '%_" + fault.block
            [moment] = moments(fault.data_type, f"{began}'")
            return moment, moment, 1
        case FileLost():
            lost = moments(fault.data_type)
            return lost[0], lost[-1], len(lost)
        case NeverPermitted():
            recorded = moments(RecordType.COMPONENTS, "x.component_type = 'audiorecording'")
            return recorded[0], recorded[-1], len(recorded)
        case _:
            raise AssertionError(fault)


def _left_early(demo: Path) -> Iterator[Named]:
    """Yield who left before the end, by the plan."""
    tables = " UNION ALL ".join(
        f"SELECT participant_key, timestamp FROM {each.value.model.table_name()}"
        for each in RecordType
    )
    last_signs = f"""SELECT max(timestamp) FROM ({tables}) x
        JOIN participant p ON p.id = x.participant_key JOIN room r ON r.id = p.room_key
        WHERE p.participant_id = ? AND r.room_id = ?"""
    for study in STUDIES:
        for room in planned_rooms(study, 1, 1):
            for seat in room.seats:
                if seat.ending.status is ParticipantStatus.DISCONNECTED:
                    person = seat.person.participant_id
                    [[last]] = rows(demo, last_signs, person, room.room_id)
                    assert last < room.start + seat.ending.until
                    yield Named(
                        study.experiment_id,
                        "PARTICIPANT_NOT_FINISHED",
                        None,
                        person,
                        iso(last),
                        iso(last),
                        1,
                    )


def test_a_fault_of_each_kind_is_planted_in_rooms_that_are_over() -> None:
    kinds = set(_leaves(Fault))
    assert {type(fault) for fault in FAULTS} == kinds
    for fault in FAULTS:
        assert not _room(fault.study, fault.room).running


def _leaves(kind: type[Fault]) -> Iterator[type[Fault]]:
    if not kind.__subclasses__():
        yield kind
    for each in kind.__subclasses__():
        yield from _leaves(each)
