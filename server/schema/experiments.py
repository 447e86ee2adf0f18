"""Experiments, their rooms and participants."""

from typing import Annotated

import strawberry

from server.execution.fields import Batched
from server.records import RecordType
from server.records.audit import AUDIT_LOG, AuditAction, AuditFilter
from server.records.collaborators import COLLABORATORS
from server.records.experiments import EXPERIMENTS, ExperimentBase
from server.records.experiments import Experiment as ExperimentTable
from server.records.participants import (
    PARTICIPANTS,
    PSEUDONYMS,
    ParticipantBase,
    ParticipantFilter,
    PseudonymBase,
)
from server.records.rooms import ROOMS, RoomBase, RoomFilter
from server.records.rooms import Room as RoomTable
from server.records.users import User as UserTable
from server.records.withdrawals import WITHDRAWALS, WithdrawalFilter
from server.resolvers.drawn_on import ExportsOf
from server.resolvers.listings import Counts, Listing, PageWithin, Window
from server.resolvers.lookups import Parents
from server.resolvers.retention import Archives, Holds, Policies
from server.resolvers.rights import Accesses, OwnersOnly
from server.resolvers.summaries import AvailableTypes
from server.schema.audit import AuditEntry, newest_first
from server.schema.collaborators import Collaborator
from server.schema.connection import Connection, loaded, within
from server.schema.exports import Export
from server.schema.node import Node
from server.schema.orders import ParticipantOrder, RoomOrder
from server.schema.people import User
from server.schema.policies import Archive, LegalHold, RetentionPolicy
from server.schema.rights import Access
from server.schema.rollups import RoomRollUps
from server.schema.scope import KEEP, SORT, After, Before, DataScope, First, Last
from server.schema.withdrawals import Withdrawal

LazyRoom = Annotated["Room", strawberry.lazy("server.schema.experiments")]
LazyExperiment = Annotated["Experiment", strawberry.lazy("server.schema.experiments")]


EXPERIMENT = Parents(ExperimentTable, "experiment_key", EXPERIMENTS.scope)
ROOM = Parents(RoomTable, "room_key", EXPERIMENTS.scope)
OWNER = Parents(UserTable, "owner_key")
ACCESS = Accesses("experiment_key")


@strawberry.pydantic.type(description="One person's part in one room.")
class Participant(ParticipantBase, Node, DataScope):
    @strawberry.pydantic.field(description="The room.", extensions=[Batched("room_key")])
    def room(self) -> LazyRoom:
        return loaded(ROOM)

    @strawberry.pydantic.field(
        description="The experiment.", extensions=[Batched("experiment_key")]
    )
    def experiment(self) -> LazyExperiment:
        return loaded(EXPERIMENT)

    @strawberry.pydantic.field(
        description="What the caller may do with it.", extensions=[Batched("experiment_key")]
    )
    def access(self) -> Access:
        return loaded(ACCESS)

    @strawberry.pydantic.field(
        description="The types of which there is any record.", extensions=[Batched()]
    )
    def available_data(self) -> list[RecordType]:
        return loaded(AvailableTypes())


@strawberry.pydantic.type(description="One session of an experiment, with those in it together.")
class Room(RoomBase, Node, DataScope, RoomRollUps):
    duration: Annotated[
        int | None,
        strawberry.field(description="From start to end, in milliseconds; null while it runs."),
    ] = None

    @strawberry.pydantic.field(
        description="The experiment.", extensions=[Batched("experiment_key")]
    )
    def experiment(self) -> LazyExperiment:
        return loaded(EXPERIMENT)

    @strawberry.pydantic.field(
        description="What the caller may do with it.", extensions=[Batched("experiment_key")]
    )
    def access(self) -> Access:
        return loaded(ACCESS)

    @strawberry.pydantic.field(
        description="How many participants were in it.", extensions=[Batched()]
    )
    def participant_count(self) -> int:
        return loaded(Counts(PARTICIPANTS))

    @strawberry.pydantic.field(description="Those who were in it.", extensions=[Batched()])
    def participants(
        self,
        filter: Annotated[ParticipantFilter | None, KEEP] = None,
        order_by: Annotated[list[ParticipantOrder] | None, SORT] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Participant]:
        window = Window(first, after, last, before)
        return within(PARTICIPANTS, filter, order_by, window)


@strawberry.pydantic.type(description="The code that stands for a person in an experiment's files.")
class Pseudonym(PseudonymBase): ...


