"""The samples of a slider that both ways store: four people of a room, ten a second each."""

from collections.abc import Iterator
from datetime import UTC, datetime

START = 1_760_000_000_000
PEOPLE = [f"person{n:022}" for n in range(4)]
ROOM = "room_bench"
BATCH = 5_000


def batches(rows: int) -> Iterator[range]:
    """Yield the numbers of the samples of each batch."""
    for first in range(0, rows, BATCH):
        yield range(first, min(first + BATCH, rows))


def sent(number: int) -> dict[str, object]:
    """Return a sample as a client sends it."""
    onset = number // len(PEOPLE) * 100
    moment = datetime.fromtimestamp((START + onset) / 1000, UTC)
    return {
        "dataType": "CONTINUOUS_RATINGS",
        "roomId": ROOM,
        "participantId": PEOPLE[number % len(PEOPLE)],
        "ratingId": f"rat_{number:010x}",
        "componentId": "cmp_dial",
        "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "value": number % 101 / 100,
        "rawValue": number % 101,
        "scaleMin": 0,
        "scaleMax": 100,
    }


def stored(number: int, keys: list[int]) -> dict[str, object]:
    """Return the same sample as a row, by keys of participants whose room and experiment are 1."""
    onset = number // len(PEOPLE) * 100
    return {
        "experiment_key": 1,
        "room_key": 1,
        "participant_key": keys[number % len(PEOPLE)],
        "rating_id": f"rat_{number:010x}",
        "component_id": "cmp_dial",
        "timestamp": START + onset,
        "onset": onset,
        "value": number % 101 / 100,
        "raw_value": number % 101,
        "scale_min": 0,
        "scale_max": 100,
    }
