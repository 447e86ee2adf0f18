"""What each list can be sorted by, as inputs: `{field: TIMESTAMP, direction: DESC}`."""

from typing import Any

import strawberry

from server.records.chat_messages import ChatMessageOrderField
from server.records.components import ComponentOrderField
from server.records.continuous_ratings import ContinuousRatingOrderField
from server.records.erasures import ErasureOrderField
from server.records.events import EventOrderField
from server.records.experiments import ExperimentOrderField
from server.records.export_schedules import ExportScheduleOrderField
from server.records.exports import ExportOrderField
from server.records.participants import ParticipantOrderField
from server.records.recordings import RecordingOrderField
from server.records.rooms import RoomOrderField
from server.records.sparse_ratings import SparseRatingOrderField
from server.records.sync_metrics import SyncMetricOrderField
from server.schema import inputs as inputs  # enums become GraphQL's first
from server.schema.connection import OrderDirection


@strawberry.input
class _Directed:
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.ASC, description="Which end comes first."
    )


def _sort_by() -> Any:
    return strawberry.field(description="What to sort by; equal ones keep the order of arrival.")


@strawberry.input(description="How to sort chat messages.")
class ChatMessageOrder(_Directed):
    field: ChatMessageOrderField = _sort_by()


@strawberry.input(description="How to sort components.")
class ComponentOrder(_Directed):
    field: ComponentOrderField = _sort_by()


@strawberry.input(description="How to sort samples.")
class ContinuousRatingOrder(_Directed):
    field: ContinuousRatingOrderField = _sort_by()


@strawberry.input(description="How to sort erasures.")
class ErasureOrder(_Directed):
    field: ErasureOrderField = _sort_by()


@strawberry.input(description="How to sort events.")
class EventOrder(_Directed):
    field: EventOrderField = _sort_by()


@strawberry.input(description="How to sort experiments.")
class ExperimentOrder(_Directed):
    field: ExperimentOrderField = _sort_by()


@strawberry.input(description="How to sort participants.")
class ParticipantOrder(_Directed):
    field: ParticipantOrderField = _sort_by()


@strawberry.input(description="How to sort recordings.")
class RecordingOrder(_Directed):
    field: RecordingOrderField = _sort_by()


@strawberry.input(description="How to sort rooms.")
class RoomOrder(_Directed):
    field: RoomOrderField = _sort_by()


@strawberry.input(description="How to sort answers.")
class SparseRatingOrder(_Directed):
    field: SparseRatingOrderField = _sort_by()


@strawberry.input(description="How to sort measurements.")
class SyncMetricOrder(_Directed):
    field: SyncMetricOrderField = _sort_by()


@strawberry.input(description="How to sort exports.")
class ExportOrder(_Directed):
    field: ExportOrderField = _sort_by()


@strawberry.input(description="How to sort schedules.")
class ExportScheduleOrder(_Directed):
    field: ExportScheduleOrderField = _sort_by()
