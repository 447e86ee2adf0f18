"""What the caller may do with what they see, and why."""

import strawberry

from server.records import RecordType
from server.schema import inputs as inputs  # enums become GraphQL's first
from server.timestamps import Timestamp


@strawberry.type(description="What the caller may do with an experiment, and all that is in it.")
class Access:
    can_view: bool = strawberry.field(description="Read its data.")
    can_export: bool = strawberry.field(
        description="Take data away in files; `why` says if only some, or without identifiers."
    )
    can_delete: bool = strawberry.field(description="Delete it.")
    can_manage: bool = strawberry.field(description="Share it, and give it to another owner.")
    can_see_identified: bool = strawberry.field(
        description="Read what identifies participants, such as an email; it is null otherwise."
    )
    data_types: list[RecordType] = strawberry.field(
        description="The types whose records the caller sees; others look as if there were none."
    )
    until: Timestamp | None = strawberry.field(description="When all of it ends; null for never.")
    why: str = strawberry.field(
        description="Why, such as: Shared with you until 2027-01-01: view, and export without "
        "identifiers."
    )
