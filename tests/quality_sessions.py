"""Sessions in which all went well, record by record: for tests to break."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from server.records import RecordType
from server.records.experiments import Experiment
from server.records.participants import Participant
from server.records.rooms import Room
from server.records.users import User
from tests.conftest import Api
from tests.factories import (
    START,
    Row,
    a_component,
    a_continuous_rating,
    a_participant,
    a_recording,
    a_room,
    a_sparse_rating,
    a_sync_metric,
    a_user,
    an_event,
    an_experiment,
    save,
)

NOBODY = Row(User, {"id": 0})
FILM = 5_000
"""When the film of a session begins."""


@dataclass
class Session:
    """A room of some people, the first of them the host, who watch a film and rate it.

    Rows of a type are stored in their order in `rows`.
    """

    length: int = 60_000
    interval: int = 500
    people: int = 2
    offset: int = 300
    states_interval: bool = True
    experiment: Row = field(init=False)
    room: Row = field(init=False)
    seats: list[Row] = field(init=False)
    rows: dict[RecordType, list[Row]] = field(init=False)

    def __post_init__(self) -> None:
        self.experiment = an_experiment(NOBODY)
        self.room = a_room(self.experiment)
        self.seats = [
            a_participant(self.room, role="viewer" if number else "host")
            for number in range(self.people)
        ]
        self.rows = {each: [] for each in RecordType}
        for number, seat in enumerate(self.seats):
            self._take_part(seat, is_host=number == 0)

    @property
    def end(self) -> int:
        """When the film ends."""
        return FILM + self.length

    @property
    def at(self) -> int:
        """A moment after all that happened, in absolute time."""
        return START + self.end + 60_000

    def _take_part(self, person: Row, *, is_host: bool) -> None:
        self._show(person, "welcome", "showtext", "state_1", 100, FILM - 500)
        config = {"intervalMs": self.interval} if self.states_interval else {"labels": ["a"]}
        self._show(person, "film", "showvideo", "state_2", FILM, self.end)
        self._show(person, "dial", "continuousrating", "state_2", FILM, self.end, config)
        begin, end = self.end + 500, self.end + 9_000
        self._show(person, "bye", "videochat", "state_3", begin, end, {"record": True})
        self.event(person, end + 500, "experiment.end")
        self.rows[RecordType.CONTINUOUS_RATINGS] += [
            a_continuous_rating(person, onset=onset, component_id="cmp_dial")
            for onset in range(FILM + self.offset, self.end, self.interval)
        ]
        if not is_host:
            self.rows[RecordType.SYNC_METRICS] += [
                a_sync_metric(person, onset=onset)
                for onset in range(FILM + self.offset, self.end, 1_000)
            ]
        self.rows[RecordType.SPARSE_RATINGS].append(a_sparse_rating(person, onset=self.end + 100))
        self.rows[RecordType.RECORDINGS].append(
            a_recording(person, onset=begin + 300, storage_key="recordings/x.webm")
        )
        self.event(person, begin + 300, "video.recording.started", component_id="cmp_bye")

    def _show(
        self,
        person: Row,
        name: str,
        kind: str,
        state: str,
        begin: int,
        end: int,
        config: Any = None,
    ) -> None:
        place = {"component_id": f"cmp_{name}", "state_id": state}
        shown = {"component_type": kind, "config": config, "completed": True}
        self.rows[RecordType.COMPONENTS].append(a_component(person, onset=begin, **place, **shown))
        self.event(person, begin, "component.start", **place)
        self.event(person, end, "component.complete", **place)

    def event(self, person: Row, onset: int, event_type: str, **values: Any) -> None:
        clock = {"client_timestamp": START + onset + 250}
        place = {"component_id": None, "state_id": None}
        event = an_event(person, onset=onset, event_type=event_type, **{**place, **clock, **values})
        self.rows[RecordType.EVENTS].append(event)

    def of(self, data_type: RecordType, seat: int) -> list[Row]:
        """Return the records of a seat, in order of time."""
        mine = [row for row in self.rows[data_type] if row["participant_key"] == self.key(seat)]
        return sorted(mine, key=lambda row: row["onset"])

    def key(self, seat: int) -> int:
        return self.seats[seat].key

    def lose(self, data_type: RecordType, lost: Iterable[Row]) -> None:
        """Leave records out."""
        gone = {row.key for row in lost}
        self.rows[data_type] = [row for row in self.rows[data_type] if row.key not in gone]

    @property
    def everything(self) -> list[Row]:
        """All its rows, in an order in which they can be stored."""
        events = sorted(self.rows[RecordType.EVENTS], key=lambda row: row["onset"])
        for key, row in zip(sorted(row.key for row in events), events, strict=True):
            row["id"] = key  # events come as they happen
        records = (row for rows in self.rows.values() for row in rows)
        return [self.experiment, self.room, *self.seats, *records]


ISSUE = """code severity dataType message likelyCause affectedCount firstAt lastAt
  participant { participantId }"""
QUALITY = f"quality {{ completeness truncated checkedAt issues {{ {ISSUE} }} }}"
SUMMARY = "dataSummary { dataType recordCount completeness expectedCount }"
ALL = f"""{{ experiments(first: 100) {{ nodes {{ experimentId {QUALITY} {SUMMARY}
  rooms {{ nodes {{ {QUALITY} {SUMMARY}
    participants {{ nodes {{ participantId {QUALITY} {SUMMARY} }} }} }} }} }} }} }}"""


@dataclass(frozen=True)
class Told:
    """What is told of a session, at each level; of its participants in the order of its seats."""

    experiment: Any
    room: Any
    participants: list[Any]

    @property
    def issues(self) -> list[dict[str, Any]]:
        """The issues of the experiment: each level tells the same of what belongs to it."""
        found: list[dict[str, Any]] = self.experiment["quality"]["issues"]
        assert self.room["quality"]["issues"] == found
        own = [issue for each in self.participants for issue in each["quality"]["issues"]]
        alone = [issue for issue in found if issue["participant"] is None]
        assert sorted(map(str, own)) == sorted(
            str(issue | {"participant": None} if issue in alone else issue) for issue in found
        )
        return found

    @property
    def codes(self) -> list[str]:
        return [issue["code"] for issue in self.issues]

    @property
    def summary(self) -> dict[str, Any]:
        """What is told of each data type, by its name."""
        return {one["dataType"]: one for one in self.experiment["dataSummary"]}


async def stored(api: Api, *sessions: Session) -> Row:
    """Store sessions, and return their owner."""
    owner = a_user()
    rows = [row for session in sessions for row in session.everything]
    for session in sessions:
        session.experiment["owner_key"] = owner.key
    order = [Experiment, Room, Participant, *(each.value.model for each in RecordType)]
    await save(api.db, owner, *sorted(rows, key=lambda row: order.index(row.model)))
    return owner


async def told(api: Api, *sessions: Session) -> list[Told]:
    """Store sessions, and return what is told of each to their owner: all of them at once."""
    owner = await stored(api, *sessions)
    data = await api.ask(ALL, await api.key_of(owner.key))
    by_id = {node["experimentId"]: node for node in data["experiments"]["nodes"]}
    return [_told(session, by_id[session.experiment["experiment_id"]]) for session in sessions]


def _told(session: Session, experiment: Any) -> Told:
    [room] = experiment["rooms"]["nodes"]
    people = {each["participantId"]: each for each in room["participants"]["nodes"]}
    return Told(experiment, room, [people[seat["participant_id"]] for seat in session.seats])
