"""What HyperStudy calls things in its downloads: files, columns, and what they are here."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, cast

from pydantic.alias_generators import to_camel

from server.records import RecordType

RATINGS = (RecordType.CONTINUOUS_RATINGS, RecordType.SPARSE_RATINGS)

FileKind = RecordType | str
"""A data type, or `ratings` of both kinds, `rooms`, `participants`."""

_CALLED: Mapping[str, FileKind] = {
    "continuousratings": RecordType.CONTINUOUS_RATINGS,
    "sparseratings": RecordType.SPARSE_RATINGS,
    "ratings": "ratings",
    "events": RecordType.EVENTS,
    "recordings": RecordType.RECORDINGS,
    "textchat": RecordType.CHAT_MESSAGES,
    "chatmessages": RecordType.CHAT_MESSAGES,
    "chat": RecordType.CHAT_MESSAGES,
    "syncmetrics": RecordType.SYNC_METRICS,
    "sync": RecordType.SYNC_METRICS,
    "components": RecordType.COMPONENTS,
    "participants": "participants",
    "rooms": "rooms",
}
_OTHERS = ("videochat", "questionnaire", "comprehension", "prescreening", "consent", "instructions")
"""Words in names of files of which there is no type here."""

_ALIASES: Mapping[RecordType, Mapping[str, str]] = {
    RecordType.EVENTS: {"id": "eventId", "type": "eventType"},
    RecordType.RECORDINGS: {
        "id": "recordingId",
        "egressId": "recordingId",
        "type": "kind",
        "metadata.type": "kind",
    },
    RecordType.CHAT_MESSAGES: {"id": "messageId", "message": "content"},
    RecordType.CONTINUOUS_RATINGS: {
        "id": "ratingId",
        "scale.min": "scaleMin",
        "scale.max": "scaleMax",
    },
    RecordType.SPARSE_RATINGS: {
        "id": "ratingId",
        "scale.min": "scaleMin",
        "scale.max": "scaleMax",
        "metadata.question": "question",
        "metadata.dimension": "dimension",
        "metadata.componentType": "componentType",
        "sparseRatingData.componentType": "componentType",
    },
    RecordType.SYNC_METRICS: {"id": "metricId", "drift": "timeDrift", "quality": "syncQuality"},
    RecordType.COMPONENTS: {"id": "componentId", "type": "componentType"},
}
"""Other names of fields, which count where the field itself is empty."""

_SPARSE = ("responseTime", "question", "labels", "confidence", "sparseRatingData", "timedOut")
"""Fields of single answers alone."""


def kind_of(path: PurePosixPath) -> FileKind | None:
    """Say what is in a file, by its name, such as `room_7_events.csv`."""
    words = re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", path.stem).lower())
    joined = {
        "".join(words[start:end]) for start in range(len(words)) for end in (start + 1, start + 2)
    }
    if joined.intersection(_OTHERS):
        return None
    return next((kind for name, kind in _CALLED.items() if name in joined), None)


def renamed(record_type: RecordType, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row under the names of fields: camel case, and none of the other names."""
    named = {camel(name): value for name, value in row.items()}
    flat = {**named, **_inner(named)}
    for alias, field in _ALIASES[record_type].items():
        if alias in flat and field not in named:
            named[field] = flat[alias]
            named.pop(alias, None)
    return named


def camel(name: str) -> str:
    """Return a header as the API writes names: `participant_id` is `participantId`."""
    first, dot, rest = name.strip().partition(".")
    return f"{to_camel(first)}{dot}{rest}" if "_" in first else f"{first}{dot}{rest}"


def rating_of(row: Mapping[str, Any], said: object) -> RecordType:
    """Tell a single answer from a sample of a slider."""
    named = {camel(name): value for name, value in row.items()}
    kind = str(named.get("type") or named.get("ratingType") or said or "").lower()
    if "sparse" in kind or "continuous" in kind:
        return RATINGS["sparse" in kind]
    return RATINGS[any(name in named for name in _SPARSE)]


def _inner(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is one level down, by names with a dot."""
    inner: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            keys = cast("Mapping[str, Any]", value)
            inner.update({f"{name}.{key}": each for key, each in keys.items() if each is not None})
    return inner
