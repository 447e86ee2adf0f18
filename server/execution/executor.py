"""Strawberry's executor, with plans for what is batched."""

import copy
from collections import OrderedDict
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from graphql import (
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    get_named_type,
    is_leaf_type,
    is_list_type,
    visit,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.execution.executor import CollectedErrors
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path, Undefined, gather_with_cancel
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import get_arguments

from server.batches import Batch
from server.execution.expressions import LeftToGraphQL
from server.execution.makers import node_fields, pages_maker, rows_maker
from server.execution.plans import Load, NotPlanned, Other, Planner, Selection
from server.paging import Page
from server.rows import Layout, Row, Rows

MOST_OPERATIONS = 512
"""Of how many operations the plans are kept."""


@dataclass(slots=True)
class _Plans:
    """The plans of an operation: one for each way its @skip and @include can come out."""

    operation: OperationDefinitionNode
    switches: tuple[str, ...]
    by_switches: dict[tuple[Any, ...], dict[str, Load]] = field(
        default_factory=dict[tuple[Any, ...], dict[str, Load]]
    )


_plans: OrderedDict[int, _Plans] = OrderedDict()


class PlanningExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes the batched fields of a query by plans, and leaves all else to graphql-core.

    A plan loads and shows; it changes nothing. So whatever goes wrong in one, the field is executed
    again by graphql-core, and what that answers holds: errors, their paths, the nulls they leave.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._loads: dict[str, Load] = {}

    def execute_root_grouped_field_set(
        self,
        root_type: GraphQLObjectType,
        root_value: Any,
        grouped_field_set: GroupedFieldSet,
        serially: bool,
        position_context: Any,
    ) -> Any:
        if self.operation.operation is OperationType.QUERY and self.context_value.fast_path:
            self._loads = self._planned(root_type, grouped_field_set)
        return super().execute_root_grouped_field_set(
            root_type, root_value, grouped_field_set, serially, position_context
        )

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: FieldDetailsList,
        path: Path,
        position_context: Any,
    ) -> Any:
        if path.prev is None and (load := self._loads.get(path.key)) is not None:
            return self._by_plan(load, parent_type, source, field_details_list, path)
        return super().execute_field(
            parent_type, source, field_details_list, path, position_context
        )

    async def _by_plan(
        self,
        load: Load,
        parent_type: GraphQLObjectType,
        source: Any,
        details: FieldDetailsList,
        path: Path,
    ) -> Any:
        try:
            [shown] = await self._loaded(load, [source])
        except Exception:
            shown = super().execute_field(parent_type, source, details, path, None)
            if self.is_awaitable(shown):
                shown = await shown
        return shown

    def _planned(self, type_: GraphQLObjectType, fields: GroupedFieldSet) -> dict[str, Load]:
        plans = _plans.get(id(self.operation))
        if plans is None or plans.operation is not self.operation:
            plans = _Plans(self.operation, self._switches())
            _plans[id(self.operation)] = plans
            if len(_plans) > MOST_OPERATIONS:
                _plans.popitem(last=False)
        given = self.variable_values.coerced
        switches = tuple(given.get(name) for name in plans.switches)
        if (loads := plans.by_switches.get(switches)) is None:
            try:
                loads = Planner(self).roots(type_, fields)
            except (NotPlanned, RecursionError):
                loads = {}
            plans.by_switches[switches] = loads
        return loads

    def _switches(self) -> tuple[str, ...]:
        """Return the names of the variables on which it depends what is selected."""
        finder = _Switches()
        for part in (self.operation, *self.fragment_definitions.values()):
            visit(part, finder)
        return tuple(sorted(finder.names))

    async def _loaded(self, load: Load, sources: Sequence[Any]) -> Sequence[Any]:
        """Load a field for sources, and show what came, for each."""
        if not sources:
            return []
        values = await self._batch(load).load(self.context_value, sources, load.wanted)
        return await self._shown(load, load.definition.type, values)

    def _batch(self, load: Load) -> Batch:
        if load.constant is not None:
            return load.constant
        details = load.details[0]
        given = get_argument_values(
            load.definition, details.node, self.variable_values, details.fragment_variable_values
        )
        strawberry_schema: Any = self.schema._strawberry_schema
        args, kwargs = get_arguments(
            field=load.field,
            source=None,
            info=None,  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - a batched resolver takes none
            kwargs=given,
            config=strawberry_schema.config,
            scalar_registry=strawberry_schema.schema_converter.scalar_registry,
        )
        assert load.field.base_resolver is not None
        batch: Batch = load.field.base_resolver(*args, **kwargs)
        if not load.varies:
            load.constant = batch
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
            values = [each for rows in lists for each in rows.values]
            selection = load.selections[first.layout.type_name]
            shown = iter(await self._values(selection, first.layout, values))
        else:
            shown = iter(await self._shown(load, type_, [each for some in lists for each in some]))
        return [list(islice(shown, len(some))) for some in lists]

    async def _rows(self, load: Load, rows: Sequence[Row]) -> Sequence[Any]:
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
            else await self._loaded(entry, sources)
            for key, entry in selection.loads
        ]

    async def _others(
        self, type_: GraphQLObjectType, key: str, other: Other, sources: Sequence[Any]
    ) -> Sequence[Any]:
        """Let graphql-core execute a field for each source; an error gives the plan up."""
        apart = copy.copy(self)
        apart.collected_errors = CollectedErrors()
        apart._loads = {}
        path = Path(None, key, type_.name)  # nobody sees it: an answer with errors is made anew
        shown: list[Any] = []
        try:
            for source in sources:
                shown.append(  # noqa: PERF401 - what was begun is settled if a later one fails
                    apart.execute_field(type_, source, other.details, path, None)
                )
        finally:
            awaited: list[Awaitable[Any]] = [each for each in shown if self.is_awaitable(each)]
            if len(shown) < len(sources):
                self.settle_in_background(awaited)
        if awaited:
            settled = iter(await gather_with_cancel(*awaited))
            shown = [next(settled) if self.is_awaitable(each) else each for each in shown]
        if apart.collected_errors.errors or any(each is Undefined for each in shown):
            raise LeftToGraphQL
        return shown


class _Switches(Visitor):
    """Finds the variables that @skip and @include depend on."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: Any, *_: Any) -> None:
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.names.add(argument.value.name.value)


def _leaf(type_: Any, value: object) -> Any:
    shown = type_.coerce_output_value(value)
    if shown is None or shown is Undefined:
        raise LeftToGraphQL
    return shown
