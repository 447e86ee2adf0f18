"""What every resolver is given: who asks, and the parts of the server that it may use."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from server.access import Actor
from server.api_keys import Holder
from server.audit import Origin, add
from server.batches import Batches
from server.db import Database
from server.entrance import Entrance
from server.export.jobs import Exporter
from server.export.progress import Hub
from server.export.surveys import Surveyor
from server.ingest.gate import Gate
from server.limits.budgets import BudgetHolder, Budgets
from server.limits.terms import Terms
from server.limits.weights import Meter
from server.links import Purpose, Signer
from server.live.pulse import Pulse
from server.notifying.rights import Rights
from server.observing.observer import Observer
from server.persisted import PersistedDocuments
from server.records.audit import AuditAction
from server.records.users import UserRole
from server.resolvers.own_views import OwnView, own_view
from server.sessions import session_with
from server.storage import Storage

RECHECK_SECONDS = 2
"""How often it is asked again, of whatever stays open, who is there and what they may see, though
nobody has told that it changed."""


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the server that live as long as it does."""

    db: Database
    storage: Storage
    exporter: Exporter
    hub: Hub
    signer: Signer
    surveyor: Surveyor
    entrance: Entrance
    gate: Gate
    pulse: Pulse
    rights: Rights
    upload_gate: Gate
    upload_max_bytes: int
    fast_path: bool = True
    smallest_cell: int = 5
    export_days: int = 7
    webhook_loopback: bool = False
    erasure_grace_days: float = 7
    terms: Terms = field(default_factory=Terms)
    budgets: Budgets | None = None
    persisted: PersistedDocuments = field(default_factory=PersistedDocuments)
    observer: Observer = field(default_factory=Observer)


@dataclass(frozen=True)
class Context:
    """One operation: who asks for it, and the loader that its fields share."""

    services: Services
    actor: Actor
    address: Callable[[], str]
    """Where the caller reaches the server: worked out only for who asks for a link."""
    origin: Origin = field(default_factory=Origin)
    """Who asks, from where and why, for the audit log."""
    present: Callable[[], Actor] | None = None
    """Who asks, as it is known by now: a socket asks again while it is open."""

    text: str | None = None
    """The document that is executed; None if it is not known."""
    document: object = None
    """The same, as it was read, for whoever executes it."""
    budget: BudgetHolder | None = None
    """Who pays for it; None if nobody does."""
    meter: Meter = field(default_factory=Meter)
    reads: set[tuple[AuditAction, int]] = field(default_factory=set[tuple[AuditAction, int]])
    """What the audit log is to say was read, and of which experiments."""
    refused: dict[tuple[AuditAction, str], None] = field(
        default_factory=dict[tuple[AuditAction, str], None]
    )
    """What the audit log is to say was refused, and what it would have been done to."""

    def names(self, field: str) -> bool:
        """Say whether the document may select a field of that name."""
        return self.text is None or field in self.text

    async def settle(self) -> None:
        """Note what was read and what was refused: before the answer is sent, or it must not be."""
        if not self.reads and not self.refused:
            return
        async with self.db.write() as tx:
            for action in sorted({action for action, _ in self.reads}):
                experiments = [key for each, key in self.reads if each == action]
                await self.note(tx, action, experiment_keys=experiments)
            for action, resource in self.refused:
                await self.note(tx, action, allowed=False, resource=resource)
        self.reads.clear()
        self.refused.clear()

    async def note(
        self,
        tx: AsyncConnection,
        action: AuditAction,
        *,
        allowed: bool = True,
        experiment_keys: Sequence[int] = (),
        resource: str | None = None,
    ) -> None:
        """Add to the audit log, in the transaction of what is done; see `add`."""
        await add(
            tx,
            self.origin,
            action,
            allowed=allowed,
            experiment_keys=experiment_keys,
            resource=resource,
        )

    async def own_view(self) -> OwnView | None:
        """Return how others are disguised in what a participant is shown; None for all others.

        Found out once an operation.
        """
        if self.actor.role is not UserRole.PARTICIPANT:
            return None
        async with self._finding_out:
            if not self._own_views:
                self._own_views.append(await own_view(self.db, self.actor))
        return self._own_views[0]

    @cached_property
    def _finding_out(self) -> asyncio.Lock:
        return asyncio.Lock()

    @cached_property
    def _own_views(self) -> list[OwnView]:
        return []

    def renewed(self) -> "Context":
        """Return the context with the rights that the caller has by now."""
        return self if self.present is None else replace(self, actor=self.present())

    @property
    def fast_path(self) -> bool:
        """Whether selections may be executed by compiled plans."""
        return self.services.fast_path

    @cached_property
    def batches(self) -> Batches:
        return Batches(self)

    @cached_property
    def db(self) -> Database:
        return self.services.db

    def link(
        self, path: str, purpose: Purpose, key: int, terms: Mapping[str, Any] | None = None
    ) -> str:
        """Return the address of a file, signed now, for whoever holds it; `terms` as `sign`."""
        token = self.services.signer.sign(purpose, key, self.actor.user_key, terms)
        return f"{self.address()}{path}?token={token}"


@dataclass(slots=True)
class Caller:
    """Whoever is at the other end of a request, or of a socket, until it is known who they are.

    key         the API key they sent
    session     the secret of the session their browser keeps; a key goes before it
    may_change  whether they may execute mutations: not where a page of others could be asking
    origin      from where they ask, and why, for the audit log
    holder      who they are by their key, once that is known
    """

    services: Services
    address: Callable[[], str]
    key: str | None
    session: str | None = None
    may_change: bool = True
    origin: Origin = field(default_factory=Origin)
    holder: Holder | None = None
    actor: Actor | None = None
    connection_params: Mapping[str, object] = field(default_factory=dict[str, object])

    async def authenticate(self) -> None:
        """Find out who holds the key, or who is signed in.

        Unauthenticated if nobody is, Throttled as `Entrance`.
        """
        if self.key is None and self.session is not None:
            self.holder = None
            self.actor = (await session_with(self.services.db, self.session)).actor
        else:
            self.holder = await self.services.entrance.holder(self.key, self.origin.address)
            self.actor = self.holder.actor

    @property
    def user_key(self) -> int:
        """The account of who asks, once that is known."""
        return self._known().user_key

    def context(self, text: str | None = None) -> Context:
        """Return the context of a new operation: a socket has many, each with its own loader."""
        actor = self._known()
        if self.holder is not None:
            self.services.entrance.uses.note(self.holder, self.origin.address)
        origin = replace(self.origin, actor_id=actor.user_id, api_key=actor.api_key)
        budget = BudgetHolder(actor.user_key, self.holder.key if self.holder else 0)
        return Context(self.services, actor, self.address, origin, self._known, text, budget=budget)

    def _known(self) -> Actor:
        assert self.actor is not None
        return self.actor
