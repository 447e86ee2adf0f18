"""The rows that records belong to: experiments, rooms, and participants in rooms."""

from server import timestamps
from server.demo.rooms import PlannedRoom
from server.demo.seats import Seat
from server.demo.studies import Study
from server.records.experiments import Experiment, ExperimentStatus
from server.records.participants import Participant, ParticipantStatus
from server.records.rooms import Room, RoomStatus
from server.timestamps import Timestamp

DAY = 24 * 3_600_000
COMPLETED_AFTER = 60 * DAY
"""When a study is declared completed, after its first day: by then its last session is over."""


def experiment(study: Study, owner: int) -> Experiment:
    """Return a study's row."""
    first_day = timestamps.parse(f"{study.first_day}T08:00:00Z")
    is_active = study.status is ExperimentStatus.ACTIVE
    return Experiment(
        experiment_id=study.experiment_id,
        name=study.name,
        description=study.description,
        status=study.status,
        created_at=Timestamp(first_day - 12 * DAY),
        updated_at=Timestamp(first_day - 2 * DAY),
        roles=list(study.roles),
        required_participants=study.seats,
        participants_may_request_data=study.participants_may_request_data,
        completed_at=None if is_active else Timestamp(first_day + COMPLETED_AFTER),
        owner_key=owner,
    )


def session(room: PlannedRoom, experiment_key: int) -> Room:
    """Return a room's row."""
    complete = all(seat.ending.until == room.end for seat in room.seats)
    return Room(
        room_id=room.room_id,
        status=RoomStatus.ACTIVE if room.running else RoomStatus.COMPLETED,
        start_time=Timestamp(room.start + min(seat.joined for seat in room.seats)),
        end_time=None if room.running else Timestamp(room.start + room.end),
        experiment_start=Timestamp(room.start),
        completion_reason=None
        if room.running
        else ("all_participants_finished" if complete else "participant_left"),
        experiment_key=experiment_key,
    )


def participant(room: PlannedRoom, seat: Seat, experiment_key: int, room_key: int) -> Participant:
    """Return the row of a person's part in a room."""
    finished = seat.ending.status is ParticipantStatus.COMPLETED
    return Participant(
        participant_id=seat.person.participant_id,
        role=seat.role,
        status=seat.ending.status,
        email=seat.person.email,
        ip_address=seat.person.ip_address,
        user_agent=seat.person.user_agent,
        joined_at=Timestamp(room.start + seat.joined),
        completed_at=Timestamp(room.start + seat.ending.until) if finished else None,
        completion_code=seat.ending.code,
        experiment_key=experiment_key,
        room_key=room_key,
    )
