"""Groups of accounts, so that an experiment can be shared with a lab at once."""

from typing import Annotated, Any

import strawberry

from server.execution.fields import Batched
from server.records.groups import USER_GROUPS, UserGroupBase
from server.records.users import User as UserTable
from server.resolvers import groups
from server.resolvers.groups import Members
from server.resolvers.listings import Window
from server.resolvers.lookups import Parents
from server.resolvers.rights import OwnersOnly
from server.schema.connection import Connection, all_of, loaded
from server.schema.deleting import DeletePayload
from server.schema.info import Info
from server.schema.node import Node
from server.schema.people import User
from server.schema.scope import After, First
from server.schema.user_errors import UserError, UserErrors

GroupId = Annotated[strawberry.ID, strawberry.argument(description="The group's global id.")]


@strawberry.pydantic.type(description="Accounts with which experiments are shared at once.")
class UserGroup(UserGroupBase, Node):
    @strawberry.pydantic.field(
        description="Who says who is in it; null for all but them and administrators.",
        extensions=[Batched("owner_key")],
    )
    def owner(self) -> User | None:
        return loaded(OwnersOnly(Parents(UserTable, "owner_key"), USER_GROUPS.scope))

    @strawberry.pydantic.field(
        description="Who is in it, at most 1,000, in the order of their names; null for all but "
        "its owner and administrators.",
        extensions=[Batched()],
    )
    def members(self) -> list[User] | None:
        return loaded(OwnersOnly(Members(), USER_GROUPS.scope))


@strawberry.input(description="A new group.")
class UserGroupInput:
    name: str = strawberry.field(description="What to call it.")
    member_ids: list[str] = strawberry.field(
        default_factory=list,
        description="Who is in it: ids of researchers' accounts, `usr_…`, at most 1,000. Its owner "
        "is in it only if named.",
    )


@strawberry.input(description="What to change of a group.")
class UserGroupChanges:
    name: str | None = strawberry.field(
        default=None, description="What to call it; as before when left out."
    )
    member_ids: list[str] | None = strawberry.field(
        default=None,
        description="Who is in it from now on, all of them; as before when left out.",
    )


@strawberry.type(description="A group, or why there is none.")
class UserGroupPayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
    group: UserGroup | None = strawberry.field(default=None, description="The group.")


@strawberry.type
class UserGroupQuery:
    @strawberry.field(
        description="The groups that the caller owns or is in, the oldest first; all, for "
        "administrators. A key that is bound to experiments sees none.",
        extensions=[Batched()],
    )
    def user_groups(self, first: First = None, after: After = None) -> Connection[UserGroup]:
        return all_of(USER_GROUPS, None, None, Window(first, after))


@strawberry.type
class UserGroupMutation:
    @strawberry.mutation(
        description="Make a group of the caller's. Needs the scope `write:experiments`, and a key "
        "that is not bound to experiments, as all that changes groups.",
        extensions=[UserErrors(UserGroupPayload)],
    )
    async def user_group_create(
        self,
        info: Info,
        input: Annotated[UserGroupInput, strawberry.argument(description="The group.")],
    ) -> UserGroupPayload:
        return _payload(await groups.create(info.context, input.name, input.member_ids))

    @strawberry.mutation(
        description="Change a group of the caller's: who is no longer in it no longer sees what is "
        "shared with it. Needs the scope `write:experiments`.",
        extensions=[UserErrors(UserGroupPayload)],
    )
    async def user_group_update(
        self,
        info: Info,
        id: GroupId,
        input: Annotated[UserGroupChanges, strawberry.argument(description="What to change.")],
    ) -> UserGroupPayload:
        return _payload(await groups.change(info.context, id, input.name, input.member_ids))

    @strawberry.mutation(
        description="Delete a group of the caller's, and what is shared with it. Needs the scope "
        "`write:experiments`.",
        extensions=[UserErrors(DeletePayload)],
    )
    async def user_group_delete(self, info: Info, id: GroupId) -> DeletePayload:
        await groups.remove(info.context, id)
        return DeletePayload(deleted_id=id)


def _payload(row: Any) -> UserGroupPayload:
    return UserGroupPayload(group=row)
