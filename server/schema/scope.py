"""What an experiment, a room and a participant have in common: the seven data types."""

from typing import Annotated

import strawberry

from server.execution.fields import Batched
from server.limits.weights import QUALITY, costs
from server.records import RecordType
from server.records.chat_messages import CHAT_MESSAGES, ChatMessageFilter
from server.records.components import COMPONENTS, ComponentFilter
from server.records.continuous_ratings import CONTINUOUS_RATINGS, ContinuousRatingFilter
from server.records.events import EVENTS, EventFilter
from server.records.recordings import RECORDINGS, RecordingFilter
from server.records.sparse_ratings import SPARSE_RATINGS, SparseRatingFilter
from server.records.sync_metrics import SYNC_METRICS, SyncMetricFilter
from server.resolvers.listings import Window
from server.resolvers.quality.reports import QualityReports
from server.resolvers.summaries import Summaries
from server.schema.connection import Connection, loaded, within
from server.schema.orders import (
    ChatMessageOrder,
    ComponentOrder,
    ContinuousRatingOrder,
    EventOrder,
    RecordingOrder,
    SparseRatingOrder,
    SyncMetricOrder,
)
from server.schema.quality import COMPLETENESS, QualityReport
from server.schema.records import (
    ChatMessage,
    Component,
    ContinuousRating,
    Event,
    Recording,
    SparseRating,
    SyncMetric,
)
from server.schema.rollups import RollUps
from server.timestamps import Timestamp

First = Annotated[
    int | None, strawberry.argument(description="How many rows, from the start; 50 if left out.")
]
After = Annotated[
    str | None, strawberry.argument(description="Cursor after which the page begins.")
]
Last = Annotated[int | None, strawberry.argument(description="How many rows, from the end.")]
Before = Annotated[
    str | None, strawberry.argument(description="Cursor before which the page ends.")
]
KEEP = strawberry.argument(description="Which rows to keep; all, if left out.")
SORT = strawberry.argument(description="How to sort; several keys in turn.")


@strawberry.type(description="How much there is of one data type.")
class DataSummary:
    data_type: RecordType = strawberry.field(description="Which type.")
    record_count: int = strawberry.field(description="How many records.")
    first_timestamp: Timestamp | None = strawberry.field(
        description="When the first of them happened; null without any."
    )
    last_timestamp: Timestamp | None = strawberry.field(
        description="When the last of them happened; null without any."
    )
    completeness: float | None = strawberry.field(description=COMPLETENESS)
    expected_count: int | None = strawberry.field(
        description="How many were expected, by the rule of `completeness`; null where nothing can "
        "be expected."
    )


@strawberry.interface(
    description="What an experiment, a room and a participant have in common: the seven data types."
)
class DataScope(RollUps):
    @strawberry.field(description="What happened, moment by moment.", extensions=[Batched()])
    def events(
        self,
        filter: Annotated[EventFilter | None, KEEP] = None,
        order_by: Annotated[list[EventOrder] | None, SORT] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Event]:
        window = Window(first, after, last, before)
        return within(EVENTS, filter, order_by, window)

    @strawberry.field(description="Video and audio.", extensions=[Batched()])
    def recordings(
        self,
        filter: Annotated[RecordingFilter | None, KEEP] = None,
        order_by: Annotated[list[RecordingOrder] | None, SORT] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Recording]:
        window = Window(first, after, last, before)
        return within(RECORDINGS, filter, order_by, window)

    @strawberry.field(description="What participants wrote to one another.", extensions=[Batched()])
    def chat_messages(
        self,
        filter: Annotated[ChatMessageFilter | None, KEEP] = None,
        order_by: Annotated[list[ChatMessageOrder] | None, SORT] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ChatMessage]:
        window = Window(first, after, last, before)
        return within(CHAT_MESSAGES, filter, order_by, window)

    @strawberry.field(
        description="Slider samples, taken each 100 to 500 ms; pages of up to 10,000.",
        extensions=[Batched()],
    )
    def continuous_ratings(
        self,
        filter: Annotated[ContinuousRatingFilter | None, KEEP] = None,
        order_by: Annotated[list[ContinuousRatingOrder] | None, SORT] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ContinuousRating]:
        window = Window(first, after, last, before)
        return within(CONTINUOUS_RATINGS, filter, order_by, window)

    @strawberry.field(description="Single answers to questions.", extensions=[Batched()])
    def sparse_ratings(
        self,
        filter: Annotated[SparseRatingFilter | None, KEEP] = None,
        order_by: Annotated[list[SparseRatingOrder] | None, SORT] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[SparseRating]:
        window = Window(first, after, last, before)
        return within(SPARSE_RATINGS, filter, order_by, window)

    @strawberry.field(
        description="How well videos kept time, each second; pages of up to 10,000.",
        extensions=[Batched()],
    )
    def sync_metrics(
        self,
        filter: Annotated[SyncMetricFilter | None, KEEP] = None,
        order_by: Annotated[list[SyncMetricOrder] | None, SORT] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[SyncMetric]:
        window = Window(first, after, last, before)
        return within(SYNC_METRICS, filter, order_by, window)

    @strawberry.field(description="The components as they were shown.", extensions=[Batched()])
    def components(
        self,
        filter: Annotated[ComponentFilter | None, KEEP] = None,
        order_by: Annotated[list[ComponentOrder] | None, SORT] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Component]:
        window = Window(first, after, last, before)
        return within(COMPONENTS, filter, order_by, window)

    @strawberry.field(
        description="One entry a data type: how many records, from when to when.",
        extensions=[Batched()],
    )
    def data_summary(
        self,
        data_types: Annotated[
            list[RecordType] | None,
            strawberry.argument(description="Which types; all seven, if left out."),
        ] = None,
    ) -> list[DataSummary]:
        return loaded(Summaries(tuple(RecordType if data_types is None else data_types)))

    @strawberry.field(
        description="How much of what was expected came, and what is wrong with it, as far as the "
        "caller may see the data types that tell.",
        metadata=costs(QUALITY),
        extensions=[Batched()],
    )
    def quality(self) -> QualityReport:
        return loaded(QualityReports())