@strawberry.pydantic.type(description="A study: what is owned, shared and exported as a whole.")
class Experiment(ExperimentBase, Node, DataScope):
    @strawberry.pydantic.field(description="Whose it is.", extensions=[Batched("owner_key")])
    def owner(self) -> User:
        return loaded(OWNER)

    @strawberry.pydantic.field(
        description="What the caller may do with it.", extensions=[Batched()]
    )
    def access(self) -> Access:
        return loaded(Accesses())

    @strawberry.pydantic.field(
        description="Which code stands for whom in its files, in the order in which codes were "
        "given; null for all but its owner and administrators.",
        extensions=[Batched()],
    )
    def participant_codes(
        self, first: First = None, after: After = None
    ) -> Connection[Pseudonym] | None:
        listing = Listing(PSEUDONYMS, PSEUDONYMS.filter())
        page = PageWithin(listing, Window(first, after))
        return loaded(OwnersOnly(page, PSEUDONYMS.scope, AuditAction.READ_IDENTIFIED))

    @strawberry.pydantic.field(
        description="With whom it is shared, the oldest grant first, those that have ended among "
        "them; null for all but its owner and administrators.",
        extensions=[Batched()],
    )
    def collaborators(
        self, first: First = None, after: After = None
    ) -> Connection[Collaborator] | None:
        listing = Listing(COLLABORATORS, COLLABORATORS.filter())
        return loaded(OwnersOnly(PageWithin(listing, Window(first, after)), listing.listed.scope))

    @strawberry.pydantic.field(
        description="Who withdrew from it, or from some data types of it, in the order in which "
        "they did; null for all but its owner and administrators.",
        extensions=[Batched()],
    )
    def withdrawals(
        self,
        filter: Annotated[WithdrawalFilter | None, KEEP] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Withdrawal] | None:
        listing = Listing(WITHDRAWALS, filter or WITHDRAWALS.filter())
        page = PageWithin(listing, Window(first, after))
        return loaded(OwnersOnly(page, WITHDRAWALS.scope, AuditAction.READ_IDENTIFIED))

    @strawberry.pydantic.field(
        description="What was done to it, the newest first; null for all but its owner and "
        "administrators.",
        extensions=[Batched()],
    )
    def audit_log(
        self,
        filter: Annotated[AuditFilter | None, KEEP] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[AuditEntry] | None:
        page = PageWithin(newest_first(filter), Window(first, after))
        return loaded(OwnersOnly(page, AUDIT_LOG.scope))

    @strawberry.pydantic.field(
        description="Those of the caller's exports that draw on it, the newest first.",
        extensions=[Batched("experiment_id")],
    )
    def exports(self, first: First = None, after: After = None) -> Connection[Export]:
        return loaded(ExportsOf(Window(first, after)))

    @strawberry.pydantic.field(description="How long its data are kept.", extensions=[Batched()])
    def retention(self) -> RetentionPolicy:
        return loaded(Policies())

    @strawberry.pydantic.field(
        description="What keeps its data from being deleted; null without a legal hold, and for "
        "all but its owner and administrators.",
        extensions=[Batched()],
    )
    def legal_hold(self) -> LegalHold | None:
        return loaded(OwnersOnly(Holds(), EXPERIMENTS.scope))

    @strawberry.pydantic.field(
        description="Its sealed package; null if it is not archived, or has no records, and for "
        "all but its owner and administrators.",
        extensions=[Batched()],
    )
    def archive(self) -> Archive | None:
        return loaded(OwnersOnly(Archives(), EXPERIMENTS.scope))

    @strawberry.pydantic.field(description="How many rooms it has.", extensions=[Batched()])
    def room_count(self) -> int:
        return loaded(Counts(ROOMS))

    @strawberry.pydantic.field(
        description="How many participants it has, over all rooms; who was in two counts twice.",
        extensions=[Batched()],
    )
    def participant_count(self) -> int:
        return loaded(Counts(PARTICIPANTS))

    @strawberry.pydantic.field(description="Its rooms.", extensions=[Batched()])
    def rooms(
        self,
        filter: Annotated[RoomFilter | None, KEEP] = None,
        order_by: Annotated[list[RoomOrder] | None, SORT] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Room]:
        window = Window(first, after, last, before)
        return within(ROOMS, filter, order_by, window)

    @strawberry.pydantic.field(
        description="Its participants, over all rooms.", extensions=[Batched()]
    )
    def participants(
        self,
        filter: Annotated[ParticipantFilter | None, KEEP] = None,
        order_by: Annotated[list[ParticipantOrder] | None, SORT] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Participant]:
        window = Window(first, after, last, before)
        return within(PARTICIPANTS, filter, order_by, window)
