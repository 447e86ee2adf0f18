"""Accounts, and who is asking."""

import strawberry

from server.records.users import UserBase, UserRole
from server.schema import inputs as inputs  # enums become GraphQL's first


@strawberry.pydantic.type(description="An account.")
class User(UserBase): ...


@strawberry.type(description="Who is asking.")
class Viewer:
    user_id: str = strawberry.field(description="Public id of the account, `usr_…`.")
    name: str = strawberry.field(description="The name people know the account by.")
    role: UserRole = strawberry.field(description="What the account is for.")
    scopes: list[str] = strawberry.field(description="What the API key in use allows.")
