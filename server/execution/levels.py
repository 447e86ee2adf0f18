"""Levels: loading what plans name for many sources at once, and showing what came."""

# graphql-core's types are generic in what they leave unsaid:
# pyright: basic

import copy
from collections.abc import Awaitable, Iterator, Sequence
from itertools import islice
from typing import Any

from graphql import (
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    is_leaf_type,
    is_list_type,
)
from graphql.execution.executor import CollectedErrors, Executor
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path, Undefined, gather_with_cancel
from strawberry.schema.schema_converter import get_arguments

from server.batches import Batch
from server.execution.expressions import LeftToGraphQL
from server.execution.makers import node_fields, pages_maker, rows_maker
from server.execution.plans import Load, Other, Selection
from server.observing.operations import loaded
from server.paging import Page
from server.rows import Layout, Row, Rows

MOST_MADE = 64
"""For how many values of its variables the batches of a field are kept."""


class Levels:
    """Carries plans out for one operation. Whatever it raises, graphql-core has to answer."""

    def __init__(self, executor: Executor[Any]) -> None:
        self._executor = executor

    async def load(self, load: Load, sources: Sequence[Any]) -> Sequence[Any]:
        """Load a field for sources, and show what came, for each."""
        if not sources:
            return []
        loaded(load.details[0].node.name.value, len(sources))
        context = self._executor.context_value
        context.meter.points += load.points * len(sources)
        values = await self._batch(load).load(context, sources, load.wanted)
        return await self._shown(load, load.definition.type, values)

    def _batch(self, load: Load) -> Batch:
        given = self._executor.variable_values.coerced
        values = tuple([repr(given.get(name, Undefined)) for name in load.variables])
        if (batch := load.made.get(values)) is None:
            batch = self._made(load)
            if len(load.made) >= MOST_MADE:
                load.made.clear()
            load.made[values] = batch
        return batch

    def _made(self, load: Load) -> Batch:
        details = load.details[0]
        given = get_argument_values(
            load.definition,
            details.node,
            self._executor.variable_values,
            details.fragment_variable_values,
        )
        made_from: Any = self._executor.schema._strawberry_schema  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue] - Strawberry's own way back
        args, kwargs = get_arguments(
            field=load.declared,
            source=None,
            info=None,  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - a batched resolver takes none
            kwargs=given,
            config=made_from.config,
            scalar_registry=made_from.schema_converter.scalar_registry,
        )
        assert load.declared.base_resolver is not None
        batch: Batch = load.declared.base_resolver(*args, **kwargs)
        return batch

    async def _shown(
        self, load: Load, type_: GraphQLOutputType, values: Sequence[Any]
    ) -> Sequence[Any]:
        """Return values as the answer shows them."""
        if isinstance(type_, GraphQLNonNull):
            if None in values:
                raise LeftToGraphQL
            type_ = type_.of_type
        elif None in values:
            present = await self._shown(load, type_, [v for v in values if v is not None])
            shown = iter(present)
            return [None if value is None else next(shown) for value in values]
        if is_list_type(type_):
            return await self._lists(load, type_.of_type, values)
        if is_leaf_type(type_):
            return [_leaf(type_, value) for value in values]
        if not values:
            return []
        if isinstance(values[0], Page):
            return await self._pages(load.selections[get_named_type(type_).name], values)
        return await self._rows(load, values)

    async def _lists(
        self, load: Load, type_: GraphQLOutputType, lists: Sequence[Any]
    ) -> Sequence[Any]:
        first = lists[0] if lists else None
        if isinstance(first, Rows):
            if any(rows.layout is not first.layout for rows in lists):
                raise LeftToGraphQL
            values = [each for rows in lists for each in rows.values]
            selection = load.selections[first.layout.type_name]
            shown = iter(await self._values(selection, first.layout, values))
        else:
            shown = iter(await self._shown(load, type_, [each for some in lists for each in some]))
        return [list(islice(shown, len(some))) for some in lists]

    async def _rows(self, load: Load, rows: Sequence[Row]) -> Sequence[Any]:
        if not all(isinstance(row, Row) for row in rows):
            raise LeftToGraphQL
        layout = rows[0].layout
        if all(row.layout is layout for row in rows):
            selection = load.selections[layout.type_name]
            return await self._values(selection, layout, [row.values for row in rows], rows)
        by_layout: dict[Any, list[Row]] = {}
        for row in rows:
            by_layout.setdefault(row.layout, []).append(row)
        shown = {of: iter(await self._rows(load, some)) for of, some in by_layout.items()}
        return [next(shown[row.layout]) for row in rows]

    async def _values(
        self,
        selection: Selection,
        layout: Layout,
        values: Sequence[Any],
        rows: Sequence[Row] | None = None,
    ) -> list[dict[str, Any]]:
        make = rows_maker(selection, layout)
        if not selection.loads:
            return make(values)
        return make(values, *await self._beside(selection, rows or Rows(layout, values)))

    async def _pages(self, selection: Selection, pages: Sequence[Page]) -> list[dict[str, Any]]:
        layout = pages[0].layout
        if any(page.layout is not layout for page in pages):
            raise LeftToGraphQL
        make = pages_maker(selection, layout)
        beside = await self._beside(selection, pages)
        nodes: list[Iterator[Any]] = []
        for node in node_fields(selection):
            values = [each for page in pages for each in page.values]
            nodes.append(iter(await self._values(node, layout, values)))
        return make(pages, *beside, *nodes)

    async def _beside(self, selection: Selection, sources: Sequence[Any]) -> list[Sequence[Any]]:
        """Return what has to be loaded for each source: one list a field."""
        return [
            await self._others(selection.type, key, entry, sources)
            if isinstance(entry, Other)
            else await self.load(entry, sources)
            for key, entry in selection.loads
        ]

    async def _others(
        self, type_: GraphQLObjectType, key: str, other: Other, sources: Sequence[Any]
    ) -> Sequence[Any]:
        """Let graphql-core execute a field for each source; an error gives the plan up."""
        apart = copy.copy(self._executor)
        apart.collected_errors = CollectedErrors()
        within = Path(None, key, None)  # not the root; an answer with errors is made anew
        path = Path(within, key, type_.name)
        is_awaitable = self._executor.is_awaitable
        shown: list[Any] = []
        try:
            for source in sources:
                shown.append(  # noqa: PERF401 - what was begun is settled if a later one fails
                    apart.execute_field(type_, source, other.details, path, None)
                )
        finally:
            awaited: list[Awaitable[Any]] = [each for each in shown if is_awaitable(each)]
            if len(shown) < len(sources):
                self._executor.settle_in_background(awaited)
        if awaited:
            settled = iter(await gather_with_cancel(*awaited))
            shown = [next(settled) if is_awaitable(each) else each for each in shown]
        if apart.collected_errors.errors or any(each is Undefined for each in shown):
            raise LeftToGraphQL
        return shown


def _leaf(type_: Any, value: object) -> Any:
    shown = type_.coerce_output_value(value)
    if shown is None or shown is Undefined:
        raise LeftToGraphQL
    return shown
