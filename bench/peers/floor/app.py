"""The floor: what hand-written SQL, dict displays and orjson can do behind a bare route.

It answers four documents and no other, checks nobody's rights, and knows the shape of each answer.
"""

import gc
import os
import re
import sqlite3
import time
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bench.reading.queries import DOCUMENTS

Rows = Sequence[tuple[Any, ...]]

db = sqlite3.connect(
    f"file:{os.environ['BENCH_DATABASE']}?mode=ro",
    uri=True,
    isolation_level=None,
    cached_statements=512,
)
for setting in ("query_only=1", "mmap_size=8589934592", "cache_size=-262144", "temp_store=2"):
    db.execute(f"PRAGMA {setting}")

MARKS = {name: mark.encode() for name, mark in orjson.loads(os.environ["BENCH_MARKS"]).items()}
"""What ours writes into the cursors of each list, with places for time and key."""


class _Seconds(dict[int, str]):
    """Whole seconds as text: samples of one session share most of theirs."""

    def __missing__(self, second: int) -> str:
        if len(self) > 100_000:
            self.clear()
        text = self[second] = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return text


S = _Seconds()
MS = [f".{ms:03}Z" for ms in range(1000)]
F = orjson.Fragment


def ids(type_name: str) -> Callable[[int], str]:
    prefix = f"{type_name}:".encode()

    def made(key: int) -> str:
        return b2a_base64(b"%b%d" % (prefix, key), newline=False).rstrip(b"=").decode()

    return made


URL_SAFE = bytes.maketrans(b"+/", b"-_")
FROM_URL_SAFE = str.maketrans("-_", "+/")


def cursor(mark: bytes, at: int, key: int) -> str:
    return b2a_base64(mark % (at, key), newline=False).translate(URL_SAFE, b"=").decode()


experiment_id, room_id, participant_id = ids("Experiment"), ids("Room"), ids("Participant")
rating_id = ids("ContinuousRating")


def page_info(rows: Any, first: int, mark: bytes, after: object = None) -> Any:
    """Cut the row too many, and say where the page lies; a row begins with its key and time."""
    if more := len(rows) > first:
        del rows[first:]
    return {
        "hasNextPage": more,
        "hasPreviousPage": after is not None,
        "startCursor": cursor(mark, rows[0][1], rows[0][0]) if rows else None,
        "endCursor": cursor(mark, rows[-1][1], rows[-1][0]) if rows else None,
    }


WHO = """SELECT id, joined_at FROM participant WHERE participant_id = ?
AND room_key = (SELECT id FROM room WHERE room_id = ?)"""
RATINGS = "SELECT id, timestamp, rating_id, onset, value, component_id FROM continuous_rating "
OF_PARTICIPANT = RATINGS + "WHERE participant_key = ? ORDER BY timestamp, id LIMIT ?"
OF_EXPERIMENT = RATINGS + "WHERE experiment_key = ? ORDER BY timestamp, id LIMIT ?"
BEYOND = RATINGS + (
    "WHERE experiment_key = ? AND (timestamp, id) > (?, ?) ORDER BY timestamp, id LIMIT ?"
)


