"""Strawberry's executor, with plans for what is batched."""

# graphql-core's types are generic in what they leave unsaid:
# pyright: basic

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution import execute as execute_with
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.execution.executor import Executor
from graphql.pyutils import Path
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from server.execution.levels import Levels
from server.execution.plans import Load, NotPlanned, Planner

MOST_OPERATIONS = 512
"""Of how many operations the plans are kept."""

MOST_WAYS = 64
"""For how many ways its @skip and @include can come out an operation's plans are kept."""


@dataclass(slots=True)
class _Plans:
    """The plans of an operation: one for each way its @skip and @include can come out."""

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    switches: tuple[str, ...]
    by_switches: dict[tuple[Any, ...], dict[str | int, Load]] = field(
        default_factory=dict[tuple[Any, ...], dict[str | int, Load]]
    )
    of_events: dict[tuple[Any, ...], Load | None] = field(
        default_factory=dict[tuple[Any, ...], "Load | None"]
    )
    """How fields of a subscription's events are loaded, by way and name; None for those by none."""

    def are_of(self, executor: Executor[Any]) -> bool:
        return self.operation is executor.operation and self.schema is executor.schema


_plans: OrderedDict[int, _Plans] = OrderedDict()


class PlanningExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes the batched fields of a query by plans, and leaves all else to graphql-core.

    So are those of what a subscription tells: its events are shown like a query's answers, to many.

    A plan loads and shows; it changes nothing. So whatever goes wrong in one, the field is executed
    again by graphql-core, and what that answers holds: errors, their paths, the nulls they leave.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._loads: dict[str | int, Load] = {}
        self._is_event = False

    def execute_root_grouped_field_set(
        self,
        root_type: GraphQLObjectType,
        root_value: Any,
        grouped_field_set: GroupedFieldSet,
        serially: bool,
        position_context: Any,
    ) -> Any:
        kind = self.operation.operation
        if _is_on(self.context_value) and not self._has_middleware():
            if kind is OperationType.QUERY:
                self._loads = self._planned(root_type, grouped_field_set)
            self._is_event = kind is OperationType.SUBSCRIPTION
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
        load: Load | None = None
        if path.prev is None:
            load = self._loads.get(path.key)
        elif self._is_event and path.prev.prev is None:
            load = self._planned_of_event(parent_type, field_details_list, path)
        if load is not None:
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
            [shown] = await Levels(self).load(load, [source])
        except Exception:
            shown = super().execute_field(parent_type, source, details, path, None)
            if self.is_awaitable(shown):
                shown = await shown
        return shown

    def _planned(self, type_: GraphQLObjectType, fields: GroupedFieldSet) -> dict[str | int, Load]:
        plans = self._plans()
        switches = self._way(plans)
        if (loads := plans.by_switches.get(switches)) is None:
            try:
                loads = Planner(self).roots(type_, fields)
            except (NotPlanned, RecursionError):
                loads = {}
            if len(plans.by_switches) >= MOST_WAYS:
                plans.by_switches.clear()
            plans.by_switches[switches] = loads
        return loads

    def _planned_of_event(
        self, type_: GraphQLObjectType, details: FieldDetailsList, path: Path
    ) -> Load | None:
        assert path.prev is not None
        plans = self._plans()
        asked = self._way(plans), path.prev.key, path.key
        if asked not in plans.of_events:
            try:
                load = Planner(self).roots(type_, {str(path.key): details}).get(path.key)
            except (NotPlanned, RecursionError):
                load = None
            if len(plans.of_events) >= MOST_WAYS * len(self.operation.selection_set.selections):
                plans.of_events.clear()
            plans.of_events[asked] = load
        return plans.of_events[asked]

    def _plans(self) -> _Plans:
        """Return the plans that are kept of the operation."""
        plans = _plans.get(id(self.operation))
        if plans is None or not plans.are_of(self):
            plans = _Plans(self.schema, self.operation, self._switches())
            _plans[id(self.operation)] = plans
            if len(_plans) > MOST_OPERATIONS:
                _plans.popitem(last=False)
        return plans

    def _way(self, plans: _Plans) -> tuple[Any, ...]:
        """Return how the @skip and @include of the operation come out."""
        given = self.variable_values.coerced
        return tuple(given.get(name) for name in plans.switches)

    def _has_middleware(self) -> bool:
        return self.middleware_manager is not None and bool(self.middleware_manager.middlewares)

    def _switches(self) -> tuple[str, ...]:
        """Return the names of the variables on which it depends what is selected."""
        finder = _Switches()
        for part in (self.operation, *self.fragment_definitions.values()):
            visit(part, finder)
        return tuple(sorted(finder.names))


async def execute(
    schema: GraphQLSchema, document: DocumentNode, variables: dict[str, Any] | None, context: object
) -> ExecutionResult:
    """Execute the only operation of a valid document."""
    result = execute_with(
        schema,
        document,
        context_value=context,
        variable_values=variables,
        is_awaitable=cast("Any", optimized_is_awaitable),
        executor_class=PlanningExecutor,
    )
    if isinstance(result, ExecutionResult):
        return result
    return await result


def _is_on(context: object) -> bool:
    """Return whether an operation's context, which has the `batches`, lets plans be made."""
    return getattr(context, "fast_path", False) is True


class _Switches(Visitor):
    """Finds the variables that @skip and @include depend on."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: Any, *_: Any) -> None:
        if node.name.value not in (GraphQLSkipDirective.name, GraphQLIncludeDirective.name):
            return
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.names.add(argument.value.name.value)
