"""Fields whose resolver says what to load for many sources, instead of loading it for one."""

from typing import Any

from strawberry import Info
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import SyncExtensionResolver
from strawberry.types.field import StrawberryField

from server.limits.weights import points_of


class Batched(FieldExtension):
    """Put in a field's `extensions`: its resolver returns a Batch, and takes no `info`.

    `needs` names what the batch reads of its sources besides their keys. One source at a time, as
    graphql-core asks, is left to the operation's dataloader, `context.batches`.
    """

    def __init__(self, *needs: str) -> None:
        self.needs = frozenset(needs)
        self.points = 0

    def apply(self, field: StrawberryField) -> None:
        self.points = points_of(field.metadata)

    def resolve(
        self, next_: SyncExtensionResolver, source: Any, info: Info[Any, Any], **kwargs: Any
    ) -> Any:
        info.context.meter.points += self.points
        return info.context.batches.load((next_(source, info, **kwargs), source))
