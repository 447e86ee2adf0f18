"""Components: each building block of the experiment that was shown to a participant."""

from typing import ClassVar

from server.column_types import Json
from server.records.base import DataType, Record, RecordBase, RecordFilter
from server.records.columns import Identifies, Summarized, column, json_column
from server.records.conditions import BooleanMatch, TextIn, TextMatch
from server.records.described import OrderField
from server.records.json_conditions import JsonMatch


class ComponentBase(RecordBase):
    """A shown component's public columns."""

    component_id: str = column(
        "Public id of the component, `cmp_…`; the same for everyone.",
        summarized=Summarized.BY_COMPONENT,
    )
    component_type: str | None = column(
        "Its kind, such as `showvideo`.", summarized=Summarized.AS_CATEGORIES, default=None
    )
    config: Json | None = json_column(
        "How it was set up.", identifies=Identifies.IN_TEXT, default=None
    )
    state_id: str | None = column("The experiment's state it was shown in.", default=None)
    state_name: str | None = column(
        "What that state is called.", identifies=Identifies.IN_TEXT, default=None
    )
    variables: Json | None = json_column(
        "The experiment's variables when it was shown.",
        identifies=Identifies.IN_TEXT,
        default=None,
    )
    completed: bool | None = column("Whether it ran to its end.", default=None)


class Component(ComponentBase, Record, table=True):
    """A stored showing of a component."""

    # One component is shown to many, and to one person more than once.
    identity: ClassVar = ("component_id", "participant_key", "timestamp")


class ComponentFilter(RecordFilter, of=ComponentBase):
    """Which components to keep."""

    component_id: TextIn | None = None
    component_type: TextMatch | None = None
    config: JsonMatch | None = None
    state_id: TextIn | None = None
    state_name: TextMatch | None = None
    variables: JsonMatch | None = None
    completed: BooleanMatch | None = None


class ComponentOrderField(OrderField):
    """What components can be sorted by."""

    TIMESTAMP = "timestamp"
    ONSET = "onset"
    ROOM_ID = "room_id"
    PARTICIPANT_ID = "participant_id"
    COMPONENT_ID = "component_id"
    COMPONENT_TYPE = "component_type"
    STATE_ID = "state_id"
    STATE_NAME = "state_name"
    COMPLETED = "completed"


COMPONENTS = DataType(
    name="components",
    title="components",
    stem="components",
    description="The components as they were shown.",
    model=Component,
    base=ComponentBase,
    filter=ComponentFilter,
    order=ComponentOrderField,
    scope="read:components",
)
