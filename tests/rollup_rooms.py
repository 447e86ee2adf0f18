"""Rooms to ask numbers of: people with records of one type, and the question put to each level."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.conftest import Api
from tests.factories import Row, a_participant, a_room, a_user, an_experiment, save


@dataclass(frozen=True)
class Place:
    """An experiment with one room, its people, and the key of its owner."""

    api: Api
    key: str
    experiment: Row
    room: Row
    people: Sequence[Row]

    async def save(self, *records: Row) -> None:
        await save(self.api.db, *records)

    def at(self, level: str, person: int = 0) -> str:
        """Return the field that leads to a level."""
        room, who = self.room["room_id"], self.people[person]["participant_id"]
        return {
            "experiment": f'experiment(experimentId: "{self.experiment["experiment_id"]}")',
            "room": f'room(roomId: "{room}")',
            "participant": f'participant(roomId: "{room}", participantId: "{who}")',
        }[level]

    async def ask(self, field: str, level: str = "room", person: int = 0) -> Any:
        """Return what a level answers to a field."""
        query = f"{{ place: {self.at(level, person)} {{ asked: {field} }} }}"
        data = await self.api.ask(query, self.key)
        return data["place"]["asked"]

    async def refusal(self, field: str, level: str = "room") -> tuple[str, str]:
        """Return the code and the message with which a level refuses a field."""
        query = f"{{ place: {self.at(level)} {{ asked: {field} }} }}"
        return await self.api.refusal(query, self.key)


async def a_place(api: Api, people: int = 2) -> Place:
    """Store an experiment of one room with some people, and nothing of theirs."""
    owner = a_user()
    experiment = an_experiment(owner)
    room = a_room(experiment)
    seated = [a_participant(room) for _ in range(people)]
    await save(api.db, owner, experiment, room, *seated)
    return Place(api, await api.key_of(owner.key), experiment, room, seated)
