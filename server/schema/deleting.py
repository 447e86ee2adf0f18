"""What is told of something that was deleted."""

import strawberry

from server.schema.user_errors import UserError


@strawberry.type(description="What was deleted, or why nothing was.")
class DeletePayload:
    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="The global id that it had."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
