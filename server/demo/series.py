"""The two types that are sampled by the clock, as columns of the database."""

from collections.abc import Iterable
from itertools import repeat
from typing import Any

from server.demo.chance import numbers
from server.demo.faults import spoiled
from server.demo.signals import REPORT_MS, SAMPLE_MS, Series, ratings, sync, walk
from server.demo.stories import Story
from server.records import RecordType

Columns = dict[str, Iterable[Any]]


def continuous_ratings(story: Story) -> list[Columns]:
    """Return the samples of each slider that the person was shown."""
    room, columns = story.room, list[Columns]()
    for showing in room.showings:
        if showing.block.kind != "continuousrating":
            continue
        samples = (showing.end - showing.begin) // SAMPLE_MS
        shared = walk(samples, numbers(room.seed, room.room_id, showing.component_id))
        own = numbers(room.seed, room.room_id, showing.component_id, story.seat.number)
        columns.append(
            {
                **_kept(
                    story,
                    ratings(showing.begin, shared, own),
                    RecordType.CONTINUOUS_RATINGS,
                    "rating_id",
                    "rat",
                ),
                "component_id": repeat(showing.component_id),
                "scale_min": repeat(float(showing.block.config["min"])),
                "scale_max": repeat(float(showing.block.config["max"])),
            }
        )
    return columns


def sync_metrics(story: Story) -> list[Columns]:
    """Return the reports of each film that the person saw as one of those who follow the host."""
    room, columns = story.room, list[Columns]()
    for showing in room.showings:
        if showing.block.kind != "showvideo" or story.seat.host:
            continue
        reports = (showing.end - showing.begin) // REPORT_MS
        own = numbers(room.seed, room.room_id, showing.component_id, "sync", story.seat.number)
        reported = sync(showing.begin, reports, own)
        columns.append(_kept(story, reported, RecordType.SYNC_METRICS, "metric_id", "syn"))
    return columns


def _kept(
    story: Story, series: Series, data_type: RecordType, identity: str, prefix: str
) -> Columns:
    kept = series["onset"] < story.seat.ending.until
    told = {name: values[kept].tolist() for name, values in series.items()}
    columns: Columns = {**spoiled(story.place, data_type, told)}
    onsets: list[int] = list(columns["onset"])
    columns["timestamp"] = [onset + story.room.start for onset in onsets]
    columns[identity] = story.ids.take(prefix, len(onsets))
    return columns
