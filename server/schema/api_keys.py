"""API keys: the caller's own, how to make one, and how to revoke one."""

from typing import Annotated, Any

import strawberry

from server.cursors import SortKey
from server.execution.fields import Batched
from server.records.api_keys import API_KEYS, ApiKeyBase, ApiKeyOrderField, KeyExpiry
from server.resolvers import api_keys
from server.resolvers.api_keys import Asked, BoundTo, environment
from server.resolvers.listings import Listing, PageOfAll, Window
from server.schema.connection import Connection, loaded
from server.schema.experiments import Experiment
from server.schema.info import Info
from server.schema.node import Node
from server.schema.scope import After, First
from server.schema.user_errors import UserError, UserErrors

_NEWEST = Listing(
    API_KEYS,
    API_KEYS.filter(),
    (SortKey(ApiKeyOrderField.CREATED_AT.value, descending=True),),
)


@strawberry.pydantic.type(description="An API key, without what makes it one: it is shown once.")
class ApiKey(ApiKeyBase, Node):
    @strawberry.pydantic.field(
        description="The experiments that it is for, of those that the caller sees; null if it is "
        "bound to none.",
        extensions=[Batched("experiment_keys")],
    )
    def experiments(self) -> list[Experiment] | None:
        return loaded(BoundTo())


@strawberry.input(description="A new API key.")
class ApiKeyInput:
    name: str = strawberry.field(description="What to call it: a line of at most 200 characters.")
    description: str | None = strawberry.field(
        default=None, description="What it is for: at most 1,000 characters."
    )
    scopes: list[str] = strawberry.field(
        description="What it is to allow, such as `read:events`, `read:*` or `*`; no more than the "
        "key in use does."
    )
    expiry: KeyExpiry = strawberry.field(
        default=KeyExpiry.NINETY_DAYS,
        description="How long it works; no longer than the key in use.",
    )
    experiment_ids: list[str] | None = strawberry.field(
        default=None,
        description="The only experiments that it is for, `exp_…`; all when left out.",
    )

    def asked(self) -> Asked:
        """Return the same in the terms of the resolvers."""
        return Asked(
            name=self.name,
            description=self.description,
            scopes=self.scopes,
            expiry=self.expiry,
            experiment_ids=self.experiment_ids,
        )


@strawberry.type(description="The key that was made, or why none was.")
class ApiKeyCreatePayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
    api_key: ApiKey | None = strawberry.field(default=None, description="The key.")
    secret: str | None = strawberry.field(
        default=None, description="The key itself: this once, for only its hash is kept."
    )
    env: str | None = strawberry.field(
        default=None,
        description="The text of a `.env` file with the server's address and the key, as "
        "`hyperdata export` reads them.",
    )


@strawberry.type(description="The key that was revoked, or why none was.")
class ApiKeyPayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
    api_key: ApiKey | None = strawberry.field(default=None, description="The key.")


@strawberry.type
class ApiKeyQuery:
    @strawberry.field(
        description="The caller's own API keys, the newest first, those among them that expired or "
        "were revoked; a key that is bound to experiments sees those bound to no others.",
        extensions=[Batched()],
    )
    def api_keys(self, first: First = None, after: After = None) -> Connection[ApiKey]:
        return loaded(PageOfAll(_NEWEST, Window(first, after)))


@strawberry.type
class ApiKeyMutation:
    @strawberry.mutation(
        description="Make an API key for the caller's account. It allows no more than the key in "
        "use, which needs the scope `admin:api_keys`.",
        extensions=[UserErrors(ApiKeyCreatePayload)],
    )
    async def api_key_create(
        self,
        info: Info,
        input: Annotated[
            ApiKeyInput, strawberry.argument(description="What it is to allow, and for how long.")
        ],
    ) -> ApiKeyCreatePayload:
        made = await api_keys.create(info.context, input.asked())
        row: Any = made.row
        env = environment(info.context.address(), made.secret)
        return ApiKeyCreatePayload(api_key=row, secret=made.secret, env=env)

    @strawberry.mutation(
        description="Revoke one of the caller's API keys: it opens nothing from now on. Nothing "
        "happens to one that is revoked already.",
        extensions=[UserErrors(ApiKeyPayload)],
    )
    async def api_key_revoke(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The key's global id.")],
    ) -> ApiKeyPayload:
        row: Any = await api_keys.revoke(info.context, id)
        return ApiKeyPayload(api_key=row)
