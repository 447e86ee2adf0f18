"""What clients see, put together from its parts: the only GraphQL of the server."""

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter

from server.execution.executor import PlanningExecutor
from server.schema.api_keys import ApiKeyMutation, ApiKeyQuery
from server.schema.audit import AuditEntry, AuditQuery
from server.schema.data_requests import DataRequestMutation, DataRequestQuery
from server.schema.erasures import Erasure, ErasureMutation, ErasureQuery
from server.schema.executing import Schema, extensions
from server.schema.experiments import Experiment, Participant, Room
from server.schema.exports import ExportMutation, ExportQuery, ExportSubscription
from server.schema.groups import UserGroupMutation, UserGroupQuery
from server.schema.ingest import IngestMutation, IngestQuery, QuarantinedRecord
from server.schema.live import LiveSubscription
from server.schema.queries import ReadingQuery
from server.schema.rate_limits import RateLimitQuery
from server.schema.records import (
    ChatMessage,
    Component,
    ContinuousRating,
    Event,
    Recording,
    SparseRating,
    SyncMetric,
)
from server.schema.retention import RetentionMutation, RetentionQuery
from server.schema.scalars import SCALARS
from server.schema.schedules import ExportScheduleMutation, ExportScheduleQuery
from server.schema.setting_up import SettingUpMutation
from server.schema.sharing import SharingMutation
from server.schema.uploads import UploadMutation
from server.schema.webhooks import WebhookMutation, WebhookQuery
from server.schema.withdrawals import WithdrawalMutation


@strawberry.type(description="All that can be read.")
class Query(
    ReadingQuery,
    ExportQuery,
    ExportScheduleQuery,
    UserGroupQuery,
    AuditQuery,
    ApiKeyQuery,
    IngestQuery,
    RetentionQuery,
    WebhookQuery,
    DataRequestQuery,
    ErasureQuery,
    RateLimitQuery,
): ...


@strawberry.type(description="All that can be changed.")
class Mutation(
    ExportMutation,
    ExportScheduleMutation,
    SharingMutation,
    UserGroupMutation,
    ApiKeyMutation,
    IngestMutation,
    SettingUpMutation,
    UploadMutation,
    WithdrawalMutation,
    RetentionMutation,
    WebhookMutation,
    DataRequestMutation,
    ErasureMutation,
): ...


@strawberry.type(description="All that can be watched.")
class Subscription(ExportSubscription, LiveSubscription): ...


class Names(NameConverter):
    """Camel case, and `in_` becomes `in`, which Python keeps for itself."""

    def apply_naming_config(self, name: str) -> str:
        return super().apply_naming_config(name.removesuffix("_"))


schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[
        Experiment,
        Room,
        Participant,
        Event,
        Recording,
        ChatMessage,
        ContinuousRating,
        SparseRating,
        SyncMetric,
        Component,
        AuditEntry,
        QuarantinedRecord,
        Erasure,
    ],
    execution_context_class=PlanningExecutor,
    config=StrawberryConfig(name_converter=Names(), scalar_map=SCALARS),
    extensions=extensions(),
)
schema.show_requirements()