def q1(asked: dict[str, Any]) -> Any:
    who = db.execute(WHO, (asked["participant"], asked["room"])).fetchone()
    if who is None:
        return {"participant": None}
    rows = db.execute(OF_PARTICIPANT, (who[0], 1001)).fetchall()
    info = page_info(rows, 1000, MARKS["Q1"])
    edges = [
        {
            "node": {
                "id": rating_id(key),
                "ratingId": rating,
                "timestamp": S[at // 1000] + MS[at % 1000],
                "onset": onset,
                "value": value,
                "componentId": component,
            }
        }
        for key, at, rating, onset, value, component in rows
    ]
    return {
        "participant": {
            "id": participant_id(who[0]),
            "continuousRatings": {"edges": edges, "pageInfo": info},
        }
    }


EXPERIMENTS = "SELECT id, created_at, name, status FROM experiment ORDER BY created_at, id LIMIT 51"
ROOMS = """SELECT room.experiment_key, room.id, room_id FROM json_each(?) AS parent JOIN room
ON room.id IN (SELECT id FROM room WHERE experiment_key = parent.value
ORDER BY start_time, id LIMIT 5) ORDER BY parent.key, start_time, room.id"""
PARTICIPANTS = """SELECT room_key, participant.id, participant_id, joined_at
FROM json_each(?) AS parent JOIN participant ON participant.id IN (
SELECT id FROM participant WHERE room_key = parent.value ORDER BY joined_at, id LIMIT 4)
ORDER BY parent.key, joined_at, participant.id"""
TYPES = (
    "EVENTS",
    "RECORDINGS",
    "CHAT_MESSAGES",
    "CONTINUOUS_RATINGS",
    "SPARSE_RATINGS",
    "SYNC_METRICS",
    "COMPONENTS",
)
COUNT = "(SELECT record_count FROM tally WHERE participant_key = value AND data_type = '{}')"
COUNTS = f"SELECT {', '.join(map(COUNT.format, TYPES))} FROM json_each(?) ORDER BY key"
"""A look-up of each count, and one row a participant: half the cost of a row for each count."""


def listed(keys: Sequence[int]) -> tuple[str]:
    return (orjson.dumps(keys).decode(),)


def q2(_asked: dict[str, Any]) -> Any:
    experiments = db.execute(EXPERIMENTS).fetchall()
    info = page_info(experiments, 50, MARKS["Q2"])
    rooms = db.execute(ROOMS, listed([row[0] for row in experiments])).fetchall()
    people = db.execute(PARTICIPANTS, listed([row[1] for row in rooms])).fetchall()
    counts = db.execute(COUNTS, listed([row[1] for row in people])).fetchall()
    in_room: dict[int, list[Any]] = {row[1]: [] for row in rooms}
    for (room, key, person, joined), (n1, n2, n3, n4, n5, n6, n7) in zip(
        people, counts, strict=True
    ):
        in_room[room].append(
            {
                "id": participant_id(key),
                "participantId": person,
                "joinedAt": S[joined // 1000] + MS[joined % 1000],
                "dataSummary": [
                    {"dataType": "EVENTS", "recordCount": n1 or 0},
                    {"dataType": "RECORDINGS", "recordCount": n2 or 0},
                    {"dataType": "CHAT_MESSAGES", "recordCount": n3 or 0},
                    {"dataType": "CONTINUOUS_RATINGS", "recordCount": n4 or 0},
                    {"dataType": "SPARSE_RATINGS", "recordCount": n5 or 0},
                    {"dataType": "SYNC_METRICS", "recordCount": n6 or 0},
                    {"dataType": "COMPONENTS", "recordCount": n7 or 0},
                ],
            }
        )
    in_experiment: dict[int, list[Any]] = {row[0]: [] for row in experiments}
    for experiment, key, public in rooms:
        in_experiment[experiment].append(
            {"id": room_id(key), "roomId": public, "participants": {"nodes": in_room[key]}}
        )
    edges = [
        {
            "node": {
                "id": experiment_id(key),
                "name": name,
                "status": status,
                "createdAt": S[created // 1000] + MS[created % 1000],
                "rooms": {"nodes": in_experiment[key]},
            }
        }
        for key, created, name, status in experiments
    ]
    return {"experiments": {"edges": edges, "pageInfo": info}}


SHOWN = {
    "": "{0}",
    "json": "F({0}) if {0} is not None else None",
    "bool": "{0} == 1 if {0} is not None else None",
}


def tab(name: str, table: str, fields: str) -> tuple[str, str, Callable[[Rows], Any]]:
    """Return a list's name, its statement, and what makes its rows edges: written out once."""
    columns, shown = [], []
    for place, field in enumerate(fields.split(), 3):
        column, _, kind = field.partition(":")
        columns.append("".join(f"_{c.lower()}" if c.isupper() else c for c in column))
        shown.append(f'"{column}": {SHOWN[kind].format(f"r[{place}]")}')
    source = f"""lambda rows: [{{"node": {{"id": made(r[0]),
        "timestamp": S[r[1] // 1000] + MS[r[1] % 1000], "onset": r[2], {", ".join(shown)}}}}}
        for r in rows]"""
    edges = eval(source, {"made": ids(table.title().replace("_", "")), "S": S, "MS": MS, "F": F})
    statement = f"""SELECT id, timestamp, onset, {", ".join(columns)} FROM {table}
        WHERE participant_key = ? ORDER BY timestamp, id LIMIT 51"""
    return name, statement, edges


TABS = [
    tab("events", "event", "eventId eventType category content response:json"),
    tab("recordings", "recording", "recordingId kind duration fileName fileSize"),
    tab("chatMessages", "chat_message", "messageId senderId content recipientIds:json"),
    tab("continuousRatings", "continuous_rating", "ratingId componentId value rawValue"),
    tab("sparseRatings", "sparse_rating", "ratingId question value:json responseTime confidence"),
    tab("syncMetrics", "sync_metric", "metricId timeDrift playbackRate syncQuality latency"),
    tab(
        "components", "component", "componentId componentType config:json stateName completed:bool"
    ),
]


def q3(asked: dict[str, Any]) -> Any:
    who = db.execute(WHO, (asked["participant"], asked["room"])).fetchone()
    if who is None:
        return {"participant": None}
    key, joined = who
    found = {
        "id": participant_id(key),
        "participantId": asked["participant"],
        "joinedAt": S[joined // 1000] + MS[joined % 1000],
    }
    for name, statement, edges in TABS:
        rows = db.execute(statement, (key,)).fetchall()
        info = page_info(rows, 50, MARKS[f"Q3.{name}"])
        found[name] = {"edges": edges(rows), "pageInfo": info}
    return {"participant": found}


PLACE = re.compile(rb"\d+")


def q4(asked: dict[str, Any]) -> Any:
    of = "SELECT id FROM experiment WHERE experiment_id = ?"
    experiment = db.execute(of, (asked["experiment"],)).fetchone()
    if experiment is None:
        return {"experiment": None}
    [parent] = experiment
    after, mark = asked.get("after"), MARKS["Q4"]
    if after is None:
        rows = db.execute(OF_EXPERIMENT, (parent, 101)).fetchall()
    else:
        said = a2b_base64(after.translate(FROM_URL_SAFE) + "==")
        place = [int(number) for number in PLACE.findall(said)[-2:]]
        rows = db.execute(BEYOND, (parent, *place, 101)).fetchall()
    info = page_info(rows, 100, mark, after)
    edges = [
        {
            "cursor": cursor(mark, at, key),
            "node": {
                "id": rating_id(key),
                "ratingId": rating,
                "timestamp": S[at // 1000] + MS[at % 1000],
                "onset": onset,
                "value": value,
                "componentId": component,
            },
        }
        for key, at, rating, onset, value, component in rows
    ]
    return {"experiment": {"continuousRatings": {"edges": edges, "pageInfo": info}}}


ANSWERS = dict(zip(DOCUMENTS.values(), (q1, q2, q3, q4), strict=True))


class Endpoint:
    """An ASGI application of its own: Starlette's requests and responses are not needed."""

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        asked = orjson.loads(body)
        data = orjson.dumps({"data": ANSWERS[asked["query"]](asked.get("variables") or {})})
        length = b"%d" % len(data)
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": data})


app = Starlette(routes=[Route("/graphql", Endpoint(), methods=["POST"])])
gc.freeze()
gc.set_threshold(100_000, 50, 100)
