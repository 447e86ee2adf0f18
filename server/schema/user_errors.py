"""Turns what a mutation's resolver refuses into its payload's `userErrors`: the one place."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver

from server.errors import ExpectedFailure, Forbidden, NotFound
from server.global_ids import type_and_key
from server.records.audit import AuditAction
from server.resolvers.context import Context
from server.resolvers.lookups import NODES


@strawberry.enum(description="Why a mutation was refused, for programs.")
class UserErrorCode(Enum):
    FORBIDDEN = strawberry.enum_value(
        "FORBIDDEN", description="The key does not allow this, or its owner may not."
    )
    NOT_FOUND = strawberry.enum_value(
        "NOT_FOUND", description="There is no such thing, or none that the caller may see."
    )
    BAD_USER_INPUT = strawberry.enum_value(
        "BAD_USER_INPUT", description="An argument cannot be used; the message says what would do."
    )
    NOTHING_TO_EXPORT = strawberry.enum_value(
        "NOTHING_TO_EXPORT", description="The selection holds no record."
    )
    ALREADY_FINISHED = strawberry.enum_value(
        "ALREADY_FINISHED",
        description="It has come to its end: there is nothing to cancel, or to try again.",
    )
    NOT_FINISHED = strawberry.enum_value(
        "NOT_FINISHED", description="It is still going on: wait for it, or cancel it first."
    )
    ALREADY_THERE = strawberry.enum_value(
        "ALREADY_THERE", description="There is one already, and it is not overwritten."
    )
    CONSENT_WITHDRAWN = strawberry.enum_value(
        "CONSENT_WITHDRAWN", description="It is about somebody who has withdrawn."
    )
    ARCHIVED = strawberry.enum_value(
        "ARCHIVED",
        description="The experiment is archived, so that it is only read; to change it, set its "
        "status to COMPLETED first.",
    )
    DEADLINE_EXCEEDED = strawberry.enum_value(
        "DEADLINE_EXCEEDED", description="It took too long, and was stopped: ask again."
    )
    BUSY = strawberry.enum_value(
        "BUSY", description="It cannot be done at this moment: ask again in a minute."
    )


@strawberry.type(description="Why a mutation was refused; nothing was changed.")
class UserError:
    field: list[str] | None = strawberry.field(
        description="The way to the argument at fault; null if it is not one of them."
    )
    message: str = strawberry.field(description="What is wrong, and what to do.")
    code: UserErrorCode = strawberry.field(description="The same, for programs.")


class UserErrors(FieldExtension):
    """Put in a mutation's `extensions`: its payload must have `user_errors`, the rest nullable.

    What is refused for want of a right is noted in the audit log, as an `action`.
    """

    def __init__(self, payload: type[Any], action: AuditAction = AuditAction.ATTEMPT) -> None:
        self.payload = payload
        self.action = action

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        try:
            return await next_(source, info, **kwargs)
        except ExpectedFailure as failure:
            if isinstance(failure, Forbidden | NotFound):
                context: Context = info.context
                context.refused[self.action, _asked(info.field_name, kwargs)] = None
            error = UserError(
                field=list(failure.field) or None,
                message=failure.message,
                code=UserErrorCode(failure.code),
            )
            return self.payload(user_errors=[error])


def _asked(field: str, arguments: Mapping[str, object]) -> str:
    """Name a mutation and what it was to be done to: global ids, of all that was given."""
    texts = [each for each in arguments.values() if isinstance(each, str)]
    known = ((text, type_and_key(text)) for text in texts)
    ids = [text for text, parts in known if parts is not None and parts[0] in NODES]
    return " ".join((field, *ids))
