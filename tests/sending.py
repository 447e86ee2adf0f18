"""Records as clients send them, and what is asked to add them."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from server.records import RecordType
from tests.factories import START

_numbers = count(1)

INGEST = """
mutation Ingest($records: [JSON!]!, $atomic: Boolean! = false) {
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
