"""Events: things that happened at one moment of a participant's session."""

from typing import ClassVar

from server.column_types import Json
from server.records.base import DataType, Record, RecordBase, RecordFilter
from server.records.columns import Identifies, Summarized, column, json_column, moment
from server.records.conditions import IntRange, TextIn, TextMatch, TimestampRange
from server.records.described import OrderField
from server.records.json_conditions import JsonMatch
from server.timestamps import Timestamp


class EventBase(RecordBase):
    """An event's public columns."""

    event_id: str = column("Public id, `evt_…`.")
    event_type: str = column(
        "What happened, dotted, such as `component.complete`.",
        summarized=Summarized.AS_CATEGORIES,
    )
    category: str | None = column(
        "Its kind, such as `media` or `communication`.",
        summarized=Summarized.AS_CATEGORIES,
        default=None,
    )
    component_type: str | None = column(
        "The kind of component, such as `vasrating`.",
        summarized=Summarized.AS_CATEGORIES,
        default=None,
    )
    component_id: str | None = column(
        "The component it happened in, `cmp_…`.",
        summarized=Summarized.BY_COMPONENT,
        default=None,
    )
    content: str | None = column(
        "What happened, readable.", identifies=Identifies.IN_TEXT, default=None
    )
    state_id: str | None = column("The experiment's state at that moment.", default=None)
    state_name: str | None = column(
        "What that state is called.", identifies=Identifies.IN_TEXT, default=None
    )
    participant_role: str | None = column(
        "The participant's role at that moment.",
        summarized=Summarized.AS_CATEGORIES,
        default=None,
    )
    duration: int | None = column(
        "How long it lasted, in milliseconds.", unit="ms", least=0, default=None
    )
    response: Json | None = json_column(
        "What was answered, such as `{value, responseTime}` with times in ms.",
        identifies=Identifies.IN_TEXT,
        default=None,
    )
    client_timestamp: Timestamp | None = moment(
        "When it happened by the participant's own clock: ISO 8601, UTC.", default=None
    )


class Event(EventBase, Record, table=True):
    """A stored event."""

    identity: ClassVar = ("event_id",)


class EventFilter(RecordFilter, of=EventBase):
    """Which events to keep."""

    event_id: TextIn | None = None
    event_type: TextMatch | None = None
    category: TextMatch | None = None
    component_type: TextMatch | None = None
    component_id: TextIn | None = None
    content: TextMatch | None = None
    state_id: TextIn | None = None
    state_name: TextMatch | None = None
    participant_role: TextMatch | None = None
    duration: IntRange | None = None
    response: JsonMatch | None = None
    client_timestamp: TimestampRange | None = None


class EventOrderField(OrderField):
    """What events can be sorted by."""

    TIMESTAMP = "timestamp"
    ONSET = "onset"
    ROOM_ID = "room_id"
    PARTICIPANT_ID = "participant_id"
    EVENT_ID = "event_id"
    EVENT_TYPE = "event_type"
    CATEGORY = "category"
    COMPONENT_TYPE = "component_type"
    COMPONENT_ID = "component_id"
    CONTENT = "content"
    STATE_ID = "state_id"
    STATE_NAME = "state_name"
    PARTICIPANT_ROLE = "participant_role"
    DURATION = "duration"
    CLIENT_TIMESTAMP = "client_timestamp"


EVENTS = DataType(
    name="events",
    title="events",
    stem="events",
    description="What happened, moment by moment.",
    model=Event,
    base=EventBase,
    filter=EventFilter,
    order=EventOrderField,
    scope="read:events",
)
