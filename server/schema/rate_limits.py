"""What whoever asks may still spend."""

import strawberry

from server.schema.info import Info
from server.timestamps import Timestamp, now


@strawberry.type(
    description="What an API key, or a user who is signed in, may spend on operations: points, "
    "which come back as time goes by. A point is about one row that is read."
)
class RateLimit:
    limit: int = strawberry.field(description="How many points there are at most.")
    remaining: int = strawberry.field(
        description="How many are left, once what this operation may cost is taken."
    )
    cost: int = strawberry.field(
        description="How many this operation may cost; what it does not need is given back."
    )
    restore_rate: int = strawberry.field(description="How many come back in a second.")
    reset_at: Timestamp = strawberry.field(
        description="When all of them will be back, if nothing else is asked."
    )


@strawberry.type
class RateLimitQuery:
    @strawberry.field(
        description="What the caller may still spend on operations; null where there is no bound."
    )
    def rate_limit(self, info: Info) -> RateLimit | None:
        context = info.context
        budgets, holder = context.services.budgets, context.budget
        if budgets is None or holder is None:
            return None
        remaining, bucket = budgets.left(holder), budgets.bucket
        missing = bucket.size - remaining
        return RateLimit(
            limit=bucket.size,
            remaining=remaining,
            cost=context.meter.requested,
            restore_rate=bucket.refill,
            reset_at=Timestamp(now() + bucket.time_of(missing) // 1000),
        )
