"""Turns what a mutation's resolver refuses into its payload's `userErrors`: the one place."""

from enum import Enum
from typing import Any

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver

from server.errors import ExpectedFailure


@strawberry.enum(description="Why a mutation was refused, for programs.")
class UserErrorCode(Enum):
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    NOTHING_TO_EXPORT = "NOTHING_TO_EXPORT"
    ALREADY_FINISHED = "ALREADY_FINISHED"


@strawberry.type(description="Why a mutation was refused; nothing was changed.")
class UserError:
    field: list[str] | None = strawberry.field(
        description="The way to the argument at fault; null if it is not one of them."
    )
    message: str = strawberry.field(description="What is wrong, and what to do.")
    code: UserErrorCode = strawberry.field(description="The same, for programs.")


class UserErrors(FieldExtension):
    """Put in a mutation's `extensions`: its payload must have `user_errors`, the rest nullable."""

    def __init__(self, payload: type[Any]) -> None:
        self.payload = payload

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        try:
            return await next_(source, info, **kwargs)
        except ExpectedFailure as failure:
            error = UserError(
                field=list(failure.field) or None,
                message=failure.message,
                code=UserErrorCode(failure.code),
            )
            return self.payload(user_errors=[error])
