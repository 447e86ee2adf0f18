"""The filters of all data types together, as an export takes them."""

from pydantic import BaseModel, ConfigDict, Field

from server.records.chat_messages import ChatMessageFilter
from server.records.components import ComponentFilter
from server.records.continuous_ratings import ContinuousRatingFilter
from server.records.events import EventFilter
from server.records.recordings import RecordingFilter
from server.records.sparse_ratings import SparseRatingFilter
from server.records.sync_metrics import SyncMetricFilter


class DataFilter(BaseModel):
    """Which records of each type to keep: the filters of the connections."""

    model_config = ConfigDict(frozen=True)

    events: EventFilter | None = Field(default=None, description="Which events.")
    recordings: RecordingFilter | None = Field(default=None, description="Which recordings.")
    chat_messages: ChatMessageFilter | None = Field(default=None, description="Which messages.")
    continuous_ratings: ContinuousRatingFilter | None = Field(
        default=None, description="Which samples."
    )
    sparse_ratings: SparseRatingFilter | None = Field(default=None, description="Which answers.")
    sync_metrics: SyncMetricFilter | None = Field(default=None, description="Which measurements.")
    components: ComponentFilter | None = Field(default=None, description="Which components.")

    def by_type(self) -> dict[str, dict[str, object]]:
        """Return what is asked of each type, by the name of its `RecordType`."""
        return {
            name.upper(): asked
            for name, asked in self.model_dump(mode="json", exclude_none=True).items()
        }
