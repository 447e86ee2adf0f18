"""The rooms of the demo data: when each took place, and when each of its parts was shown."""

from collections.abc import Iterator
from dataclasses import dataclass

from server import timestamps
from server.demo.chance import draws
from server.demo.seats import Seat, seat
from server.demo.studies import WATCHING, Block, State, Study

HOUR = 3_600_000
OPENS, OPEN_FOR = 9 * HOUR, 8 * HOUR
WORKING_DAYS = 40
"""Within how many days all rooms of a study took place: several a day when there are many."""
RUNNING_UNTIL = 297_000
"""How far the room has come that is still running."""


@dataclass(frozen=True)
class Showing:
    """A block as it was shown: from when to when, in ms from the experiment start."""

    state_id: str
    state: State
    component_id: str
    block: Block
    begin: int
    end: int


@dataclass(frozen=True)
class PlannedRoom:
    """A room as it took place: `start` is time zero, `end` is an onset."""

    seed: int
    study: Study
    number: int
    start: int
    end: int
    running: bool
    showings: tuple[Showing, ...]
    seats: tuple[Seat, ...]

    @property
    def room_id(self) -> str:
        """The public id."""
        return f"room_{self.study.stem}_{self.number:02}"


def planned_rooms(study: Study, scale: int, seed: int) -> Iterator[PlannedRoom]:
    """Plan a study's rooms one by one; the scale multiplies those that watch together."""
    rooms = study.rooms * (scale if study is WATCHING else 1)
    for number in range(1, rooms + 1):
        chance = draws(seed, study.stem, "room", number)
        showings = tuple(_showings(study, seed, number))
        running = study is WATCHING and number == rooms
        end = RUNNING_UNTIL if running else showings[-1].end + chance.randint(200, 900)
        yield PlannedRoom(
            seed=seed,
            study=study,
            number=number,
            start=_appointment(study, number, rooms) + chance.randrange(240_000),
            end=end,
            running=running,
            showings=showings,
            seats=tuple(
                seat(seed, study, number, place, end, running=running)
                for place in range(study.seats)
            ),
        )


def _appointment(study: Study, number: int, rooms: int) -> int:
    per_day = -(-rooms // WORKING_DAYS)
    day, turn = divmod(number - 1, per_day)
    day += 2 * (day // 5)  # every study begins on a Monday
    first_day = timestamps.parse(f"{study.first_day}T00:00:00Z")
    return first_day + day * 24 * HOUR + OPENS + turn * OPEN_FOR // per_day


def _showings(study: Study, seed: int, room: int) -> Iterator[Showing]:
    chance = draws(seed, study.stem, "showings", room)
    begin = chance.randint(150, 400)
    for number, state in enumerate(study.states, start=1):
        length = state.seconds * 1000
        turns = 1 if state.side_by_side else len(state.blocks)
        for turn, block in enumerate(state.blocks):
            start = begin + turn % turns * length // turns
            yield Showing(
                state_id=f"state_{number:02}",
                state=state,
                component_id=f"cmp_{study.stem}_{block.name}",
                block=block,
                begin=start,
                end=start + length // turns,
            )
        begin += length + chance.randint(300, 1500)
