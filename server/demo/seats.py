"""The seats of a room: who sat there, in which role, and how it ended for them."""

from dataclasses import dataclass

from server.demo.chance import draws
from server.demo.people import Person, person
from server.demo.studies import DECIDING, RATING, WATCHING, Study
from server.records.participants import ParticipantStatus

LEFT_EARLY = {  # study, room, seat: the onset of their last sign of life, and why
    (WATCHING.stem, 3, 1): (412_300, "ABANDONED"),
    (WATCHING.stem, 5, 1): (498_750, "TECHNICAL"),
    (DECIDING.stem, 2, 3): (301_900, "ABANDONED"),
}
OUT_OF_TIME = {(RATING.stem, 4, 0)}
RETURNING = 2
"""The number of the person who watched twice: as host of the second room, and in the sixth."""
CAME_BACK = {(WATCHING.stem, 6, 1): RETURNING}
ABANDONED_SHARE = 0.04
"""How many leave a room early, of those rooms that a larger scale adds."""


@dataclass(frozen=True)
class Ending:
    """How a seat ended; `until` is the onset after which nothing came from it."""

    until: int
    status: ParticipantStatus
    code: str


@dataclass(frozen=True)
class Seat:
    """One person's part in a room."""

    person: Person
    number: int
    role: str
    joined: int
    clock_offset: int
    ending: Ending

    @property
    def host(self) -> bool:
        """Whether the others follow this person's video."""
        return self.number == 0


def seat(seed: int, study: Study, room: int, number: int, end: int, *, running: bool) -> Seat:
    """Return who sat in a room's seat; `end` is when the room ended, or the present moment."""
    chance = draws(seed, study.stem, "seat", room, number)
    place = (study.stem, room, number)
    return Seat(
        person=person(seed, study.stem, CAME_BACK.get(place, (room - 1) * study.seats + number)),
        number=number,
        role=study.roles[min(number, len(study.roles) - 1)],
        joined=-chance.randint(150_000, 300_000),
        clock_offset=chance.choice((-1, 1)) * chance.randint(40, 1800),
        ending=Ending(end, ParticipantStatus.ACTIVE, "IN_PROGRESS")
        if running
        else _ending(place, end, left=chance.random() < ABANDONED_SHARE, moment=chance.random()),
    )


def _ending(place: tuple[str, int, int], end: int, *, left: bool, moment: float) -> Ending:
    study, room, number = place
    if place in LEFT_EARLY:
        until, code = LEFT_EARLY[place]
        return Ending(until, ParticipantStatus.DISCONNECTED, code)
    if left and study == WATCHING.stem and room > WATCHING.rooms and number > 0:
        return Ending(int(end * moment), ParticipantStatus.DISCONNECTED, "ABANDONED")
    code = "TIMEOUT" if place in OUT_OF_TIME else "SUCCESS"
    return Ending(end, ParticipantStatus.COMPLETED, code)
