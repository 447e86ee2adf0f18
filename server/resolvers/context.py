"""What every resolver is given: who asks, and the parts of the server that it may use."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

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
from server.links import Purpose, Signer
from server.records.audit import AuditAction
from server.storage import Storage


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
    fast_path: bool = True
    smallest_cell: int = 5
    export_days: int = 7


@dataclass(frozen=True)
class Context:
    """One operation: who asks for it, and the loader that its fields share."""

    services: Services
    actor: Actor
    address: Callable[[], str]
    """Where the caller reaches the server: worked out only for who asks for a link."""
    origin: Origin = field(default_factory=Origin)
    """Who asks, from where and why, for the audit log."""

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

    def link(self, path: str, purpose: Purpose, key: int) -> str:
        """Return the address of a file, signed now, for whoever holds it."""
        return f"{self.address()}{path}?token={self.services.signer.sign(purpose, key)}"


@dataclass(slots=True)
class Caller:
    """Whoever is at the other end of a request, or of a socket, until their key is known.

    client_address  the network address from which they ask
    holder          who they are by their key, once that is known
    """

    services: Services
    address: Callable[[], str]
    key: str | None
    client_address: str | None = None
    holder: Holder | None = None
    actor: Actor | None = None
    connection_params: Mapping[str, object] = field(default_factory=dict[str, object])

    async def authenticate(self) -> None:
        """Find out who holds the key; Unauthenticated if nobody does, Throttled as `Entrance`."""
        self.holder = await self.services.entrance.holder(self.key, self.client_address)
        self.actor = self.holder.actor

    def context(self) -> Context:
        """Return the context of a new operation: a socket has many, each with its own loader."""
        assert self.actor is not None
        origin = Origin(address=self.client_address)
        if (holder := self.holder) is not None:
            self.services.entrance.uses.note(holder, self.client_address)
            origin = replace(origin, actor_id=holder.user_id, api_key=holder.prefix)
        return Context(self.services, self.actor, self.address, origin)
