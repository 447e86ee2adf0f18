"""Relay's Node: whatever can be fetched again by its global id."""

from typing import Any

import strawberry

from server.rows import Row


@strawberry.interface(description="Whatever can be fetched again by its global id.")
class Node:
    id: strawberry.ID = strawberry.field(description="Global id, opaque, for `node(id:)`.")

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Rows stand in for the types that show them: both bear the name of the table."""
        return isinstance(value, Row) and value.layout.type_name == cls.__name__
