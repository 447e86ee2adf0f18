"""Withdrawals: who takes their data back, and what of it is sealed."""

from typing import Annotated, Any, cast

import strawberry

from server.execution.fields import Batched
from server.records import RecordType
from server.records.withdrawals import WithdrawalBase
from server.resolvers import withdrawals
from server.resolvers.withdrawals import Asked, SealedCounts
from server.schema.connection import loaded
from server.schema.info import Info
from server.schema.node import Node
from server.schema.user_errors import UserError, UserErrors
from server.timestamps import Timestamp


@strawberry.type(description="How much of a type is sealed.")
class SealedCount:
    data_type: RecordType = strawberry.field(description="The type.")
    count: int = strawberry.field(description="How many records of it are sealed.")


@strawberry.pydantic.type(
    description="Somebody's withdrawal from an experiment, or from some data types of it."
)
class Withdrawal(WithdrawalBase, Node):
    @strawberry.pydantic.field(description="The types that it is about; null for all.")
    def data_types(self) -> list[RecordType] | None:
        names = cast("Any", self).data_types
        return None if names is None else [each for each in RecordType if each.name in names]

    @strawberry.pydantic.field(
        description="How much is sealed of them, whichever withdrawal it is for: never what.",
        extensions=[Batched()],
    )
    def sealed(self) -> list[SealedCount]:
        return loaded(SealedCounts())


@strawberry.input(description="Who withdraws, from what, and from when on.")
class WithdrawalInput:
    experiment_id: str = strawberry.field(description="Public id of the experiment.")
    participant_id: str = strawberry.field(
        description="Public id of the person: it holds for all of their rooms."
    )
    data_types: list[RecordType] | None = strawberry.field(
        default=None,
        description="Take back the consent to these types alone; withdraw from all when left out.",
    )
    from_: Timestamp | None = strawberry.field(
        default=None, description="From when on nothing is used; at once when left out."
    )
    reason: str | None = strawberry.field(
        default=None, description="Why. It is shown to the experiment's owner."
    )

    def asked(self) -> Asked:
        """Return the same in the terms of the resolvers."""
        return Asked(
            experiment_id=self.experiment_id,
            participant_id=self.participant_id,
            data_types=self.data_types,
            from_at=self.from_,
            reason=self.reason,
        )


@strawberry.type(description="A withdrawal, or why there is none.")
class WithdrawalPayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
    withdrawal: Withdrawal | None = strawberry.field(default=None, description="The withdrawal.")


@strawberry.type
class WithdrawalMutation:
    @strawberry.mutation(
        description="Withdraw somebody from an experiment, or their consent to some data types: "
        "from then on nobody is shown a record of them, none is exported or taken in, and what is "
        "there is sealed until the withdrawal is lifted or the data are erased. For the "
        "participant themselves, where the experiment lets participants look, its owner and "
        "administrators; needs the scope `write:experiments`.",
        extensions=[UserErrors(WithdrawalPayload)],
    )
    async def participant_withdraw(
        self,
        info: Info,
        input: Annotated[WithdrawalInput, strawberry.argument(description="Who, and from what.")],
    ) -> WithdrawalPayload:
        row: Any = await withdrawals.withdraw(info.context, input.asked())
        return WithdrawalPayload(withdrawal=row)

    @strawberry.mutation(
        description="Lift a withdrawal: what no other one is about is put back as it was. For "
        "those who may withdraw the same person; needs the scope `write:experiments`.",
        extensions=[UserErrors(WithdrawalPayload)],
    )
    async def participant_withdrawal_lift(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID, strawberry.argument(description="The withdrawal's global id.")
        ],
    ) -> WithdrawalPayload:
        row: Any = await withdrawals.lift(info.context, id)
        return WithdrawalPayload(withdrawal=row)
