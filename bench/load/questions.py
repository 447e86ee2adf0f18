"""What the clients ask: a mix of pages, lists and summaries, each of any room."""

import random
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.reading.queries import Q1, Q2, Q3

_ROOM = """query($room: String!) { room(roomId: $room) { roomId status
  participants(first: 10) { nodes { participantId role status } }
  continuousRatings(first: 50) { nodes { timestamp value }
    pageInfo { hasNextPage endCursor } } } }"""
_EVENTS = """query($room: String!, $type: String!) { room(roomId: $room) {
  events(first: 50, filter: { eventType: { startsWith: $type } }) {
    totalCount nodes { eventId eventType timestamp onset response } } } }"""
_SUMMARY = """query($experiment: String!) { experiment(experimentId: $experiment) {
  name dataSummary { dataType recordCount } } }"""
_EXPORTS = "{ exports(first: 10) { nodes { id status progress { percent } } } }"
_NEW = """query($room: String!) { asked_%d: room(roomId: $room) { roomId startTime } }"""
"""A document that nobody sent before, so that none of its kind can be kept."""

_MIX: Mapping[str, tuple[str, int]] = {
    "a room, its people, 50 ratings": (_ROOM, 34),
    "a summary of an experiment": (_SUMMARY, 20),
    "50 experiments, rooms, people, counts": (Q2, 5),
    "a participant's seven lists": (Q3, 10),
    "a participant's 1,000 ratings": (Q1, 5),
    "events by a filter": (_EVENTS, 15),
    "my exports": (_EXPORTS, 10),
    "a document never seen before": (_NEW, 1),
}
"""What is asked, and how often of a hundred times."""


@dataclass(frozen=True)
class Questions:
    """Draws questions about places that are there."""

    seats: list[tuple[str, str, str, int]]

    @classmethod
    def about(cls, folder: Path) -> "Questions":
        """Read which places there are: participant, room, experiment, its start."""
        statement = """SELECT p.participant_id, r.room_id, e.experiment_id, r.experiment_start
            FROM participant p
            JOIN room r ON r.id = p.room_key JOIN experiment e ON e.id = r.experiment_key"""
        with closing(sqlite3.connect(folder / "hyperdata.db")) as tx:
            return cls(tx.execute(statement).fetchall())

    def draw(self, chance: random.Random) -> tuple[str, dict[str, Any]]:
        """Return the name of a question, and the body of its request."""
        [name] = chance.choices(list(_MIX), [share for _, share in _MIX.values()])
        text = _MIX[name][0]
        if text is _NEW:
            text %= chance.getrandbits(60)
        person, room, experiment, _ = chance.choice(self.seats)
        given = {"room": room, "participant": person, "experiment": experiment, "type": "component"}
        variables = {key: value for key, value in given.items() if f"${key}:" in text}
        return name, {"query": text, "variables": variables}
