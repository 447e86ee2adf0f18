"""The data: one module per table, all of them known once this package is, and the list of types."""

from enum import Enum
from typing import Annotated, TypeAlias

from pydantic import PlainSerializer

from server.records import api_keys as api_keys
from server.records import audit as audit
from server.records import budgets as budgets
from server.records import collaborators as collaborators
from server.records import data_requests as data_requests
from server.records import erasures as erasures
from server.records import export_schedules as export_schedules
from server.records import exports as exports
from server.records import groups as groups
from server.records import quarantine as quarantine
from server.records import retention as retention
from server.records import revisions as revisions
from server.records import sealed as sealed
from server.records import sessions as sessions
from server.records import tallies as tallies
from server.records import time_shifts as time_shifts
from server.records import users as users
from server.records import webhooks as webhooks
from server.records import withdrawals as withdrawals
from server.records.chat_messages import CHAT_MESSAGES
from server.records.components import COMPONENTS
from server.records.continuous_ratings import CONTINUOUS_RATINGS
from server.records.events import EVENTS
from server.records.participants import ParticipantFilter
from server.records.recordings import RECORDINGS
from server.records.sparse_ratings import SPARSE_RATINGS
from server.records.sync_metrics import SYNC_METRICS


class RecordType(Enum):  # whatever must be done for each of them loops over this
    """The seven types of data."""

    EVENTS = EVENTS
    RECORDINGS = RECORDINGS
    CHAT_MESSAGES = CHAT_MESSAGES
    CONTINUOUS_RATINGS = CONTINUOUS_RATINGS
    SPARSE_RATINGS = SPARSE_RATINGS
    SYNC_METRICS = SYNC_METRICS
    COMPONENTS = COMPONENTS

    __hash__ = object.__hash__  # each is itself alone; Enum's own is Python, once a record


NamedType: TypeAlias = Annotated[
    RecordType, PlainSerializer(lambda data_type: data_type.name, return_type=str)
]
"""A data type that is written down by its name."""

ParticipantFilter.model_rebuild(_types_namespace={"NamedType": NamedType})
