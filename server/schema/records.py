"""The GraphQL face of the seven data types, whose columns are declared in `server.records`."""

import strawberry
from pydantic import Field

from server.execution.fields import Batched
from server.records import (
    chat_messages,
    components,
    continuous_ratings,
    events,
    recordings,
    sparse_ratings,
    sync_metrics,
)
from server.records.base import Place, RecordBase
from server.resolvers.links import RecordingLinks
from server.schema import inputs as inputs  # filters and enums become GraphQL's first
from server.schema.connection import loaded
from server.schema.node import Node
from server.timestamps import Timestamp


@strawberry.pydantic.interface(description="What records of all seven types have in common.")
class DataRecord(RecordBase, Place, Node): ...


@strawberry.pydantic.type(description="Something that happened at one moment of a session.")
class Event(events.EventBase, DataRecord): ...


@strawberry.pydantic.type(description="Video or audio of a participant.")
class Recording(recordings.RecordingBase, DataRecord):
    file_deleted_at: Timestamp | None = Field(
        default=None,
        description="When its file was deleted because its time was over: the record stays. Null "
        "if the file is there, or never came.",
    )

    @strawberry.pydantic.field(
        description="Address of the file, signed when read and working for about an hour; "
        "null if there is no file, and to all who may not see identified data.",
        extensions=[Batched("storage_key", "experiment_key")],
    )
    def download_url(self) -> str | None:
        return loaded(RecordingLinks())


@strawberry.pydantic.type(description="What a participant wrote to others.")
class ChatMessage(chat_messages.ChatMessageBase, DataRecord): ...


@strawberry.pydantic.type(description="One sample of a slider, taken each 100 to 500 ms.")
class ContinuousRating(continuous_ratings.ContinuousRatingBase, DataRecord): ...


@strawberry.pydantic.type(description="One answer to a question about a stimulus.")
class SparseRating(sparse_ratings.SparseRatingBase, DataRecord): ...


@strawberry.pydantic.type(description="How well a participant's video kept time, once a second.")
class SyncMetric(sync_metrics.SyncMetricBase, DataRecord):
    band: sync_metrics.SyncBand | None = Field(
        default=None,
        description="By absolute drift: GOOD below 100 ms, ACCEPTABLE to 500 ms, POOR beyond.",
    )


@strawberry.pydantic.type(description="A component as it was shown to a participant.")
class Component(components.ComponentBase, DataRecord): ...
