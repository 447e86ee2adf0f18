"""The GraphQL face of the filters, which are declared with what they filter."""

from enum import Enum

import strawberry
from pydantic import BaseModel

from server.records import RecordType, filters
from server.records.data_filter import DataFilter
from server.records.experiments import EXPERIMENTS, ExperimentStatus
from server.records.exports import (
    EXPORTS,
    Anonymization,
    ExportErrorCode,
    ExportFormat,
    ExportPackaging,
    ExportStatus,
    ExportStatusIn,
)
from server.records.listed import Listed
from server.records.participants import PARTICIPANTS, ParticipantStatus
from server.records.recordings import RecordingKind
from server.records.rooms import ROOMS, RoomStatus
from server.records.sync_metrics import SyncBand
from server.records.users import UserRole


def _show(*kinds: type[Enum]) -> None:
    for kind in kinds:
        strawberry.enum(kind, description=kind.__doc__)


def _ask(*models: type[BaseModel]) -> None:
    for model in models:
        strawberry.pydantic.input(model, description=model.__doc__)


_LISTED: tuple[Listed, ...] = (
    EXPERIMENTS,
    ROOMS,
    PARTICIPANTS,
    EXPORTS,
    *(record_type.value for record_type in RecordType),
)

strawberry.enum(RecordType, name="DataType", description="The seven types of data.")
_show(
    Anonymization,
    ExperimentStatus,
    ExportErrorCode,
    ExportFormat,
    ExportPackaging,
    ExportStatus,
    ParticipantStatus,
    RecordingKind,
    RoomStatus,
    SyncBand,
    UserRole,
    *(listed.order for listed in _LISTED),
)
_ask(filters.TimestampRange, filters.IntRange, filters.TextIn, ExportStatusIn)
_ask(*(listed.filter for listed in _LISTED), DataFilter)
