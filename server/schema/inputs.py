"""The GraphQL face of the filters and enums, which are declared with what they filter and tell."""

from collections.abc import Callable
from enum import Enum
from typing import TypeVar

import strawberry
from pydantic import BaseModel
from sqlmodel import SQLModel
from strawberry.types.enum import StrawberryEnumDefinition

from server.records import RecordType, conditions, json_conditions
from server.records.api_keys import KeyExpiry
from server.records.audit import AUDIT_LOG, AuditAction, AuditActionIn
from server.records.base import Place
from server.records.data_filter import DataFilter
from server.records.data_requests import AskedBy, DataRequestState
from server.records.described import Described
from server.records.erasures import ERASURES, ErasureKind, ErasureStatus, ErasureStatusIn
from server.records.experiments import (
    EXPERIMENTS,
    ExperimentStatus,
    ExperimentStatusIn,
    ParticipantField,
)
from server.records.export_schedules import EXPORT_SCHEDULES
from server.records.exports import (
    EXPORTS,
    Anonymization,
    AnonymizationIn,
    ExportErrorCode,
    ExportErrorCodeIn,
    ExportFormat,
    ExportFormatIn,
    ExportPackaging,
    ExportPackagingIn,
    ExportStatus,
    ExportStatusIn,
    WithheldReason,
)
from server.records.listed import Listed
from server.records.participants import PARTICIPANTS, ParticipantStatus, ParticipantStatusIn
from server.records.quarantine import QUARANTINE, RefusalCode, RefusalCodeIn
from server.records.recordings import RecordingKind, RecordingKindIn
from server.records.retention import RetentionAction
from server.records.rooms import ROOMS, RoomStatus, RoomStatusIn
from server.records.sync_metrics import SyncBand, SyncBandIn
from server.records.users import UserRole
from server.records.webhooks import DeliveryState, WebhookEvent
from server.records.withdrawals import WITHDRAWALS

Kind = TypeVar("Kind", bound=Enum)


def show(kind: type[Kind], describe: Callable[[Kind], str], name: str | None = None) -> None:
    """Make an enum GraphQL's, with a description of each of its values."""
    strawberry.enum(kind, name=name, description=kind.__doc__)
    shown: StrawberryEnumDefinition = getattr(kind, "__strawberry_definition__")  # noqa: B009 - put there by Strawberry
    for member, value in zip(kind, shown.values, strict=True):
        value.description = describe(member)


def _of_column(model: type[SQLModel]) -> Callable[[Described], str]:
    """Return what describes a choice that is the name of a column: the column, unless itself."""
    columns = {**Place.model_fields, **model.model_fields}

    def describe(choice: Described) -> str:
        return choice.description or columns[choice.value].description or ""

    return describe


def _ask(*models: type[BaseModel]) -> None:
    for model in models:
        strawberry.pydantic.input(model, description=model.__doc__)


_LISTED: tuple[Listed, ...] = (
    EXPERIMENTS,
    ROOMS,
    PARTICIPANTS,
    EXPORTS,
    EXPORT_SCHEDULES,
    AUDIT_LOG,
    QUARANTINE,
    WITHDRAWALS,
    ERASURES,
    *(record_type.value for record_type in RecordType),
)

show(RecordType, lambda each: each.value.description, name="DataType")
for kind in (
    Anonymization,
    AskedBy,
    AuditAction,
    DataRequestState,
    DeliveryState,
    ErasureKind,
    ErasureStatus,
    ExperimentStatus,
    ExportErrorCode,
    ExportFormat,
    ExportPackaging,
    ExportStatus,
    KeyExpiry,
    ParticipantField,
    ParticipantStatus,
    RecordingKind,
    RefusalCode,
    RetentionAction,
    RoomStatus,
    SyncBand,
    UserRole,
    WebhookEvent,
    WithheldReason,
):
    show(kind, lambda member: member.description)
for listed in _LISTED:
    show(listed.order, _of_column(listed.model))
_ask(
    conditions.TimestampRange,
    conditions.IntRange,
    conditions.BigIntRange,
    conditions.FloatRange,
    conditions.BooleanMatch,
    conditions.TextIn,
    conditions.TextMatch,
    conditions.TextListMatch,
    json_conditions.JsonMatch,
    AnonymizationIn,
    AuditActionIn,
    ErasureStatusIn,
    ExperimentStatusIn,
    ExportErrorCodeIn,
    ExportFormatIn,
    ExportPackagingIn,
    ExportStatusIn,
    ParticipantStatusIn,
    RecordingKindIn,
    RefusalCodeIn,
    RoomStatusIn,
    SyncBandIn,
)
_ask(*(listed.filter for listed in _LISTED), DataFilter)
