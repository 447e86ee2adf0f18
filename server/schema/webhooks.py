"""Webhooks: whom the server tells by itself what has happened."""

from typing import Annotated, Any

import strawberry

from server.cursors import SortKey
from server.execution.fields import Batched
from server.records.experiments import EXPERIMENTS
from server.records.experiments import Experiment as ExperimentTable
from server.records.webhooks import (
    WEBHOOK_DELIVERIES,
    WEBHOOKS,
    WebhookBase,
    WebhookDeliveryBase,
    WebhookDeliveryOrderField,
    WebhookEvent,
    WebhookFilter,
    WebhookOrderField,
)
from server.resolvers import webhooks
from server.resolvers.listings import Listing, PageOfAll, PageWithin, Window
from server.resolvers.lookups import Parents
from server.resolvers.webhooks import Asked, Changes
from server.schema import inputs as inputs  # enums become GraphQL's first
from server.schema.connection import Connection, loaded
from server.schema.deleting import DeletePayload
from server.schema.experiments import Experiment
from server.schema.info import Info
from server.schema.narrowing import OfExperiment, of_experiment
from server.schema.node import Node
from server.schema.scope import After, First
from server.schema.user_errors import UserError, UserErrors

WebhookId = Annotated[strawberry.ID, strawberry.argument(description="The webhook's global id.")]

_LATEST = Listing(
    WEBHOOK_DELIVERIES,
    WEBHOOK_DELIVERIES.filter(),
    (SortKey(WebhookDeliveryOrderField.CREATED_AT.value, descending=True),),
)


@strawberry.pydantic.type(description="Something that a webhook tells, and what became of that.")
class WebhookDelivery(WebhookDeliveryBase): ...


@strawberry.pydantic.type(
    description="An address that is told by itself what happens, after the Standard Webhooks "
    "specification; without the secret that signs: it is shown once."
)
class Webhook(WebhookBase, Node):
    @strawberry.pydantic.field(
        description="The experiment it is of; null for one of an account, which is told of all "
        "experiments that the account owns.",
        extensions=[Batched("experiment_key")],
    )
    def experiment(self) -> Experiment | None:
        return loaded(Parents(ExperimentTable, "experiment_key", EXPERIMENTS.scope))

    @strawberry.pydantic.field(
        description="What it has told, and has still to tell, the newest first; kept for 30 days.",
        extensions=[Batched()],
    )
    def deliveries(self, first: First = None, after: After = None) -> Connection[WebhookDelivery]:
        return loaded(PageWithin(_LATEST, Window(first, after)))


@strawberry.input(description="A new webhook.")
class WebhookInput:
    url: str = strawberry.field(
        description="Where to send: `https://…`, at a public address. Redirects are not followed."
    )
    events: list[WebhookEvent] = strawberry.field(description="What to tell of.")
    experiment_id: str | None = strawberry.field(
        default=None,
        description="Public id of the experiment to tell of, `exp_…`; when left out, it is of the "
        "caller's account, and is told of all experiments that the account owns and of all exports "
        "that it asks for.",
    )

    def asked(self) -> Asked:
        """Return the same in the terms of the resolvers."""
        return Asked(self.url, self.events, self.experiment_id)


@strawberry.input(description="What to change of a webhook.")
class WebhookChanges:
    url: str | None = strawberry.field(
        default=None, description="Where to send; as before when left out."
    )
    events: list[WebhookEvent] | None = strawberry.field(
        default=None, description="What to tell of; as before when left out."
    )
    enabled: bool | None = strawberry.field(
        default=None,
        description="Switch it on or off; as before when left out. What was still to be delivered "
        "when it was switched off is given up.",
    )

    def changes(self) -> Changes:
        """Return the same in the terms of the resolvers."""
        return Changes(self.url, self.events, self.enabled)


@strawberry.type(description="A webhook, or why there is none.")
class WebhookPayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
    webhook: Webhook | None = strawberry.field(default=None, description="The webhook.")


@strawberry.type(description="The webhook that was set up, or why none was.")
class WebhookCreatePayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
    webhook: Webhook | None = strawberry.field(default=None, description="The webhook.")
    secret: str | None = strawberry.field(
        default=None,
        description="What signs all that it sends, `whsec_…`: shown this once, for the receiver.",
    )


@strawberry.type(description="What a webhook is to deliver, or why it delivers nothing.")
class WebhookTestPayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
    delivery: WebhookDelivery | None = strawberry.field(
        default=None,
        description="The ping: it is sent within seconds, and `deliveries` tell how that went.",
    )


@strawberry.type
class WebhookQuery:
    @strawberry.field(
        description="The webhooks of the caller's experiments and account, the oldest first. Needs "
        "the scope `write:experiments`.",
        extensions=[Batched()],
    )
    def webhooks(
        self,
        experiment_id: OfExperiment = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Webhook]:
        kept = WebhookFilter(experiment_id=of_experiment(experiment_id))
        oldest = (SortKey(WebhookOrderField.CREATED_AT.value),)
        return loaded(PageOfAll(Listing(WEBHOOKS, kept, oldest), Window(first, after)))


@strawberry.type
class WebhookMutation:
    @strawberry.mutation(
        description="Set up a webhook, of an experiment that the caller owns or of their account. "
        "Needs the scope `write:experiments`, as all that changes webhooks.",
        extensions=[UserErrors(WebhookCreatePayload)],
    )
    async def webhook_create(
        self,
        info: Info,
        input: Annotated[
            WebhookInput, strawberry.argument(description="What to tell of, and where.")
        ],
    ) -> WebhookCreatePayload:
        made, secret = await webhooks.create(info.context, input.asked())
        row: Any = made
        return WebhookCreatePayload(webhook=row, secret=secret)

    @strawberry.mutation(
        description="Change a webhook, or switch it on again.",
        extensions=[UserErrors(WebhookPayload)],
    )
    async def webhook_update(
        self,
        info: Info,
        id: WebhookId,
        input: Annotated[WebhookChanges, strawberry.argument(description="What to change.")],
    ) -> WebhookPayload:
        row: Any = await webhooks.change(info.context, id, input.changes())
        return WebhookPayload(webhook=row)

    @strawberry.mutation(
        description="Delete a webhook: what it still had to deliver is not delivered.",
        extensions=[UserErrors(DeletePayload)],
    )
    async def webhook_delete(self, info: Info, id: WebhookId) -> DeletePayload:
        await webhooks.remove(info.context, id)
        return DeletePayload(deleted_id=id)

    @strawberry.mutation(
        description="Have a webhook deliver a ping, to see whether it works.",
        extensions=[UserErrors(WebhookTestPayload)],
    )
    async def webhook_test(self, info: Info, id: WebhookId) -> WebhookTestPayload:
        row: Any = await webhooks.try_out(info.context, id)
        return WebhookTestPayload(delivery=row)
