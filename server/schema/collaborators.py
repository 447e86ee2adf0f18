"""With whom experiments are shared: the grants, as clients see and say them."""

from typing import Any, cast

import strawberry

from server.execution.fields import Batched
from server.records import RecordType
from server.records.collaborators import CollaboratorBase
from server.records.exports import Anonymization
from server.records.groups import UserGroup as UserGroupTable
from server.records.users import User as UserTable
from server.resolvers.lookups import Parents
from server.resolvers.sharing import Sharing
from server.schema.connection import loaded
from server.schema.groups import UserGroup
from server.schema.node import Node
from server.schema.people import User
from server.timestamps import Timestamp


@strawberry.pydantic.type(
    description="What of an experiment is shared, with an account or with a group."
)
class Collaborator(CollaboratorBase, Node):
    @strawberry.pydantic.field(
        description="With whom; null if with a group.", extensions=[Batched("user_key")]
    )
    def user(self) -> User | None:
        return loaded(Parents(UserTable, "user_key"))

    @strawberry.pydantic.field(
        description="With which group; null if with one account.",
        extensions=[Batched("group_key")],
    )
    def group(self) -> UserGroup | None:
        return loaded(Parents(UserGroupTable, "group_key"))

    @strawberry.pydantic.field(
        description="Who granted it, or changed it last; null if that was not kept.",
        extensions=[Batched("granted_by_key")],
    )
    def granted_by(self) -> User | None:
        return loaded(Parents(UserTable, "granted_by_key"))

    @strawberry.pydantic.field(
        description="The data types that are shared; null for all. Of others there seem to be none."
    )
    def data_types(self) -> list[RecordType] | None:
        names = cast("Any", self).data_types
        return None if names is None else [each for each in RecordType if each.name in names]


@strawberry.input(description="What to share of an experiment, with whom, and until when.")
class CollaboratorInput:
    user_id: str | None = strawberry.field(
        default=None,
        description="With a researcher's account, `usr_…`. Name either this or a group.",
    )
    group_id: str | None = strawberry.field(
        default=None,
        description="With all who are in a group, `grp_…`, of your own or that you are in.",
    )
    can_export: bool = strawberry.field(
        default=False, description="Let the data be taken away in files."
    )
    data_types: list[RecordType] | None = strawberry.field(
        default=None, description="Share these types alone; all seven when left out."
    )
    anonymization: Anonymization = strawberry.field(
        default=Anonymization.REMOVE_IDENTIFIERS,
        description="How much of who the participants are may be seen, and stay in files: KEEP "
        "for all of it.",
    )
    expires_at: Timestamp | None = strawberry.field(
        default=None, description="End it by itself at this moment; never when left out."
    )

    def sharing(self) -> Sharing:
        """Return the same in the terms of the resolvers."""
        return Sharing(
            user_id=self.user_id,
            group_id=self.group_id,
            can_export=self.can_export,
            data_types=self.data_types,
            anonymization=self.anonymization,
            expires_at=self.expires_at,
        )
