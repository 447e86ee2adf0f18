"""Records as clients send them, and what is asked to add them."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from server.records import RecordType
from tests.conftest import Api
from tests.factories import START, Row, a_participant, a_room, a_user, an_experiment, save

_numbers = count(1)

INGEST = """
mutation Ingest($records: JSON!, $atomic: Boolean! = false) {
  recordsIngest(input: {records: $records, atomic: $atomic}) {
    userErrors { code message field }
    sentCount acceptedCount unchangedCount refusedCount
    refused { index code field message }
  }
}
"""

_OWN: dict[RecordType, dict[str, Any]] = {
    RecordType.EVENTS: {
        "eventId": "evt_{n}",
        "eventType": "component.complete",
        "response": {"value": [1, 2.5, "ü"], "responseTime": 320},
    },
    RecordType.RECORDINGS: {"recordingId": "rec_{n}", "kind": "VIDEO", "status": "completed"},
    RecordType.CHAT_MESSAGES: {"messageId": "msg_{n}", "content": "Hello", "recipientIds": ["p"]},
    RecordType.CONTINUOUS_RATINGS: {
        "ratingId": "rat_{n}",
        "value": 0.25,
        "rawValue": 25,
        "scaleMin": 0,
        "scaleMax": 100,
    },
    RecordType.SPARSE_RATINGS: {"ratingId": "rat_{n}", "value": {"x": 1}, "submitted": True},
    RecordType.SYNC_METRICS: {"metricId": "syn_{n}", "timeDrift": -12.5, "syncQuality": 1},
    RecordType.COMPONENTS: {"componentId": "cmp_{n}", "config": {"a": [None]}},
}


def a_sent(
    record_type: RecordType, room: Mapping[str, Any], participant: Mapping[str, Any], **changes: Any
) -> dict[str, Any]:
    """Return a record of a type, as it is sent."""
    n = next(_numbers)
    own = {
        name: value.format(n=f"s{n}") if isinstance(value, str) else value
        for name, value in _OWN[record_type].items()
    }
    place = {"roomId": room["room_id"], "participantId": participant["participant_id"]}
    moment = {"timestamp": START + 1000 + n, "onset": 1000 + n}
    return {"dataType": record_type.name, **place, **moment, **own, **changes}


@dataclass
class Lab:
    """A room with somebody in it, and the key of the experiment's owner."""

    api: Api
    owner: Row
    experiment: Row
    room: Row
    person: Row
    key: str

    def sent(self, record_type: RecordType = RecordType.EVENTS, **changes: Any) -> dict[str, Any]:
        return a_sent(record_type, self.room, self.person, **changes)

    async def ingest(self, *records: object, **options: Any) -> dict[str, Any]:
        data = await self.api.ask(INGEST, self.key, records=list(records), **options)
        payload: dict[str, Any] = data["recordsIngest"]
        assert payload["acceptedCount"] + payload["refusedCount"] == payload["sentCount"]
        return payload

    async def refusal(self, record: object) -> tuple[str, str | None]:
        """Return the code and the field of a record that must be refused, and stay aside."""
        payload = await self.ingest(record)
        [refused] = payload["refused"]
        assert refused["message"].endswith(".")
        [kept] = await self.quarantine()
        assert kept["record"] == record
        assert kept["code"] == refused["code"]
        return refused["code"], refused["field"]

    async def quarantine(self) -> list[dict[str, Any]]:
        query = "{ quarantine(first: 1000) { nodes { id code field message record roomId } } }"
        data = await self.api.ask(query, self.key)
        nodes: list[dict[str, Any]] = data["quarantine"]["nodes"]
        return nodes

    async def records(self, record_type: RecordType, fields: str) -> list[dict[str, Any]]:
        name = record_type.value.name
        query = f"""query($id: String!) {{
          room(roomId: $id) {{ records: {name}(first: 1000) {{ nodes {{ {fields} }} }} }}
        }}"""
        data = await self.api.ask(query, self.key, id=self.room["room_id"])
        nodes: list[dict[str, Any]] = data["room"]["records"]["nodes"]
        return nodes


async def a_lab(api: Api) -> Lab:
    owner = a_user()
    experiment = an_experiment(owner)
    room = a_room(experiment)
    person = a_participant(room)
    await save(api.db, owner, experiment, room, person)
    return Lab(api, owner, experiment, room, person, await api.key_of(owner.key))
