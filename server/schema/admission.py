"""Whether an operation may be executed: its bounds, its cost, and what its sender has left."""

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from graphql import ExecutionResult as GraphQLExecutionResult
from graphql import GraphQLError, OperationType
from strawberry.types import ExecutionResult

from server.deadlines import InTime, deadline
from server.errors import DeadlineExceeded, ExpectedFailure, IntrospectionOff
from server.limits.bounds import check_variables, refuse_beyond
from server.limits.measuring import Measured
from server.limits.weights import LOOK_UP
from server.replicas import Replica, followed
from server.resolvers.context import Context
from server.schema.errors import coded

Result = TypeVar("Result", ExecutionResult, GraphQLExecutionResult)

_SUGGESTION = re.compile(r" Did you mean [^?]*\?")


class Admission:
    """An operation that may be executed: what it may cost, or a part of it, is reserved for it."""

    __slots__ = ("_context", "_is_settled", "_reserved", "asked")

    def __init__(self, asked: Measured, context: Context, reserved: int) -> None:
        self.asked = asked
        self._context = context
        self._reserved = reserved
        self._is_settled = False

    @property
    def is_stream(self) -> bool:
        return self.asked.kind is OperationType.SUBSCRIPTION

    @property
    def seconds(self) -> float:
        """How long it may take."""
        return self._context.services.terms.deadline_seconds

    def reading(
        self, executing: Callable[[], Coroutine[Any, Any, Result]]
    ) -> Coroutine[Any, Any, Result]:
        """Return how a query is executed: from a replica, if there is one that may be asked."""
        replica = self._context.db.replica
        return executing() if replica is None else _from(replica, executing)

    def censor(self, errors: Sequence[GraphQLError] | None) -> None:
        """Take out of errors which names of the schema might have been meant, if so set."""
        if errors and not self._context.services.terms.suggestions:
            for error in errors:
                error.message = _SUGGESTION.sub("", error.message)

    def settle(self, *, executed: bool = True) -> dict[str, Any]:
        """Give back what was not needed, once; return what is told of the cost."""
        context, meter = self._context, self._context.meter
        actual = meter.requested
        if not executed:
            actual = LOOK_UP
        elif not self.is_stream:
            actual = min(self.asked.unmetered + meter.points, actual)
        budgets, holder = context.services.budgets, context.budget
        if budgets is None or holder is None:
            return {"cost": {"requested": meter.requested, "actual": actual}}
        if not self._is_settled:
            budgets.settle(holder, self._reserved, actual)
            self._is_settled = True
        return {
            "cost": {
                "requested": meter.requested,
                "actual": actual,
                "available": budgets.left(holder),
                "restoreRate": budgets.bucket.refill,
            }
        }


async def _from(replica: Replica, executing: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    async with followed(replica):
        return await executing()


async def admit(
    asked: Measured, variables: Mapping[str, Any] | None, context: Context
) -> Admission:
    """Take what an operation may cost; TooComplex, IntrospectionOff, Throttled if it may not be."""
    terms, budgets = context.services.terms, context.services.budgets
    if asked.introspects and not terms.introspection:
        raise IntrospectionOff("This server does not show its schema: see its documentation.")
    if variables:
        check_variables(variables)
    cost = context.meter.requested = asked.cost.points(variables or {})
    refuse_beyond("cost", cost, terms.most_cost)
    reserved = 0
    if budgets is not None and context.budget is not None:
        reserved = await budgets.reserve(context.budget, cost)
    return Admission(asked, context, reserved)


def refusal(failure: ExpectedFailure | GraphQLError) -> GraphQLError:
    """Return a failure as it is told of an operation that was not executed, or not to its end."""
    if isinstance(failure, GraphQLError):
        return coded(failure)
    return coded(GraphQLError(failure.message, original_error=failure))


async def in_time(
    executing: Callable[[], Coroutine[Any, Any, Result]], admission: Admission
) -> Result | ExecutionResult:
    """Execute an operation until its deadline.

    A query that passes it is answered by that alone. A mutation is not broken off from outside:
    what it has changed is told, and its next step is refused by the doors to the database.
    """
    with deadline(admission.seconds) as bound:
        if admission.asked.kind is not OperationType.QUERY:
            return await executing()
        try:
            result = await InTime(admission.reading(executing), bound)
        except DeadlineExceeded as failure:
            return ExecutionResult(None, [refusal(failure)])
    if not result.errors:
        return result
    causes = (error.original_error for error in result.errors)
    if any(isinstance(cause, DeadlineExceeded) for cause in causes):
        return ExecutionResult(None, [refusal(bound.exceeded)])
    return result
