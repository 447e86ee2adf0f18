"""What a query selects of an object, so that nothing else is read."""

from collections.abc import Iterable
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionNode,
)

from server.schema.info import Info


def selected(info: Info) -> frozenset[str]:
    """Return the names of the fields selected of the present field's object, as in the schema.

    Fields that @skip or @include leave out are among them: reading too much does no harm.
    Each fragment is looked at once, however often it is spread.
    """
    # Strawberry's own `selected_fields` expands a fragment each time it is spread.
    raw: GraphQLResolveInfo[Any] = getattr(info, "_raw_info")  # noqa: B009 - Strawberry leaves it untyped
    nodes = [node.selection_set for node in raw.field_nodes]
    found = set[str]()
    _collect(raw, (each for node in nodes if node for each in node.selections), found, set())
    return frozenset(found)


def _collect(
    raw: GraphQLResolveInfo[Any], nodes: Iterable[SelectionNode], found: set[str], spread: set[str]
) -> None:
    for node in nodes:
        if isinstance(node, FieldNode):
            found.add(node.name.value)
        elif isinstance(node, InlineFragmentNode):
            _collect(raw, node.selection_set.selections, found, spread)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
            spread.add(node.name.value)
            _collect(raw, raw.fragments[node.name.value].selection_set.selections, found, spread)
