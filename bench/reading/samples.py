"""What each person in the database has of each of the seven types."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from server.records import RecordType

SAMPLE_MS = 250
HOUR = 3_600_000
TEXTS = (
    "Shall we begin?",
    "I saw it too — left of the “door”",
    "ok",
    "Zwei Stühle, links\nund ich",
)


@dataclass(frozen=True)
class Study:
    """How large an experiment is: `few` is how many records of each other type a person has."""

    number: int
    rooms: int
    ratings: int
    events: int
    few: int

    @property
    def experiment_id(self) -> str:
        return f"exp_bench{self.number:02}"


def records(
    study: Study, person: str, start: int, chance: np.random.Generator
) -> Iterator[tuple[RecordType, dict[str, Any]]]:
    """Yield one person's records of each type, as columns."""
    component = f"cmp_bench{study.number:02}_slider"
    for data_type in RecordType:
        ratings = data_type is RecordType.CONTINUOUS_RATINGS
        count = study.few
        if data_type is RecordType.EVENTS:
            count = study.events
        if ratings:
            count = study.ratings
        step = SAMPLE_MS if ratings else HOUR // count
        onset = step * np.arange(count) + chance.integers(0, step // 5, count)
        names = [f"{person[5:19]}{n:05}" for n in range(count)]
        own = _OWN[data_type.name](chance, count, names, component)
        yield data_type, {"onset": onset.tolist(), "timestamp": (start + onset).tolist(), **own}


def _ratings(chance: np.random.Generator, n: int, names: list[str], component: str) -> Any:
    path = np.abs((chance.uniform() + np.cumsum(chance.uniform(-0.08, 0.08, n)) + 1) % 2 - 1)
    raw = np.round(100 * path, 1)
    return {
        "rating_id": [f"rat_{name}" for name in names],
        "component_id": repeat(component),
        "value": np.round(raw / 100, 3).tolist(),
        "raw_value": raw.tolist(),
        "scale_min": repeat(0.0),
        "scale_max": repeat(100.0),
    }


def _events(chance: np.random.Generator, n: int, names: list[str], component: str) -> Any:
    times = chance.integers(300, 9000, n).tolist()
    return {
        "event_id": [f"evt_{name}" for name in names],
        "event_type": ["component.complete" if i % 3 else "component.start" for i in range(n)],
        "category": repeat("component"),
        "component_type": repeat("vasrating"),
        "component_id": repeat(component),
        "content": [f"Answered with “{i % 7}”" for i in range(n)],
        "state_id": repeat("state_3"),
        "state_name": repeat("Film"),
        "participant_role": repeat("viewer"),
        "duration": [None if i % 4 else times[i] for i in range(n)],
        "response": [
            {"value": i % 7, "responseTime": times[i], "scale": [0, 6]} if i % 3 else None
            for i in range(n)
        ],
        "client_timestamp": repeat(None),
    }


def _recordings(chance: np.random.Generator, n: int, names: list[str], _component: str) -> Any:
    return {
        "recording_id": [f"rec_{name}" for name in names],
        "kind": ["VIDEO" if i % 2 else "AUDIO" for i in range(n)],
        "duration": chance.integers(1000, 60_000, n).tolist(),
        "video_offset": repeat(-250),
        "file_name": [f"{name}.webm" for name in names],
        "file_size": [i * 123_456_789 for i in range(n)],
        "format": repeat("webm"),
        "resolution": repeat("1280x720"),
        "status": repeat("completed"),
    }


def _chat(_chance: np.random.Generator, n: int, names: list[str], _component: str) -> Any:
    return {
        "message_id": [f"msg_{name}" for name in names],
        "sender_id": repeat("x" * 28),
        "sender_name": repeat("Björn"),
        "content": [TEXTS[i % len(TEXTS)] for i in range(n)],
        "recipient_ids": [["y" * 28] if i % 2 else [] for i in range(n)],
        "message_type": repeat("text"),
    }


def _sparse(chance: np.random.Generator, n: int, names: list[str], component: str) -> Any:
    answers: list[Any] = [3, "somewhat", ["a", "b"], {"x": 0.25, "y": 0.75}]
    return {
        "rating_id": [f"rat_{name}s" for name in names],
        "component_id": repeat(component),
        "component_type": repeat("likertscale"),
        "value": [answers[i % len(answers)] for i in range(n)],
        "raw_value": repeat(None),
        "labels": repeat(["not at all", "very"]),
        "response_time": chance.integers(300, 9000, n).tolist(),
        "question": repeat("How close do you feel to your partner?"),
        "dimension": repeat("closeness"),
        "confidence": [None if i % 5 == 0 else (i % 100) / 100 for i in range(n)],
        "submitted": repeat(True),
        "timed_out": repeat(False),
        "interacted": repeat(True),
        "details": repeat(None),
    }


def _sync(chance: np.random.Generator, n: int, names: list[str], _component: str) -> Any:
    return {
        "metric_id": [f"syn_{name}" for name in names],
        "time_drift": np.round(chance.normal(0, 120, n), 1).tolist(),
        "playback_rate": np.round(chance.uniform(0.95, 1.05, n), 3).tolist(),
        "sync_quality": np.round(chance.uniform(0, 1, n), 3).tolist(),
        "latency": np.round(chance.gamma(6, 8, n), 1).tolist(),
        "buffer_health": np.round(chance.uniform(0, 1, n), 3).tolist(),
    }


def _components(_chance: np.random.Generator, n: int, _names: list[str], component: str) -> Any:
    return {
        "component_id": [f"{component}_{i % 12}" for i in range(n)],
        "component_type": repeat("showvideo"),
        "config": repeat({"url": "film.mp4", "controls": False, "volume": 0.8, "chapters": [1, 2]}),
        "state_id": repeat("state_3"),
        "state_name": repeat("Film"),
        "variables": repeat({"condition": "together"}),
        "completed": [i % 6 != 0 for i in range(n)],
    }


_OWN = {
    "EVENTS": _events,
    "RECORDINGS": _recordings,
    "CHAT_MESSAGES": _chat,
    "CONTINUOUS_RATINGS": _ratings,
    "SPARSE_RATINGS": _sparse,
    "SYNC_METRICS": _sync,
    "COMPONENTS": _components,
}
